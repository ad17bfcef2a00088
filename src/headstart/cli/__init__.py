"""The command line: words in, library verbs called, records shown; nothing is decided here."""

from __future__ import annotations


def main() -> None:
    """Run the command line with the words of this process and leave with its exit code."""
    from headstart.cli.app import run

    raise SystemExit(run())
