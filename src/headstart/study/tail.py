"""What comes after the last training: how long judging, writing and leaving will take, recalled from the run before, so that a budget holds to the end."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.files import read_json, write_json
from headstart.base.folders import measured

USUAL_SECONDS = 3.0  # until one run on this machine has shown better: intervals, thumbnails, the report's figures, checksums
USUAL_SHARE = 1.0  # likewise, of the seconds in which the program started: a slow machine is slow at the end too
SHORT, SHORT_BUDGET, SHORT_SHARE = "-short", 40.0, 0.7  # so short a budget leaves no time for a learning curve: there is less to write
LEAVING_SECONDS = 0.5  # the interpreter's own end, after everything is written
OLD_SHARE = 0.3  # of the new estimate: one slow moment of the machine does not decide
LEAST_SECONDS, MOST_SECONDS = 0.5, 30.0


def kind(modality: str, budget_seconds: float | None) -> str:
    """What ends of runs are alike: of one kind of data (pictures are drawn small, clips are cut), under a short budget or not."""
    return f"{modality}{SHORT}" if budget_seconds is not None and budget_seconds < SHORT_BUDGET else modality


def recall(kind: str, starting_seconds: float = 0.0) -> float:
    """Seconds that the end of a run takes on this machine.

    Args:
        kind: Which ends are alike.
        starting_seconds: What the program took to start this time; tells of the machine until a run was timed.
    """
    usual = min(max(USUAL_SECONDS, USUAL_SHARE * starting_seconds), MOST_SECONDS) * (SHORT_SHARE if kind.endswith(SHORT) else 1.0)
    seconds = _remembered(kind)
    return usual if seconds is None else seconds


def prepare() -> None:
    """Import what the end needs, where a twin that trains until time is up makes good for it: seconds of a slow disk are known before, not after."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cleanlab.filter  # noqa: F401
        import jinja2  # noqa: F401
        import matplotlib.backends.backend_svg  # noqa: F401


@contextmanager
def timed(kind: str) -> Iterator[None]:
    """Keep what the end of this run takes."""
    started = time.perf_counter()
    yield
    seconds, before = time.perf_counter() - started + LEAVING_SECONDS, _remembered(kind)
    write_json(_kept(kind), {"seconds": round(seconds if before is None else OLD_SHARE * before + (1 - OLD_SHARE) * seconds, 3)})


def _remembered(kind: str) -> float | None:
    """What runs before took; None before the first, or where what was kept is damaged."""
    try:
        seconds = float(read_json(_kept(kind))["seconds"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, InputError):
        return None
    return min(max(seconds, LEAST_SECONDS), MOST_SECONDS) if math.isfinite(seconds) else None


def _kept(kind: str) -> Path:
    return measured() / f"tail-{kind}.json"
