"""A stream in, the members of a tar archive out: read by ourselves, forwards only, every length bounded before it is used.

The standard library's reader takes extended headers of any size into memory, searches them with expressions that backtrack (CVE-2024-6232) and
follows negative sizes backwards (CVE-2025-8194); half of the Pythons that people have are not repaired.
Source: POSIX.1-2017, pax, "ustar interchange format" and "pax header"; GNU tar manual, "basic tar format".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headstart.base.archives.streams import Forward
from headstart.base.errors import IntegrityError

BLOCK = 512
HEADER_LIMIT_BYTES = 1 << 20  # of an extended header: long names need some hundred bytes
EXTENSIONS_LIMIT = 16  # extended headers before one member
FILES, FOLDERS = (b"0", b"\x00", b"7"), (b"5",)
KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a pipe (FIFO)", b"S": "a sparse file",
    b"M": "a piece of another volume",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One header: a name, a size, and what kind of thing it is if it is neither file nor folder."""

    name: str
    size: int
    is_folder: bool
    trouble: str


def entries(stream: Forward) -> Iterator[Entry]:
    """The members in order; before the next one is asked for, exactly ``size`` bytes of this one must have been read from the stream.

    Raises:
        ValueError: when a header is damaged.
        IntegrityError: when an extended header is too large.
    """
    told: dict[str, str] = {}
    always: dict[str, str] = {}
    extensions = n = 0
    while header := _block(stream, n):
        kind, size = header[156:157], _number(header[124:136])
        n += 1
        if kind in (b"x", b"g", b"L", b"K"):
            extensions += 1
            if size > HEADER_LIMIT_BYTES or extensions > EXTENSIONS_LIMIT:
                raise IntegrityError("the archive holds an oversized extended header; it was not unpacked")
            body = _body(stream, size)
            if kind == b"g":
                always |= _pax(body)
            elif kind == b"x":
                told |= _pax(body)
            elif kind == b"L":
                told["path"] = text_of(body.split(b"\x00")[0])
            continue
        entry = _entry(header, kind, size, always | told)
        yield entry
        stream.skip(-entry.size % BLOCK)
        told, extensions = {}, 0
    stream.finish()


def _block(stream: Forward, n: int) -> bytes:
    """The next header; empty at the end, which a block of zeros marks: a file that was cut off has none."""
    block = stream.read(BLOCK)
    if len(block) < BLOCK:
        raise EOFError("it ends in the middle of a header" if block else "it was cut off: the zeros at its end are missing")
    if not block.strip(b"\x00"):
        return b""
    plain = sum(block) - sum(block[148:156]) + 8 * 32
    said = block[148:156].strip(b" \x00")
    signed = plain - 256 * sum(byte > 127 for byte in block[:148] + block[156:])  # how some old programs added
    if said.strip(b"01234567") or int(said or b"0", 8) not in (plain, signed):
        raise ValueError("a header's checksum is wrong" if n else "neither a zip nor a tar")
    return block


def _entry(header: bytes, kind: bytes, size: int, told: dict[str, str]) -> Entry:
    name = told.get("path")
    if name is None:
        raw, prefix = header[:100].split(b"\x00")[0], header[345:500].split(b"\x00")[0]
        posix = header[257:263] == b"ustar\x00"
        name = text_of(prefix + b"/" + raw if posix and prefix else raw)
    if "size" in told:
        size = _decimal(told["size"])
    is_folder = kind in FOLDERS or (kind in FILES and name.endswith("/"))
    trouble = "" if kind in FILES + FOLDERS else KINDS.get(kind, f"of the unknown kind {kind!r}")
    if any(key.startswith("GNU.sparse") for key in told):
        trouble = KINDS[b"S"]
    return Entry(name, 0 if kind in (b"1", b"2", b"3", b"4", b"5", b"6") else size, is_folder, trouble)


def _body(stream: Forward, size: int) -> bytes:
    body = stream.read(size)
    stream.skip(-size % BLOCK)
    if len(body) < size:
        raise EOFError("it ends in the middle of a header")
    return body


def _pax(body: bytes) -> dict[str, str]:
    """Records of a length, a blank, ``key=value`` and a line's end, read from front to back."""
    found: dict[str, str] = {}
    place, end = 0, len(body.rstrip(b"\x00"))
    while place < end:
        digits, blank, _ = body[place : place + 20].partition(b" ")
        length = _decimal(digits.decode("ascii", "replace")) if blank else 0
        key, equals, value = body[place + len(digits) + 1 : place + length].partition(b"=")
        if not len(digits) + 3 < length <= len(body) - place or not equals or not value.endswith(b"\n"):
            raise ValueError("a pax header is damaged")
        found[key.decode("utf-8", "replace")] = text_of(value[:-1])
        place += length
    return found


def _number(raw: bytes) -> int:
    """An octal number, or GNU's binary one."""
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    digits = raw.strip(b" \x00")
    if digits.strip(b"01234567"):
        raise ValueError("a number in a header is damaged")
    return int(digits or b"0", 8)


def _decimal(digits: str) -> int:
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
        raise ValueError("a number in a pax header is damaged")
    return int(digits)


def text_of(raw: bytes) -> str:
    """A name in UTF-8, else in GB 18030 (Chinese systems write it without saying so); what is neither keeps its bytes as escapes."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "surrogateescape")
