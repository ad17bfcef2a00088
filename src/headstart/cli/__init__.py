"""The command line: words in, library verbs called, records shown; nothing is decided here."""

from __future__ import annotations

import gc

from headstart.base.resident import tidy_rarely


def main() -> None:
    """Run the command line with the words of this process and leave with its exit code."""
    tidy_rarely()
    from headstart.cli.app import run

    code = run()
    gc.freeze()  # a search for garbage among a million objects of modules took 1.5 s of every command's end
    raise SystemExit(code)
