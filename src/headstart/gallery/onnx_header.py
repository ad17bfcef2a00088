"""The weights that an ONNX file claims, walked over in the wire format before the library builds objects of it: a path in, their places out.

Source: Protocol Buffers, "Encoding"; field numbers from ONNX's `onnx.proto`.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from pathlib import Path

from headstart.gallery.headers import Place, check_name, check_shape, refuse, shown

FIELDS_LIMIT = 500_000  # at the levels that are walked over: a network of a thousand layers has some ten thousand
AXES_LIMIT = 16
GRAPH, INITIALIZER, SPARSE = 7, 5, 15
DIMS, TYPE, NAME, RAW, EXTERNAL, LOCATION = 1, 2, 8, 9, 13, 14
# Bits of a number. Source: TensorProto.DataType.
BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4}
TYPED = {4: 1, 5: 6, 7: 7, 10: 11, 11: 13}  # the lists of numbers that stand in place of raw bytes: at least one byte a number in all of them
Field = tuple[int, int, int, int]  # number, wire type, first byte (or the value of a number), end


def check_onnx(path: Path) -> dict[str, Place]:
    """Check an ONNX file: every weight inside it, as long as shape and type say, none in another file.

    Returns:
        Its weights by name.

    Raises:
        InputError: when anything does not hold.

    Cost: a few microseconds a weight and a node; the numbers themselves are not read.
    """
    if not path.stat().st_size:
        refuse(path, "it is empty")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        return _Walk(path, raw).read()


class _Walk:
    def __init__(self, path: Path, raw: mmap.mmap) -> None:
        self.path, self.raw, self.left = path, raw, FIELDS_LIMIT

    def read(self) -> dict[str, Place]:
        places: dict[str, Place] = {}
        graphs = [field for field in self._fields(0, len(self.raw)) if field[:2] == (GRAPH, 2)]
        if len(graphs) != 1:
            refuse(self.path, f"it holds {len(graphs)} graphs")
        for number, wire, start, end in self._fields(*graphs[0][2:]):
            if number == SPARSE:
                refuse(self.path, "it holds sparse weights")
            if (number, wire) == (INITIALIZER, 2):
                place = self._weight(start, end)
                if place.name in places:
                    refuse(self.path, f"{shown(place.name)} stands twice")
                places[place.name] = place
        return places

    def _weight(self, start: int, end: int) -> Place:
        shape: list[int] = []
        kind, name, raw, listed = 0, "", None, 0
        for number, wire, begin, stop in self._fields(start, end):
            if number in (EXTERNAL, LOCATION) and (wire == 2 or begin):
                refuse(self.path, "its weights lie in another file")
            if number == DIMS:
                shape += [begin] if wire == 0 else self._packed(begin, stop)
            elif number == TYPE:
                kind = begin
            elif (number, wire) == (NAME, 2):
                name = self.raw[begin : min(stop, begin + 4096)].decode("utf-8", "replace")
            elif (number, wire) == (RAW, 2):
                raw = (begin, stop)
            elif number in TYPED:
                listed += stop - begin if wire == 2 else 1
            if len(shape) > AXES_LIMIT:
                refuse(self.path, "a weight has too many axes")
        check_name(self.path, name)
        bits = BITS.get(kind)
        if bits is None:
            refuse(self.path, f"{shown(name)} has the unknown type {kind}")
        count = math.prod(check_shape(self.path, name, shape, limit=8 * len(self.raw)))
        length = -(-count * bits // 8)
        if raw is None and count > 2 * listed:
            refuse(self.path, f"{shown(name)} claims {count:,} numbers and has fewer")
        if raw is not None and raw[1] - raw[0] != length:
            refuse(self.path, f"{shown(name)}: {shape} numbers of {bits} bits do not take {raw[1] - raw[0]:,} bytes")
        return Place(name, tuple(shape), str(kind), raw[0] if raw else start, length)

    def _packed(self, start: int, end: int) -> list[int]:
        found: list[int] = []
        while start < end and len(found) <= AXES_LIMIT:
            value, start = self._varint(start, end)
            found.append(value)
        return found

    def _fields(self, start: int, end: int) -> Iterator[Field]:
        while start < end:
            self.left -= 1
            if self.left < 0:
                refuse(self.path, f"it holds more than {FIELDS_LIMIT:,} parts")
            key, start = self._varint(start, end)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, start = self._varint(start, end)
                yield number, wire, value, start
                continue
            length, start = self._varint(start, end) if wire == 2 else ({1: 8, 5: 4}.get(wire, -1), start)
            if number < 1 or length < 0 or start + length > end:
                refuse(self.path, "it is cut off or no ONNX file")
            yield number, wire, start, start + length
            start += length

    def _varint(self, start: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if start >= end:
                break
            byte = self.raw[start]
            start += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, start
        return refuse(self.path, "it is cut off or no ONNX file")
