"""How much memory this process holds, how it is given back, and how many files it may hold open: the kernel's own numbers, two switches of an allocator.

Where the system tells less (no ``/proc``, another C library), the largest amount so far stands for the amount now, or 0, and the switches do nothing.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")
# Source: mallopt(3). A block above the threshold has a mapping of its own, which goes back to the system when it is freed.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
ARENAS, MAPPED_FROM_BYTES, KEPT_BYTES = 2, 1 << 20, 8 << 20
OFTEN, RARELY = gc.get_threshold(), (20_000, 30, 30)  # new objects before a search for cycles: as Python has it, and as a start of a million objects bears it
REUSED_UP_TO_BYTES, KEPT_AT_MOST_BYTES = (1 << 30, 32 << 20), 1 << 30  # the second where the C library takes no more
HANDLES = 10_240  # that macOS lets a process hold, whatever it says; programs that are called close them all, so that a million would take them long
# What torch, the C and C++ libraries, oneDNN and Python's threads say.
MEMORY_WORDS = ("can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc", "could not create a primitive", "can't start new thread")


def resident_bytes() -> int:
    """What this process holds now, mapped files that it has looked at included."""
    return _told("VmRSS") or peak_bytes()


def peak_bytes() -> int:
    """The most that it has held so far."""
    if told := _told("VmHWM"):
        return told
    try:
        import resource
    except ImportError:  # Windows: nothing tells
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def give_back() -> None:
    """Return to the system what was freed and lies about."""
    library = _c_library()
    if library is not None and hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def tidy_rarely() -> None:
    """From now on, look for garbage less often: while torch and transformers are imported Python looks 1,200 times, 0.7 of 7.8 s."""
    gc.set_threshold(*RARELY)


def hold_little() -> None:
    """From now on, return large blocks as soon as they are freed, and share two pools of small ones among all threads: slower, but nothing piles up.

    Garbage is looked for as often as Python does by itself.
    """
    gc.set_threshold(*OFTEN)
    library = _c_library()
    if library is not None and hasattr(library, "mallopt"):
        for switch, value in ((M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, MAPPED_FROM_BYTES), (M_TRIM_THRESHOLD, KEPT_BYTES)):
            library.mallopt(switch, value)


def hold_on() -> None:
    """From now on, keep large blocks that are freed for whoever asks next, about a gigabyte, instead of returning them to the system each time.

    Every step of a training asks for the same blocks as the one before. A block that comes from the system comes as zeroed pages, each at its first touch:
    half of a step's time was spent on that (EfficientNet-Lite0, 32 pictures, two cores: 5.3 s a step, 2.8 s with this; what is held at most grew by 15 %).
    """
    library = _c_library()
    if library is not None and hasattr(library, "mallopt"):
        any(library.mallopt(M_MMAP_THRESHOLD, size) for size in REUSED_UP_TO_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, KEPT_AT_MOST_BYTES)


def open_many() -> None:
    """From now on, hold up to 10,240 files open, where the system lets this process: 256 on macOS and 1,024 on Linux are only where it begins.

    A mapped file keeps its handle (Python drops it from 3.13 on), and a slow pass writes a shard of each of its cuts every 20 s.
    """
    try:
        import resource
    except ImportError:  # Windows: there is no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = HANDLES if hard == resource.RLIM_INFINITY else min(hard, HANDLES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def is_out_of_memory(error: BaseException) -> bool:
    """Was there no memory left? Python says ``MemoryError``, torch and others a ``RuntimeError`` with words.

    Example:
        >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes"))
        True
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(words in str(error).lower() for words in MEMORY_WORDS)


def _told(name: str) -> int:
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:")), 0)


def _c_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
