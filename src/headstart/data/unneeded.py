"""Unpacked archives that nobody reads now: the folder of them in, less of them out; they are unpacked anew when they are needed again.

Whoever reads an unpacked archive holds a shared lock on a file beside it for as long as the process lives; the system lets go of it however that ends.
"""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from headstart.base import folders

_READING: dict[Path, IO[bytes]] = {}  # open files whose locks say that this process reads


def place() -> Path:
    """The folder of all unpacked archives."""
    return folders.home() / "unpacked"


def reads(folder: Path) -> None:
    """Say that this process reads an unpacked archive from now on."""
    mark = folder.with_suffix(".read")
    if folder not in _READING or not mark.exists():
        stream = mark.open("ab")
        fcntl.flock(stream, fcntl.LOCK_SH)
        _READING[folder] = stream
    mark.touch()


def unpacked_bytes() -> int:
    """What unpacked archives take on the disk."""
    return sum(_size(folder) for folder in _folders())


def prune_unpacked(limit_bytes: int = 0) -> int:
    """Remove the unpacked archives that were read the longest ago until the others fit into a limit; those that a process reads now stay.

    Returns:
        The bytes freed.
    """
    found = sorted(((_last_read(folder), folder, _size(folder)) for folder in _folders()), key=lambda one: one[0])
    excess, freed = sum(size for _, _, size in found) - limit_bytes, 0
    for _, folder, size in found:
        if excess <= 0:
            break
        if _removed(folder):
            freed, excess = freed + size, excess - size
    return freed


def _removed(folder: Path) -> bool:
    """Remove an unpacked archive, unless somebody unpacks or reads it."""
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=0), folder.with_suffix(".read").open("ab") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.with_suffix(".json").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_suffix(".read").unlink(missing_ok=True)
    except (Timeout, BlockingIOError):
        return False
    return True


def _folders() -> list[Path]:
    return [path for path in place().iterdir() if path.is_dir()] if place().is_dir() else []


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _last_read(folder: Path) -> float:
    mark = folder.with_suffix(".read")
    return mark.stat().st_mtime if mark.exists() else folder.stat().st_mtime
