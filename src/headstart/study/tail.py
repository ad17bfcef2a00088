"""What comes after the last training: how long judging, writing and leaving will take, recalled from the run before, so that a budget holds to the end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.files import read_json, write_json
from headstart.base.folders import home

USUAL_SECONDS = 3.0  # until one run on this machine has shown better: intervals, thumbnails, the report's figures, checksums
LEAVING_SECONDS = 0.8  # the interpreter's own end, after everything is written
OLD_SHARE = 0.3  # of the new estimate: one slow moment of the machine does not decide


def recall() -> float:
    """Seconds that the end of a run takes on this machine."""
    try:
        seconds = float(read_json(_kept())["seconds"])
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return USUAL_SECONDS
    return min(max(seconds, 0.5), 10 * USUAL_SECONDS) if math.isfinite(seconds) else USUAL_SECONDS


@contextmanager
def timed() -> Iterator[None]:
    """Keep what the end of this run takes."""
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started + LEAVING_SECONDS
    write_json(_kept(), {"seconds": round(OLD_SHARE * recall() + (1 - OLD_SHARE) * seconds, 3)})


def _kept() -> Path:
    return home() / "engines" / "tail.json"
