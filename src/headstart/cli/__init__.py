"""The command line: words in, library verbs called, records shown; nothing is decided here."""

from __future__ import annotations

import gc
import os

GARBAGE = (20_000, 30, 30)  # new objects before a search for cycles: Python's 700 search 1,200 times while torch and transformers are imported, 0.7 of 7.8 s
SPINS_BEFORE_SLEEP = "10000"  # of a thread that waits for another: the default spins for milliseconds, and two busy programs then cost 4 times the time


def main() -> None:
    """Run the command line with the words of this process and leave with its exit code."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS_BEFORE_SLEEP)  # read once, when torch is loaded
    gc.set_threshold(*GARBAGE)
    from headstart.cli.app import run

    code = run()
    gc.freeze()  # a search for garbage among a million objects of modules took 1.5 s of every command's end
    raise SystemExit(code)
