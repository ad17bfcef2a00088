"""A zip file in, its entries out, after every entry's place was compared with its own header: no two share a byte, none lies about itself.

Source: PKWARE, APPNOTE 6.3.10; overlapping entries: Fifield, "A better zip bomb", WOOT 2019.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from headstart.base.archives.limits import Limits
from headstart.base.errors import IntegrityError

END, END_BYTES, COMMENT_BYTES = b"PK\x05\x06", 22, 65_535
LOCATOR, LOCATOR_BYTES, RECORD, RECORD_BYTES = b"PK\x06\x07", 20, b"PK\x06\x06", 56  # of zip64, before the end
LOCAL, LOCAL_BYTES = b"PK\x03\x04", 30
ENTRY_BYTES = 46  # of the directory, without the name
NAME_BYTES = 400  # of an entry in the directory with its name and extras, on average at most
ENCRYPTED, STREAMED, UTF8 = 0x1, 0x8, 0x800  # flag bits
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # what people's programs write; each further decoder is one more that can be fed with damage
UNKNOWN_SIZE = 0xFFFFFFFF  # the true one stands in the zip64 extra


def opened(archive: Path, limits: Limits) -> zipfile.ZipFile:
    """Open a zip file whose directory is no larger than its members could need.

    Raises:
        IntegrityError: when it is.
        zipfile.BadZipFile: when it has no directory.
    """
    with archive.open("rb") as raw:
        raw.seek(0, 2)
        begin = max(0, raw.tell() - END_BYTES - COMMENT_BYTES - LOCATOR_BYTES - RECORD_BYTES)
        raw.seek(begin)
        tail = raw.read()
        place = tail.rfind(END)
        if place < 0 or len(tail) - place < END_BYTES:
            raise zipfile.BadZipFile("it has no directory: it was cut off, or is none")
        claimed, said = struct.unpack("<HI", tail[place + 10 : place + 16])
        size = max(_zip64_sizes(raw, begin + place), default=min(said, begin + len(tail)))  # where there is a zip64 record, it is the one that counts
    if size > limits.members * (ENTRY_BYTES + NAME_BYTES):
        raise IntegrityError(f"{archive.name} has a directory of {size:,} bytes for {claimed:,} or more members, too many; it was not unpacked")
    return zipfile.ZipFile(archive)


def _zip64_sizes(raw: IO[bytes], end: int) -> list[int]:
    """What zip64 records say of the directory's size: the one before the locator, which old Pythons read, and the one that it points at, which new ones do."""
    raw.seek(max(0, end - LOCATOR_BYTES))
    locator = raw.read(LOCATOR_BYTES)
    if len(locator) < LOCATOR_BYTES or not locator.startswith(LOCATOR):
        return []
    found = []
    for place in (end - LOCATOR_BYTES - RECORD_BYTES, struct.unpack("<Q", locator[8:16])[0]):
        if 0 <= place < end:
            raw.seek(place)
            record = raw.read(RECORD_BYTES)
            found += [struct.unpack("<Q", record[40:48])[0]] if len(record) == RECORD_BYTES and record.startswith(RECORD) else []
    return found


def names_of(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The entries' names as people wrote them.

    Without the UTF-8 flag the standard library reads the code page of the first IBM PC; Windows in Chinese writes GB 18030, macOS writes UTF-8. All names
    without a flag were written by one program, so they are decided on together.
    """
    old = [info.orig_filename.encode("cp437") for info in infos if not info.flag_bits & UTF8]
    encoding = next((name for name in ("utf-8", "gb18030") if all(_decodes(raw, name) for raw in old)), "cp437")
    return [info.orig_filename if info.flag_bits & UTF8 else info.orig_filename.encode("cp437").decode(encoding) for info in infos]


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def check_places(archive: Path, infos: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Compare each entry with the header before its bytes, and each one's bytes with its neighbour's place.

    Args:
        archive: The file.
        infos: Its directory.
        directory: Where the directory begins.

    Raises:
        IntegrityError: when entries overlap, are encrypted, compressed in a way that is not read, or contradict themselves.
    """
    with archive.open("rb") as raw:
        end, last = 0, ""
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise IntegrityError(f"{archive.name} holds members that overlap, {last!r} and {info.filename!r}: a bomb; it was not unpacked")
            end, last = _end_of(raw, archive.name, info), info.filename
        if end > directory:
            raise IntegrityError(f"{archive.name}: the member {last!r} runs into the directory; it was not unpacked")


def _end_of(raw: IO[bytes], where: str, info: zipfile.ZipInfo) -> int:
    """Where an entry's bytes end."""
    if info.flag_bits & ENCRYPTED:
        raise IntegrityError(f"{where} is encrypted ({info.filename!r}); fix: unpack it with its password and point at the folder")
    if info.compress_type not in METHODS:
        raise IntegrityError(f"{where}: {info.filename!r} is compressed by a method that is not read ({info.compress_type}); fix: zip it anew, or unpack it")
    raw.seek(info.header_offset)
    header = raw.read(LOCAL_BYTES)
    if len(header) < LOCAL_BYTES or not header.startswith(LOCAL):
        raise zipfile.BadZipFile(f"{info.filename!r} is not where the directory says")
    flags, method, _, _, crc, packed, size, name, extra = struct.unpack("<HHHHIIIHH", header[6:])
    said = (packed, size, crc)
    known = UNKNOWN_SIZE in (packed, size) or said == (info.compress_size, info.file_size, info.CRC)
    if method != info.compress_type or (not known and not flags & STREAMED):
        raise IntegrityError(f"{where}: the member {info.filename!r} contradicts the directory; it was not unpacked")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise IntegrityError(f"{where}: the member {info.filename!r} contradicts itself about its size; it was not unpacked")
    return int(info.header_offset + LOCAL_BYTES + name + extra + info.compress_size)


def trouble_of(info: zipfile.ZipInfo) -> str:
    """What an entry is when it is neither file nor folder, as the Unix that wrote it says."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    return "" if kind in (0, stat.S_IFREG, stat.S_IFDIR) else "a symbolic link" if kind == stat.S_IFLNK else "a device or pipe"
