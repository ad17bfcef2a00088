"""The array that a NumPy file claims to hold, read by ourselves: a path in, its shape, type and place out, or a refusal; no unpickler is near.

Source: NumPy Enhancement Proposal 1 (Kern 2007), "A Simple File Format for NumPy Arrays". Its header is a Python literal; here it is matched by a pattern
that admits what NumPy writes for plain numbers and nothing else, so nothing is evaluated.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from headstart.gallery.headers import check_shape, refuse

MAGIC = b"\x93NUMPY"
HEADER_LIMIT_BYTES = 4_096  # of a plain array: about a hundred
HEADER = re.compile(
    r"\{'descr': '(?P<type>[<>|=][fiub][1248])', 'fortran_order': (?P<turned>True|False), 'shape': \((?P<shape>(?:[0-9]{1,19},? ?){0,16})\), \} *\n"
)
LENGTHS = {1: 2, 2: 4, 3: 4}  # major version: bytes that tell the header's length


@dataclass(frozen=True)
class Npy:
    """A plain array in a file.

    Attributes:
        shape: Lengths of its axes.
        kind: Type of its numbers, as NumPy spells it: ``<f4``.
        turned: Do the numbers lie column behind column?
        start: Its first byte.
    """

    shape: tuple[int, ...]
    kind: str
    turned: bool
    start: int


def check_npy(path: Path) -> Npy:
    """Check a NumPy file: magic, version, header, and exactly as many bytes as shape times type.

    Raises:
        InputError: when anything does not hold; arrays of Python objects, whose bytes are a pickle, do not.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        begin = stream.read(8)
        if begin[:6] != MAGIC or len(begin) < len(MAGIC) + 2 or begin[6] not in LENGTHS:
            refuse(path, "it does not begin as a NumPy file")
        told = stream.read(LENGTHS[begin[6]])
        length = int.from_bytes(told, "little")
        if length > HEADER_LIMIT_BYTES:
            refuse(path, f"its header has {length:,} bytes, more than {HEADER_LIMIT_BYTES:,}")
        found = HEADER.fullmatch(stream.read(length).decode("latin-1"))
    if found is None:
        refuse(path, "its header does not describe an array of plain numbers")
    shape = [int(number) for number in re.findall("[0-9]+", found["shape"])]
    start, width = len(begin) + len(told) + length, int(found["type"][2])
    count = math.prod(check_shape(path, "the array", shape, limit=size))
    if start + count * width != size:
        refuse(path, f"{count:,} numbers of {width} bytes do not take {size - start:,} bytes")
    return Npy(tuple(shape), found["type"], found["turned"] == "True", start)
