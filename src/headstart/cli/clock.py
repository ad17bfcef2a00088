"""When this process began: what a budget given on the command line counts from, imports included."""

from __future__ import annotations

import os
import time
from pathlib import Path

START_FIELD = 19  # of /proc/self/stat behind the program's name: start time after boot, in clock ticks


def process_started() -> float:
    """The reading that ``time.perf_counter`` would have given when this process began; now, where the system does not tell.

    Source: proc(5), field 22 of ``/proc/pid/stat``.
    """
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[START_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.perf_counter()
    return time.perf_counter() - max(0.0, age)
