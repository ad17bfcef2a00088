"""The noun of the corpus: a nasty file, who reads it, and what must become of it; every one is made anew, the same each time."""

from __future__ import annotations

import io
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REFUSED, SURVIVED = "refused", "survived"
Content = bytes | Callable[[Path], object]


@dataclass(frozen=True)
class Nasty:
    """One file of the corpus.

    Attributes:
        file: Its name; what stands before a slash is only there to tell it from others.
        reader: Who is given it: a key of ``readers.READERS``.
        content: Its bytes, or what writes it to a path.
        words: A pattern that the refusal must match; None when the reader has to live with it.
        environment: Variables that are set while it is read.
    """

    file: str
    reader: str
    content: Content
    words: str | None
    environment: Mapping[str, str] = field(default_factory=dict)

    def make(self, folder: Path) -> Path:
        """Write it."""
        path = folder / self.file.split("/")[-1]
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)
        return path


def zipped(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, mode: int = 0o644 | 0o100000) -> bytes:
    """A zip as the standard library writes it; names go in as they are."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x", (2026, 1, 1, 0, 0, 0))
            info.external_attr, info.compress_type, info.filename = mode << 16, method, name  # set afterwards: ZipInfo itself cuts and turns names
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns of names that stand twice
                archive.writestr(info, content)
    return raw.getvalue()


def patched(raw: bytes, *changes: tuple[int, bytes]) -> bytes:
    """Bytes with others written over them at these places; negative places count from the end."""
    new = bytearray(raw)
    for place, content in changes:
        place %= len(raw)
        new[place : place + len(content)] = content
    return bytes(new)


def header(name: bytes, size: int | bytes = 0, kind: bytes = b"0", link: bytes = b"", magic: bytes = b"ustar\x0000") -> bytes:
    """A tar header with a right checksum, whatever it claims."""
    said = size if isinstance(size, bytes) else b"%011o\x00" % size
    block = name.ljust(100, b"\x00") + b"0000644\x00" + b"0000000\x00" * 2 + said.ljust(12, b"\x00") + b"00000000000\x00" + b" " * 8 + kind
    block = (block + link.ljust(100, b"\x00") + magic).ljust(512, b"\x00")
    return patched(block, (148, b"%06o\x00 " % sum(block)))


def member(name: bytes, content: bytes = b"x", kind: bytes = b"0") -> bytes:
    """A tar header with its content."""
    return header(name, len(content), kind) + content + bytes(-len(content) % 512)


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended header."""
    body = b""
    for key, value in records:
        rest = b" " + key + b"=" + value + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        body += str(length).encode() + rest
    return member(b"pax", body, kind)


END = bytes(1024)


def tarred(*blocks: bytes) -> bytes:
    """Blocks as an archive."""
    return b"".join(blocks) + END


def by_tarfile(path: Path, members: Sequence[tuple[str, bytes]], mode: str = "w") -> None:
    """A tar as the standard library writes it."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colours: int = 2) -> bytes:
    """A PNG file that claims a size."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)) + b"".join(chunks) + chunk(b"IEND", b"")


def pixels(width: int, height: int) -> bytes:
    """The pixels of an RGB PNG, black."""
    return chunk(b"IDAT", zlib.compress(bytes((3 * width + 1) * height), 9))
