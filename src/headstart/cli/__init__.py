"""The command line: words in, library verbs called, records shown; nothing is decided here."""

from __future__ import annotations

import os

SPINS_BEFORE_SLEEP = "10000"  # of a thread that waits for another: the default spins for milliseconds, and two busy programs then cost 4 times the time


def main() -> None:
    """Run the command line with the words of this process and leave with its exit code."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS_BEFORE_SLEEP)  # read once, when torch is loaded
    from headstart.cli.app import run

    raise SystemExit(run())
