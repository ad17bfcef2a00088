"""Where the bytes of each item lie and how they are fetched, one at a time: places flow in, bytes flow out on demand.

Nothing is held: files are opened when asked for, so 60,000 pictures cost only their names or places.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from headstart.base.hashing import digest

T = TypeVar("T")
STILL_SECONDS = 2.0  # a file changed less than this ago may change again within the same tick of a coarse file system's clock


class Rows(Protocol):
    """The items of a listing, in its order."""

    def read(self, index: int) -> bytes:
        """All bytes of one item."""

    def size(self, index: int) -> int:
        """How many bytes `read` would return."""

    def stamp(self, index: int) -> str | None:
        """A name that changes when the item's file is touched; None when the file is too fresh to be trusted."""

    def take(self, kept: Iterable[int]) -> Rows:
        """Only these items, in this order."""


@dataclass(frozen=True)
class FileRows:
    """Items that are files: ``paths`` are absolute."""

    paths: tuple[str, ...]

    def read(self, index: int) -> bytes:
        """The file's bytes."""
        return Path(self.paths[index]).read_bytes()

    def size(self, index: int) -> int:
        """The file's length."""
        return Path(self.paths[index]).stat().st_size

    def stamp(self, index: int) -> str | None:
        """Path, place on the disk, length and times of the file."""
        return stamp(self.paths[index])

    def take(self, kept: Iterable[int]) -> FileRows:
        """Only these files."""
        return FileRows(tuple(self.paths[index] for index in kept))


@dataclass(frozen=True)
class SliceRows:
    """Items that are slices of larger files, such as the cells of an Arrow table.

    They are read, not mapped: what a process has mapped counts as its memory until the system takes it back.

    Attributes:
        paths: The files.
        stamps: For each file its stamp.
        places: ``(n, 3)``: file, first byte, number of bytes.
    """

    paths: tuple[str, ...]
    stamps: tuple[str | None, ...]
    places: NDArray[np.int64]

    def read(self, index: int) -> bytes:
        """The slice's bytes."""
        file, start, length = self.places[index].tolist()
        with Path(self.paths[file]).open("rb", buffering=0) as stream:
            stream.seek(start)
            return stream.read(length)

    def size(self, index: int) -> int:
        """The slice's length."""
        return int(self.places[index, 2])

    def stamp(self, index: int) -> str | None:
        """The file's stamp and the place in it."""
        file, start, length = self.places[index].tolist()
        seen = self.stamps[file]
        return None if seen is None else f"{seen}#{start}+{length}"

    def take(self, kept: Iterable[int]) -> SliceRows:
        """Only these slices."""
        return SliceRows(self.paths, self.stamps, self.places[np.fromiter(kept, np.int64)])


def stamp(path: str | os.PathLike[str], still_seconds: float = STILL_SECONDS) -> str | None:
    """A name for this state of a file, so that it need not be read again; None while it may still be changing.

    The time of the last change of status is part of it: a copy that keeps old times (``cp -p``) cannot pass for the old content.
    """
    seen = os.stat(path)  # noqa: PTH116 — called for every file of a data set; Path costs five times as much
    if time.time() - max(seen.st_mtime, seen.st_ctime) < still_seconds:
        return None
    return digest(os.path.abspath(path), repr((seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)))  # noqa: PTH100


def chosen(values: Sequence[T], kept: Iterable[int]) -> tuple[T, ...]:
    """The values at these places, as a tuple."""
    return tuple(values[index] for index in kept)
