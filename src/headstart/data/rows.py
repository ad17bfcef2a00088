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
READING = 2  # raised when the same file gives other texts at the same places: what was remembered under another number is not used
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


@dataclass(frozen=True, eq=False)
class HeldRows:
    """Short items that lie in no file by themselves, such as the texts of a CSV file: held one behind the other, as bytes.

    Attributes:
        held: The bytes of all.
        places: ``(n, 2)``: first byte, number of bytes.
        origin: The stamp of the file that they come from; None when it is too fresh to be trusted.
    """

    held: bytes
    places: NDArray[np.int64]
    origin: str | None

    def read(self, index: int) -> bytes:
        """The item's bytes."""
        start, length = self.places[index].tolist()
        return self.held[start : start + length]

    def size(self, index: int) -> int:
        """The item's length."""
        return int(self.places[index, 1])

    def stamp(self, index: int) -> str | None:
        """The file's stamp and the place among what was read from it."""
        return None if self.origin is None else f"{self.origin}#{READING}:{self.places[index, 0]}+{self.places[index, 1]}"

    def take(self, kept: Iterable[int]) -> HeldRows:
        """Only these items."""
        return HeldRows(self.held, self.places[np.fromiter(kept, np.int64)], self.origin)


def held(texts: Iterable[str], origin: str | None = None) -> HeldRows:
    """Texts as rows of UTF-8; letters that no encoding has become question marks."""
    content = bytearray()
    places = []
    for text in texts:
        raw = text.encode("utf-8", "replace")
        places.append((len(content), len(raw)))
        content += raw
    return HeldRows(bytes(content), np.array(places, np.int64).reshape(-1, 2), origin)


@dataclass(frozen=True, eq=False)
class JoinedRows:
    """Rows of several kinds or files, one behind the other.

    Attributes:
        parts: Where they come from.
        places: ``(n, 2)``: which of the parts, and which of its rows.
    """

    parts: tuple[Rows, ...]
    places: NDArray[np.int64]

    def read(self, index: int) -> bytes:
        """The item's bytes."""
        part, place = (int(number) for number in self.places[index])
        return self.parts[part].read(place)

    def size(self, index: int) -> int:
        """The item's length."""
        part, place = (int(number) for number in self.places[index])
        return self.parts[part].size(place)

    def stamp(self, index: int) -> str | None:
        """The item's stamp where it comes from."""
        part, place = (int(number) for number in self.places[index])
        return self.parts[part].stamp(place)

    def take(self, kept: Iterable[int]) -> JoinedRows:
        """Only these items."""
        return JoinedRows(self.parts, self.places[np.fromiter(kept, np.int64)])


def joined(parts: Sequence[Rows], lengths: Sequence[int]) -> Rows:
    """Several rows as one."""
    places = [np.stack([np.full(n, number), np.arange(n)], axis=1) for number, n in enumerate(lengths)]
    return JoinedRows(tuple(parts), np.concatenate(places).astype(np.int64))


def stamp(path: str | os.PathLike[str]) -> str | None:
    """A name for this state of a file, so that it need not be read again; None while it may still be changing."""
    seen = os.stat(path)  # noqa: PTH116 — called for every file of a data set; Path costs five times as much
    return None if time.time() - max(seen.st_mtime, seen.st_ctime) < STILL_SECONDS else _state(path, seen)


def state(path: str | os.PathLike[str]) -> str:
    """A name for this state of a file, however young it is."""
    return _state(path, os.stat(path))  # noqa: PTH116


def _state(path: str | os.PathLike[str], seen: os.stat_result) -> str:
    """The time of the last change of status is part of it: a copy that keeps old times (``cp -p``) cannot pass for the old content."""
    return digest(os.path.abspath(path), repr((seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)))  # noqa: PTH100


def chosen(values: Sequence[T], kept: Iterable[int]) -> tuple[T, ...]:
    """The values at these places, as a tuple."""
    return tuple(values[index] for index in kept)
