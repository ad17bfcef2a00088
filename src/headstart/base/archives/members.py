"""The door to every archive: a file in, its members one after another out, each read only while it is its turn."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headstart.base.archives import tarred, zipped
from headstart.base.archives.limits import Limits, Meter
from headstart.base.archives.streams import CHUNK_BYTES, Forward, compression_of
from headstart.base.errors import InputError, IntegrityError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
MAGIC_PLACE, MAGIC_END = 257, 262  # of "ustar" in a tar's first header


@dataclass(frozen=True)
class Member:
    """One thing in an archive.

    Attributes:
        name: Its path inside, as it is written there: not yet checked (``Tree`` does).
        size: Bytes that its header claims.
        chunks: Gives its bytes piece by piece, metered; may be called only until the next member is asked for.
        is_folder: Whether it is a folder.
        trouble: What it is when it is neither file nor folder (a link, a device); it has no bytes then.
    """

    name: str
    size: int
    chunks: Callable[[], Iterator[bytes]]
    is_folder: bool = False
    trouble: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return not self.is_folder and not self.trouble


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive."""
    return path.name.lower().endswith(SUFFIXES)


def members(archive: Path, limits: Limits | None = None) -> Iterator[Member]:
    """Name what stands in an archive, in its order.

    Raises:
        InputError: when there is no such file.
        IntegrityError: when it passes its limits, or is made to deceive. Damage raises what the decoders raise: wrap the loop in ``damage``.
    """
    if not archive.is_file():
        raise InputError("there is no such archive", got=archive)
    meter = Meter(archive.name, archive.stat().st_size, limits or Limits())
    with archive.open("rb") as raw:
        start = raw.read(MAGIC_END)
    is_tar = compression_of(start) is not None or start[MAGIC_PLACE:].startswith(b"ustar")  # its last member may be a zip: what it begins with counts
    if not is_tar and (start.startswith(ZIP_STARTS) or zipfile.is_zipfile(archive)):
        return _zip_members(archive, meter)
    return _tar_members(archive, meter, start)


def copy(member: Member, to: Path, limit: int) -> Path:
    """Write a member to a new file.

    Raises:
        IntegrityError: when it is larger than the limit, or not as long as it says; nothing is left behind.
    """
    if member.size > limit:
        raise IntegrityError(f"{member.name} has {member.size:,} bytes, {limit:,} were expected at most; it was not unpacked")
    try:
        with to.open("wb") as target:
            for chunk in member.chunks():
                target.write(chunk)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return to


def _zip_members(archive: Path, meter: Meter) -> Iterator[Member]:
    with zipped.opened(archive, meter.limits) as opened:
        infos = opened.infolist()
        for info in infos:
            meter.admit(info.file_size)
        zipped.check_places(archive, infos, opened.start_dir)
        for info, name in zip(infos, zipped.names_of(infos), strict=True):
            yield Member(name, info.file_size, _zip_chunks(opened, info, meter), name.endswith("/"), zipped.trouble_of(info))


def _zip_chunks(opened: zipfile.ZipFile, info: zipfile.ZipInfo, meter: Meter) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        left = info.file_size
        with opened.open(info) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                left -= len(chunk)
                meter.take(len(chunk))
                yield chunk
        if left:
            raise IntegrityError(f"{meter.name}: the member {info.filename!r} is not as long as it says; it was not unpacked")

    return chunks


def _tar_members(archive: Path, meter: Meter, start: bytes) -> Iterator[Member]:
    with archive.open("rb") as raw:
        stream = Forward(raw, meter, compression_of(start))
        for entry in tarred.entries(stream):
            meter.admit(entry.size)
            left = [entry.size]
            yield Member(entry.name, entry.size, _tar_chunks(stream, left, meter.name), entry.is_folder, entry.trouble)
            stream.skip(left[0])


def _tar_chunks(stream: Forward, left: list[int], where: str) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        while left[0]:
            chunk = stream.read(min(left[0], CHUNK_BYTES))
            if not chunk:
                raise EOFError(f"{where} ends in the middle of a member")
            left[0] -= len(chunk)
            yield chunk

    return chunks
