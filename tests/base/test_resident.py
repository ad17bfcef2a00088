"""Freed blocks are kept for the next step, or returned at once where there is a limit: counted in pages that the system had to hand out."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = 64 << 20  # above what the C library keeps by itself
TIMES = 10
PAGES = BLOCK >> 12
NO_HUGE_PAGES = "ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)"  # PR_SET_THP_DISABLE: where the system hands out 2 MB at once, hardly anything is counted
PROGRAM = f"""
import ctypes
import resource
{NO_HUGE_PAGES}
import numpy as np
from headstart.base import resident
from headstart.planning.memory import Memory
Memory({{limit}}).begin()
first = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({TIMES}):
    block = np.empty({BLOCK}, dtype=np.uint8)
    block[:] = 1
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - first)
"""


def faults(limit: int | None) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(limit=limit)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is of the GNU C library")
def test_without_a_limit_a_block_is_handed_out_once_and_under_one_it_goes_back_each_time() -> None:
    small, large = faults(10**10), faults(None)
    assert large < small / 3
