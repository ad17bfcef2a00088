"""A shard: some items' activations at one stage, in one safetensors file that is written whole, mapped and checked.

A shard describes itself (whose items, a checksum a row, the values), so the folder of shards is the index: there is no
database to lose, to lock or to repair.
"""

from __future__ import annotations

import json
import math
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

HEADER_LIMIT_BYTES = 1 << 20  # a shard's header takes a few hundred bytes; a huge one is damage or malice
DTYPES = {"U8": np.uint8, "U32": np.uint32, "F16": np.float16, "F32": np.float32}
Rows = tuple[NDArray[np.generic], ...]


@dataclass
class Shard:
    """One mapped file.

    Attributes:
        path: The file.
        items: Content hash of each row's item, hexadecimal.
        seconds: What it took to compute the rows: the price of losing them.
    """

    path: Path
    items: tuple[str, ...]
    seconds: float
    _values: Rows
    _checks: NDArray[np.uint32]
    _checked: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """No row has been read yet."""
        self._checked = np.zeros(len(self.items), dtype=bool)

    def damaged(self, rows: Sequence[int]) -> list[int]:
        """Compare rows with their checksums (once per opened shard) and return those that differ."""
        wrong = []
        for row in rows:
            if not self._checked[row]:
                if _checksum(self._values, row) == int(self._checks[row]):
                    self._checked[row] = True
                else:
                    wrong.append(row)
        return wrong

    def rows(self, rows: NDArray[np.int64]) -> Rows:
        """Copy rows out of the mapping, one array per crossing tensor."""
        return tuple(values[rows] for values in self._values)


def write_shard(path: Path, items: Sequence[str], values: Rows, seconds: float) -> int:
    """Write a shard in one step and return its size in bytes."""
    arrays = {f"value{n}": np.ascontiguousarray(array) for n, array in enumerate(values)}
    checks = np.array([_checksum(values, row) for row in range(len(items))], dtype=np.uint32)
    names = np.frombuffer(bytes.fromhex("".join(items)), dtype=np.uint8).reshape(len(items), -1)
    content = save({"items": names, "checks": checks, **arrays}, {"seconds": repr(float(seconds))})
    write(path, content)
    return len(content)


def open_shard(path: Path) -> Shard:
    """Map a shard.

    Raises:
        IntegrityError: when the file is not a whole shard; it says in which way.
    """
    try:
        tensors, metadata = _mapped(path)
        items = tuple(bytes(row).hex() for row in tensors["items"])
        values = tuple(tensors[f"value{n}"] for n in range(len(tensors) - 2))
        checks = np.array(tensors["checks"])
        seconds = float(metadata["seconds"])
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path.name} is not a whole shard: {error}") from None
    if not values or {len(items), len(checks)} != {len(value) for value in values}:
        raise IntegrityError(f"{path.name} is not a whole shard: its tables differ in length")
    return Shard(path, items, seconds, values, checks)


def _mapped(path: Path) -> tuple[dict[str, NDArray[np.generic]], dict[str, str]]:
    """Map the tensors of a safetensors file: 8 bytes of header length, a JSON header, then the numbers without gaps.

    Source: the safetensors format description (huggingface/safetensors, README).
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(HEADER_LIMIT_BYTES, size - 8):
            raise ValueError("header length out of bounds")
        header = json.loads(stream.read(length))
    metadata = header.pop("__metadata__")
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    return {name: _view(whole[8 + length :], entry) for name, entry in header.items()}, metadata


def _view(numbers: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[np.generic]:
    begin, end = (int(place) for place in entry["data_offsets"])
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(int(length) for length in entry["shape"])
    if not (0 <= begin <= end <= len(numbers) and min(shape, default=0) >= 0 and end - begin == dtype.itemsize * math.prod(shape)):
        raise ValueError("a table does not fit its file")
    return numbers[begin:end].view(dtype).reshape(shape)


def _checksum(values: Rows, row: int) -> int:
    check = 0
    for array in values:
        check = zlib.crc32(np.ascontiguousarray(array[row]).view(np.uint8).data, check)
    return check
