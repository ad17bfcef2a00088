"""Headers of weight files, read by ourselves before any library sees the file: a path in, what it claims out, or a refusal.

Counts and lengths are bounded before they are used; shape times type must be the length; no two tensors share a byte; nothing lies outside the file.
Sources: the safetensors format description (huggingface/safetensors, README); the GGUF specification (ggml, docs/gguf.md) for `gguf`; ONNX's for `onnx`.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from headstart.base.errors import InputError

HEADER_LIMIT_BYTES = 16 << 20  # of safetensors: 100,000 tensors have 12 MB; the library itself takes 100 MB
TENSORS_LIMIT = 200_000
NAME_LIMIT = 1_024
AXES_LIMIT = 16
# Bits of a number. Source: safetensors, `Dtype`.
BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One tensor as a header claims it.

    Attributes:
        name: Of the tensor.
        shape: Lengths of its axes.
        kind: How its numbers are written.
        start: Its first byte, counted from where the numbers begin.
        length: Its bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    start: int
    length: int


def refuse(path: Path, why: str) -> NoReturn:
    """Refuse a weight file.

    Raises:
        InputError: always.
    """
    raise InputError(f"{path.name} is not a sound weight file: {why}", fix="fetch it again from where it was published; headstart reads nothing of it")


def check_safetensors(path: Path) -> dict[str, Place]:
    """Check a safetensors file: eight bytes of length, a JSON header, then the numbers without gaps.

    Returns:
        Its tensors by name, in the header's order.

    Raises:
        InputError: when anything in the header does not hold.

    Cost: reads the header only; a millisecond for a thousand tensors.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or not 2 <= length <= size - 8:
            refuse(path, f"its header claims {length:,} bytes, the file has {size:,}")
        if length > HEADER_LIMIT_BYTES:
            refuse(path, f"its header has {length:,} bytes, more than {HEADER_LIMIT_BYTES:,}")
        header = _json(path, stream.read(length))
    notes = header.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        refuse(path, "its notes are no table of texts")
    if len(header) > TENSORS_LIMIT:
        refuse(path, f"it claims {len(header):,} tensors, more than {TENSORS_LIMIT:,}")
    places = {name: _place(path, name, entry) for name, entry in header.items()}
    check_places(path, places.values(), size - 8 - length, padding=0)
    return places


def check_places(path: Path, places: Iterable[Place], room: int, *, padding: int) -> None:
    """Check that tensors lie one after another, cover the file to its end, and that none lies on another.

    Args:
        path: The file, for the message.
        places: Its tensors.
        room: Bytes from where the numbers begin to the end of the file.
        padding: Most bytes that may lie between two of them.

    Raises:
        InputError: when they do not.
    """
    end = 0
    for place in sorted(places, key=lambda place: (place.start, place.length)):
        if place.start < end:
            refuse(path, f"{shown(place.name)} lies on another tensor")
        if place.start - end > padding:
            refuse(path, f"{place.start - end:,} bytes before {shown(place.name)} belong to no tensor")
        end = place.start + place.length
        if end > room:
            refuse(path, f"{shown(place.name)} lies outside the file")
    if room - end > padding:
        refuse(path, f"{room - end:,} bytes at its end belong to no tensor")


def check_name(path: Path, name: str) -> str:
    """Check that a tensor's name is a short text without control characters."""
    if not 0 < len(name) <= NAME_LIMIT or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        refuse(path, f"{shown(name)} is no name of a tensor")
    return name


def check_shape(path: Path, name: str, shape: Sequence[Any], limit: int) -> tuple[int, ...]:
    """Check that a shape is a short list of whole numbers whose product stays below a limit."""
    if len(shape) > AXES_LIMIT or not all(type(length) is int and 0 <= length < 1 << 63 for length in shape) or math.prod(shape) > limit:
        refuse(path, f"{shown(name)} has no possible shape")
    return tuple(shape)


def shown(name: str) -> str:
    """A name as it can be printed, whatever it holds."""
    return ascii(name if len(name) <= 80 else f"{name[:80]}…")


def _place(path: Path, name: str, entry: Any) -> Place:
    check_name(path, name)
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        refuse(path, f"{shown(name)} has no dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in BITS:
        refuse(path, f"{shown(name)} has the unknown type {shown(str(kind))}")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2 or not all(type(one) is int for one in offsets):
        refuse(path, f"{shown(name)} has no shape or no place")
    start, end = offsets
    if not 0 <= start <= end:
        refuse(path, f"{shown(name)} has an impossible place")
    lengths = check_shape(path, name, shape, limit=8 * path.stat().st_size)
    if math.prod(lengths) * BITS[kind] != 8 * (end - start):
        refuse(path, f"{shown(name)}: {list(lengths)} numbers of {kind} do not take {end - start:,} bytes")
    return Place(name, lengths, kind, start, end - start)


def _json(path: Path, raw: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name stands twice")
        return found

    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        refuse(path, f"its header is not JSON ({str(error)[:80]})")
    if not isinstance(header, Mapping):
        refuse(path, "its header is no table")
    return dict(header)
