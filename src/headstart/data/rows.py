"""Where the bytes of each item lie and how they are fetched, one at a time: places flow in, bytes flow out on demand.

Nothing is held: files are opened when asked for, Arrow files are mapped into memory, so 60,000 pictures cost only their names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

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

    def take(self, kept: NDArray[np.int64]) -> Rows:
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

    def take(self, kept: NDArray[np.int64]) -> FileRows:
        """Only these files."""
        return FileRows(tuple(self.paths[index] for index in kept))


@dataclass(frozen=True)
class ArrowRows:
    """Items that are cells of mapped Arrow columns, or files that such cells point to.

    Attributes:
        columns: For each file the chunks of its bytes column.
        stamps: For each file its stamp.
        places: ``(n, 3)``: file, chunk, row in the chunk.
    """

    columns: tuple[tuple[Any, ...], ...]
    stamps: tuple[str | None, ...]
    places: NDArray[np.int64]

    def read(self, index: int) -> bytes:
        """A copy of the cell's bytes."""
        return self._cell(index).as_py() or b""

    def size(self, index: int) -> int:
        """The cell's length, without a copy."""
        cell = self._cell(index)
        return int(cell.as_buffer().size) if cell.is_valid else 0

    def stamp(self, index: int) -> str | None:
        """The file's stamp and the row."""
        file, chunk, row = self.places[index]
        seen = self.stamps[file]
        return None if seen is None else f"{seen}#{chunk}.{row}"

    def take(self, kept: NDArray[np.int64]) -> ArrowRows:
        """Only these cells."""
        return ArrowRows(self.columns, self.stamps, self.places[kept])

    def _cell(self, index: int) -> Any:
        file, chunk, row = self.places[index]
        return self.columns[file][chunk][int(row)]


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
