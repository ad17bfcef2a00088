"""The header of a GGUF file, with bounds: a path in, its notes and the places of its tensors out; what holds no water is refused before it is used.

Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3; sizes of blocks from ggml's `ggml-common.h` and `ggml-quants`.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from headstart.gallery.headers import Place, check_name, check_places, check_shape, refuse, shown

VERSIONS = (2, 3)
TENSORS_LIMIT = 65_536
NOTES_LIMIT = 65_536
TEXT_LIMIT_BYTES = 1 << 20  # a chat template has some kilobytes
KEY_LIMIT_BYTES = 65_535  # of the specification
VALUES_LIMIT = 8_000_000  # of all lists together: a vocabulary of 256,000 has as many words, scores and types, and twice as many merges
AXES_LIMIT = 4  # GGML_MAX_DIMS
ALIGNMENT_LIMIT = 1 << 16
# Numbers in a block and the block's bytes.
BLOCKS = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, LIST = 8, 9


@dataclass(frozen=True)
class Gguf:
    """What the header of a GGUF file says.

    Attributes:
        notes: Its table of names and values: architecture, lengths, vocabulary.
        tensors: By name; a shape is in the file's order, the fastest axis first.
        begin: Where in the file the numbers begin; places are counted from here.
    """

    notes: dict[str, Any]
    tensors: dict[str, Place]
    begin: int


def check_gguf(path: Path) -> Gguf:
    """Check a GGUF file and give what its header says.

    Raises:
        InputError: when anything in the header does not hold.

    Cost: half a second for a vocabulary of 150,000 words; none of the numbers is read.
    """
    with path.open("rb") as stream:
        return _Header(path, stream).read()


class _Header:
    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path, self.stream, self.size = path, stream, os.fstat(stream.fileno()).st_size
        self.left = VALUES_LIMIT

    def read(self) -> Gguf:
        if self._bytes(4) != b"GGUF":
            refuse(self.path, "it does not begin with GGUF")
        version = self._number("<I")
        if version not in VERSIONS:
            refuse(self.path, f"its version is {version}, not 2 or 3 (or its bytes are in the other order)")
        n_tensors, n_notes = self._number("<Q"), self._number("<Q")
        if n_tensors > TENSORS_LIMIT or n_notes > NOTES_LIMIT:
            refuse(self.path, f"it claims {n_tensors:,} tensors and {n_notes:,} notes")
        notes: dict[str, Any] = {}
        for _ in range(n_notes):
            key = self._text(KEY_LIMIT_BYTES)
            if key in notes:
                refuse(self.path, f"the note {shown(key)} stands twice")
            notes[key] = self._value(self._number("<I"))
        alignment = notes.get("general.alignment", 32)
        if type(alignment) is not int or not 8 <= alignment <= ALIGNMENT_LIMIT or alignment & (alignment - 1):
            refuse(self.path, f"its alignment is {shown(str(alignment))}")
        found = [self._place() for _ in range(n_tensors)]
        tensors = {place.name: place for place in found}
        if len(tensors) < len(found):
            refuse(self.path, "a tensor's name stands twice")
        if any(place.start % alignment for place in found):
            refuse(self.path, f"a tensor does not begin at a multiple of {alignment} bytes")
        begin = -(-self.stream.tell() // alignment) * alignment
        if found and begin > self.size:
            refuse(self.path, "it ends before its numbers begin")
        check_places(self.path, found, max(0, self.size - begin), padding=alignment - 1)
        return Gguf(notes, tensors, begin)

    def _place(self) -> Place:
        name = check_name(self.path, self._text(KEY_LIMIT_BYTES))
        n_axes = self._number("<I")
        if n_axes > AXES_LIMIT:
            refuse(self.path, f"{shown(name)} claims {n_axes:,} axes")
        shape = check_shape(self.path, name, [self._number("<Q") for _ in range(n_axes)], limit=8 * self.size)
        kind, start = self._number("<I"), self._number("<Q")
        if kind not in BLOCKS:
            refuse(self.path, f"{shown(name)} has the unknown type {kind}")
        word, block, length = BLOCKS[kind]
        if (shape[0] if shape else 1) % block:
            refuse(self.path, f"{shown(name)}: rows of {shape[0] if shape else 1:,} numbers do not fill blocks of {block} ({word})")
        return Place(name, shape, word, start, math.prod(shape) // block * length)

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind in SCALARS:
            return self._number(SCALARS[kind])
        if kind == TEXT:
            return self._text(TEXT_LIMIT_BYTES)
        if kind != LIST or depth:
            refuse(self.path, f"a note has the unknown type {kind}" if kind != LIST else "a note is a list of lists")
        inner, count = self._number("<I"), self._number("<Q")
        self.left -= count
        if self.left < 0:
            refuse(self.path, f"its notes claim more than {VALUES_LIMIT:,} values")
        if inner in SCALARS:
            letter = SCALARS[inner][1]
            raw = self._bytes(count * struct.calcsize(f"<{letter}"))
            return list(struct.unpack(f"<{count}{letter}", raw))
        return [self._value(inner, depth + 1) for _ in range(count)]

    def _text(self, limit: int) -> str:
        length = self._number("<Q")
        if length > limit:
            refuse(self.path, f"a text claims {length:,} bytes")
        return self._bytes(length).decode("utf-8", "replace")

    def _number(self, code: str) -> Any:
        return struct.unpack(code, self._bytes(struct.calcsize(code)))[0]

    def _bytes(self, count: int) -> bytes:
        if count > self.size:
            refuse(self.path, f"it claims {count:,} bytes in one piece, the file has {self.size:,}")
        raw = self.stream.read(count)
        if len(raw) < count:
            refuse(self.path, "it ends in the middle of its header")
        return raw
