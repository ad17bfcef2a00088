"""Sound files in, files out that differ from them in one small thing: one bit, one number by a little, two fields swapped, the end, a member that comes twice.

What is changed strongly is refused at the first check; what is nearly right comes further. So every change here is one, it knows where the fields and the
members of a format stand, and what a format checks by a sum is summed anew (`Seed.repair`).
"""

from __future__ import annotations

import json
import struct
from functools import cache

from tests.nasty.mutate import Mutation, Seed, lengths, sound
from tests.nasty.nasty import patched

GENTLE = ("bit", "nudge", "limit", "swap", "end", "twice")
NUDGES = (1, -1, 2, -2, 4, -4, 8, -8, 16, 64)
WIDTHS = {"<I": 32, ">I": 32, "<H": 16, ">H": 16, "<Q": 64}
MOST_CUT = 32  # bytes of the end that may be missing
BLOCK = 512  # of a tar
Span = tuple[int, int]


def changed(seed: Seed, one: Mutation) -> bytes:
    """A sound file after one gentle change."""
    raw = sound(seed)
    if one.kind == "bit":
        place = int(one.where * len(raw))
        return seed.repair(patched(raw, (place, bytes([raw[place] ^ 1 << one.value % 8]))))
    if one.kind in ("nudge", "limit"):
        return seed.repair(_numbered(raw, one))
    if one.kind == "swap":
        return seed.repair(_swapped(raw, one))
    if one.kind == "end":
        return raw[: len(raw) - 1 - one.value % min(MOST_CUT, len(raw))]
    return seed.repair(_twice(seed, raw, one))


def _numbered(raw: bytes, one: Mutation) -> bytes:
    """One number that could be a length or an offset, a little off or at the edge of what it can be."""
    places = lengths(raw)
    place, code = places[int(one.where * len(places))]
    bits = WIDTHS[code]
    old = struct.unpack(code, raw[place : place + bits // 8].ljust(bits // 8, b"\x00"))[0]
    edges = (0, 1, old - 1, len(raw), len(raw) - 1, len(raw) + 1, (1 << bits - 1) - 1, 1 << bits - 1, (1 << bits) - 1)
    new = old + NUDGES[one.value % len(NUDGES)] if one.kind == "nudge" else edges[one.value % len(edges)]
    return patched(raw, (place, struct.pack(code, new % (1 << bits))))[: len(raw)]


def _swapped(raw: bytes, one: Mutation) -> bytes:
    """Two fields of one width, each in the other's place."""
    places = lengths(raw)
    first, code = places[int(one.where * len(places))]
    alike = [place for place, other in places if other == code and abs(place - first) >= WIDTHS[code] // 8] or [first]
    second, width = alike[one.value % len(alike)], WIDTHS[code] // 8
    return patched(raw, (first, raw[second : second + width]), (second, raw[first : first + width]))[: len(raw)]


def _twice(seed: Seed, raw: bytes, one: Mutation) -> bytes:
    """A member of the file, or where its format has none that we know a few of its bytes, a second time."""
    if raw[:4] == b"PK\x03\x04":
        return _listed_twice(raw, one)
    if seed.name.endswith(".safetensors"):
        return _named_twice(raw, one)
    spans = members(seed.name, raw)
    begin, end = spans[int(one.where * len(spans))] if spans else (int(one.where * len(raw)), int(one.where * len(raw)) + 1 + one.value % 16)
    return raw[:end] + raw[begin:end] + raw[end:]


@cache
def members(name: str, raw: bytes) -> tuple[Span, ...]:
    """Where the members of a file begin and end: lines, blocks of a tar, chunks of PNG and RIFF."""
    if name.endswith((".csv", ".jsonl", ".json")):
        ends = [n + 1 for n, letter in enumerate(raw) if letter in b"\n,"]
        return tuple(zip([0, *ends[:-1]], ends, strict=True))
    if name.endswith(".tar"):
        return tuple(_tarred(raw))
    if raw[1:4] == b"PNG":
        return tuple(_chunks(raw, 8, ">I", 12))
    if raw[:4] == b"RIFF":
        return tuple(_chunks(raw, 12, "<I", 8))
    return ()


def _tarred(raw: bytes) -> list[Span]:
    found, place = [], 0
    while place + BLOCK <= len(raw) and raw[place]:
        size = int(raw[place + 124 : place + 135].strip(b"\x00 ") or b"0", 8)
        end = place + BLOCK + -(-size // BLOCK) * BLOCK
        found.append((place, end))
        place = end
    return found


def _chunks(raw: bytes, place: int, code: str, around: int) -> list[Span]:
    """Chunks that begin with their length (PNG) or have it behind their name (RIFF)."""
    found = []
    while place + around <= len(raw):
        size = struct.unpack(code, raw[place : place + 4] if code == ">I" else raw[place + 4 : place + 8])[0]
        end = place + around + size + (size % 2 if code == "<I" else 0)
        found.append((place, min(end, len(raw))))
        place = end
    return found


def _listed_twice(raw: bytes, one: Mutation) -> bytes:
    """A zip whose directory lists one member a second time, and counts it."""
    end = raw.rfind(b"PK\x05\x06")
    _, _, here, total, size, start = struct.unpack("<HHHHII", raw[end + 4 : end + 20])
    places, place = [], start
    while raw[place : place + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack("<HHH", raw[place + 28 : place + 34])
        places.append((place, place + 46 + name + extra + comment))
        place = places[-1][1]
    begin, stop = places[int(one.where * len(places))]
    counted = patched(raw[end:], (8, struct.pack("<HHI", here + 1, total + 1, size + stop - begin)))
    return raw[:end] + raw[begin:stop] + counted


def _named_twice(raw: bytes, one: Mutation) -> bytes:
    """A safetensors file whose header names one tensor a second time."""
    length = struct.unpack("<Q", raw[:8])[0]
    header = raw[8 : 8 + length].rstrip()
    named = list(json.loads(header).items())
    name, entry = named[int(one.where * len(named))]
    more = header[:-1] + b", " + json.dumps({name: entry}).encode()[1:]
    return struct.pack("<Q", len(more)) + more + raw[8 + length :]
