"""Unpacked archives, and tables copied without compression, that nobody reads now: the folder of them in, less of them out; they are made anew when needed.

Whoever reads an unpacked archive holds a reader's lock on a file beside it for as long as the process lives; it is let go of however that ends.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock, ReadWriteLock, Timeout

from headstart.base import folders

_READING: dict[Path, ReadWriteLock] = {}  # held for as long as this process lives


def place() -> Path:
    """The folder of all unpacked archives."""
    return folders.home() / "unpacked"


def reads(folder: Path) -> None:
    """Say that this process reads an unpacked archive from now on."""
    mark = folder.with_suffix(".read")
    if folder not in _READING:
        _READING[folder] = ReadWriteLock(mark)
        _READING[folder].acquire_read()
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
    if folder in _READING:
        return False
    mark = folder.with_suffix(".read")
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=0):
            alone = ReadWriteLock(mark, timeout=0, blocking=False)
            with alone.write_lock():
                folder.with_suffix(".json").unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
            alone.close()
            mark.unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def _folders() -> list[Path]:
    return [path for path in place().iterdir() if path.is_dir()] if place().is_dir() else []


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _last_read(folder: Path) -> float:
    mark = folder.with_suffix(".read")
    return mark.stat().st_mtime if mark.exists() else folder.stat().st_mtime
