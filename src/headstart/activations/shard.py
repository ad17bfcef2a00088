"""A shard: some items' activations at one stage, in one safetensors file that is written whole, mapped and checked.

A shard describes itself (whose items, a checksum a row, the values), so the folder of shards is the index: there is no
database to lose, to lock or to repair.
"""

from __future__ import annotations

import json
import math
import mmap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from headstart.base.errors import IntegrityError
from headstart.base.files import write

AROUND_BYTES = 64 << 10  # that the system maps around a place that is looked at
HEADER_LIMIT_BYTES = 1 << 20  # a shard's header takes a few hundred bytes; a huge one is damage or malice
DTYPES = {"U8": np.uint8, "U32": np.uint32, "F16": np.float16, "F32": np.float32}
Rows = tuple[NDArray[np.generic], ...]
Ends = tuple[NDArray[np.int64] | None, ...]


@dataclass(eq=False)
class Looked:
    """Adds up how much of mapped shards has been looked at, and has the system take its pages back before that is more than a limit.

    Attributes:
        limit_bytes: None counts nothing: pages stay, and are there at once when they are looked at again.
    """

    limit_bytes: int | None = None
    _bytes: int = 0
    _shards: dict[Path, Shard] = field(default_factory=dict)

    def at(self, shard: Shard, count: int, size: int) -> None:
        """So many rows of a shard, together so many bytes, have been looked at."""
        if self.limit_bytes is None:
            return
        self._shards[shard.path] = shard
        self._bytes += min(len(shard.mapping or b""), max(size, count * AROUND_BYTES))
        if self._bytes > self.limit_bytes:
            for one in self._shards.values():
                one.release()
            self._shards.clear()
            self._bytes = 0


@dataclass
class Shard:
    """One mapped file.

    Attributes:
        path: The file.
        items: Content hash of each row's item, hexadecimal.
        seconds: What it took to compute the rows: the price of losing them.
        mapping: Of the file.
        looked: Counts what is looked at.
    """

    path: Path
    items: tuple[str, ...]
    seconds: float
    _values: Rows
    _checks: NDArray[np.uint32]
    _ends: Ends = field(default_factory=tuple)
    mapping: mmap.mmap | None = None
    looked: Looked = field(default_factory=Looked)
    _checked: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """No row has been read yet."""
        self._checked = np.zeros(len(self.items), dtype=bool)

    def damaged(self, rows: Sequence[int]) -> list[int]:
        """Compare rows with their checksums (once per opened shard) and return those that differ."""
        wrong = []
        for row in rows:
            if not self._checked[row]:
                if _checksum(self._values, self._ends, row) == int(self._checks[row]):
                    self._checked[row] = True
                else:
                    wrong.append(row)
                self.looked.at(self, 1, len(self.mapping or b"") // len(self.items))
        return wrong

    def rows(self, rows: NDArray[np.int64]) -> Rows:
        """Copy rows out of the mapping, one array per crossing tensor; what varies in length is padded with zeros to the longest of them."""
        found = tuple(values[rows] if ends is None else padded(values, ends, rows) for values, ends in zip(self._values, self._ends, strict=True))
        self.looked.at(self, len(rows), sum(array.nbytes for array in found))
        return found

    def release(self) -> None:
        """Have the system take the pages back; they come again when they are looked at."""
        if self.mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.mapping.madvise(mmap.MADV_DONTNEED)

    def length(self, row: int) -> int:
        """How many tokens an item has; 0 where nothing varies in length."""
        ends = next((one for one in self._ends if one is not None), None)
        return 0 if ends is None else int(ends[row] - (ends[row - 1] if row else 0))


def padded(values: NDArray[np.generic], ends: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.generic]:
    """Rows of different lengths that lie one behind the other, side by side: ``(len(rows), longest, …)``, zeros behind each row's end."""
    begins = np.where(rows > 0, ends[np.maximum(rows, 1) - 1], 0)
    lengths = ends[rows] - begins
    out = np.zeros((len(rows), int(lengths.max(initial=0)), *values.shape[1:]), values.dtype)
    for n, (begin, length) in enumerate(zip(begins.tolist(), lengths.tolist(), strict=True)):
        out[n, :length] = values[begin : begin + length]
    return out


def write_shard(path: Path, items: Sequence[str], values: Rows, seconds: float, lengths: NDArray[np.int64] | None = None, varying: Sequence[bool] = ()) -> int:
    """Write a shard in one step and return its size in bytes.

    Args:
        path: The file.
        items: Content hash of each row's item.
        values: One array per crossing tensor: ``(n, …)``, or for what varies in length ``(sum of lengths, …)``, row behind row.
        seconds: What it took to compute them.
        lengths: ``(n,)`` length of each item, where something varies.
        varying: Which arrays do.
    """
    ends = _ends(None if lengths is None else np.asarray(lengths), tuple(varying) or (False,) * len(values))
    arrays = {f"value{n}": np.ascontiguousarray(array) for n, array in enumerate(values)}
    checks = np.array([_checksum(values, ends, row) for row in range(len(items))], dtype=np.uint32)
    names = np.frombuffer(bytes.fromhex("".join(items)), dtype=np.uint8).reshape(len(items), -1)
    extra = {} if lengths is None else {"lengths": np.asarray(lengths, dtype=np.uint32)}
    told = {} if lengths is None else {"varying": "".join("01"[one] for one in varying)}
    content = save({"items": names, "checks": checks, **extra, **arrays}, {"seconds": repr(float(seconds)), **told})
    write(path, content)
    return len(content)


def open_shard(path: Path, looked: Looked | None = None) -> Shard:
    """Map a shard; ``looked`` counts what is looked at.

    Raises:
        IntegrityError: when the file is not a whole shard; it says in which way.
        OSError: when it cannot be read now (no handle left, no permission) or is gone: that says nothing against it.
    """
    try:
        tensors, metadata, mapping = _mapped(path)
        items = tuple(bytes(row).hex() for row in tensors["items"])
        values = tuple(tensors[f"value{n}"] for n in range(len(tensors) - 2 - ("lengths" in tensors)))
        checks = np.array(tensors["checks"])
        seconds = float(metadata["seconds"])
        lengths = np.array(tensors["lengths"]) if "lengths" in tensors else None
        ends = _ends(lengths, tuple(letter == "1" for letter in metadata["varying"]) if lengths is not None else (False,) * len(values))
        counted = {len(value) if end is None else _rows_within(value, end) for value, end in zip(values, ends, strict=True)}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{path.name} is not a whole shard: {error}") from None
    if not values or {len(items), len(checks)} != counted:
        raise IntegrityError(f"{path.name} is not a whole shard: its tables differ in length")
    return Shard(path, items, seconds, values, checks, ends, mapping, looked or Looked())


def _ends(lengths: NDArray[np.generic] | None, varying: tuple[bool, ...]) -> Ends:
    """Where the rows of each array end that varies in length; None for those that do not."""
    ends = None if lengths is None else np.cumsum(lengths.astype(np.int64))
    return tuple(ends if one else None for one in varying)


def _rows_within(values: NDArray[np.generic], ends: NDArray[np.int64]) -> int:
    """How many rows there are, if together they are as long as the values; -1 if not."""
    return len(ends) if (int(ends[-1]) if len(ends) else 0) == len(values) else -1


def _mapped(path: Path) -> tuple[dict[str, NDArray[np.generic]], dict[str, str], mmap.mmap]:
    """Map the tensors of a safetensors file: 8 bytes of header length, a JSON header, then the numbers without gaps.

    Source: the safetensors format description (huggingface/safetensors, README).
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(HEADER_LIMIT_BYTES, size - 8):
            raise ValueError("header length out of bounds")
        header = json.loads(stream.read(length))
        mapping = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    metadata = header.pop("__metadata__")
    whole = np.frombuffer(mapping, dtype=np.uint8)
    return {name: _view(whole[8 + length :], entry) for name, entry in header.items()}, metadata, mapping


def _view(numbers: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[np.generic]:
    begin, end = (int(place) for place in entry["data_offsets"])
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(int(length) for length in entry["shape"])
    if not (0 <= begin <= end <= len(numbers) and min(shape, default=0) >= 0 and end - begin == dtype.itemsize * math.prod(shape)):
        raise ValueError("a table does not fit its file")
    return numbers[begin:end].view(dtype).reshape(shape)


def _checksum(values: Rows, ends: Ends, row: int) -> int:
    check = 0
    for array, end in zip(values, ends, strict=True):
        one = array[row] if end is None else array[int(end[row - 1]) if row else 0 : int(end[row])]
        check = zlib.crc32(np.ascontiguousarray(one).view(np.uint8).data, check)
    return check
