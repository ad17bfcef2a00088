"""The command line: words in, library verbs called, records shown; nothing is decided here."""

from __future__ import annotations

import gc
import os

from headstart.base.resident import tidy_rarely

SPINS_BEFORE_SLEEP = "10000"  # of a thread that waits for another: the default spins for milliseconds, and two busy programs then cost 4 times the time


def main() -> None:
    """Run the command line with the words of this process and leave with its exit code."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS_BEFORE_SLEEP)  # read once, when torch is loaded
    tidy_rarely()
    from headstart.cli.app import run

    code = run()
    gc.freeze()  # a search for garbage among a million objects of modules took 1.5 s of every command's end
    raise SystemExit(code)
