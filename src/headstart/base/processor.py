"""What this machine's processor can do: its threads, and whether it multiplies matrices in bfloat16."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

NATIVE = frozenset({"amx_bf16", "avx512_bf16", "bf16"})  # as Linux names the instructions, the last one on ARM


def threads() -> int:
    """Threads this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def has_bfloat16() -> bool:
    """Does this processor multiply in bfloat16 (AMX, AVX-512, ARM)? Elsewhere it is emulated, and slower than float32."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return False
    return not NATIVE.isdisjoint(flags.split())
