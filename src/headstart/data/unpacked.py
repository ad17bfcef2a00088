"""A data set that comes as an archive: a zip, tar or compressed tar in, a folder under ``home()/unpacked`` out, unpacked once per content.

The folder has the archive's SHA-256 for a name and appears by a rename: whole or not at all. One process unpacks, others wait. Nothing of an archive
that breaks a rule is kept, and what is kept has no links, no devices, no executable bits, and no two names that some system takes for one.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from filelock import FileLock

from headstart.base import archives, files
from headstart.base.errors import HeadstartError, InputError, IntegrityError
from headstart.base.hashing import sha256_file
from headstart.data import arrow, separated
from headstart.data.folders import visible
from headstart.data.unneeded import place, reads

BYTES, MEMBERS, RATIO = "HEADSTART_ARCHIVE_BYTES", "HEADSTART_ARCHIVE_MEMBERS", "HEADSTART_ARCHIVE_RATIO"
OTHERS = (".7z", ".rar", ".gz", ".bz2", ".xz", ".zst")  # compressed, and not read
TABLES = (*separated.SUFFIXES, *arrow.SUFFIXES)
KEPT_DIGITS = 32  # of the SHA-256, in the folder's name


def limits() -> archives.Limits:
    """What an archive of data may be, as the environment says it.

    Raises:
        InputError: when a variable holds no whole number.
    """
    usual = archives.Limits()
    return archives.Limits(_whole_number(MEMBERS, usual.members), _whole_number(BYTES, usual.bytes), _whole_number(RATIO, usual.ratio))


def unpacked(archive: Path) -> Path:
    """Where the data of an archive lies: a folder, or the one table in it.

    Args:
        archive: A zip, tar, tar.gz, tar.bz2 or tar.xz file (tar.zst with Python 3.14).

    Raises:
        InputError: when it breaks a rule, passes a limit or is damaged; nothing of it is kept.

    Cost: reads the archive once for its checksum; the first time writes what it holds.
    """
    allowed = limits()
    folder = place() / sha256_file(archive)[:KEPT_DIGITS]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not _is_whole(folder):
                _unpack(archive, folder, allowed)
            reads(folder)
    except IntegrityError as error:
        said = f"; the limits are {BYTES} ({allowed.bytes:,}), {MEMBERS} ({allowed.members:,}), {RATIO} ({allowed.ratio:,})" if "limit" in str(error) else ""
        raise InputError(str(error), fix=f"if you trust it, unpack it yourself and point at the folder{said}") from None
    except OSError as error:
        full = " (the disk is full)" if error.errno == errno.ENOSPC else ""
        raise HeadstartError(f"{archive.name} cannot be unpacked below {folder.parent}{full}: {error.strerror or error}") from None
    return _heart(folder)


def _unpack(archive: Path, folder: Path, allowed: archives.Limits) -> None:
    for left in files.left_beside(folder):  # of a process that was killed: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    partial = files.beside(folder)
    try:
        partial.mkdir()
        written = _write(archive, partial, allowed)
        files.write_json(folder.with_suffix(".json"), {"archive": archive.name, **written})
        if hasattr(os, "sync"):
            os.sync()  # one call for all: a call for each of fifty thousand pictures takes minutes
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(archive: Path, folder: Path, allowed: archives.Limits) -> dict[str, int]:
    count = total = 0
    tree = archives.Tree()
    with archives.damage(archive):
        for member in archives.members(archive, allowed):
            if member.trouble:
                raise IntegrityError(f"{archive.name} holds {member.trouble}: {member.name!r}; it was not unpacked")
            if member.is_folder and not member.name.strip("./"):
                continue  # tar's own word for the folder that it was made in
            target = folder / tree.admit(member.name, is_folder=member.is_folder)
            if member.is_folder:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            archives.copy(member, target, allowed.bytes)
            count, total = count + 1, total + member.size
    if not count:
        raise IntegrityError(f"{archive.name} holds no files")
    return {"files": count, "bytes": total}


def _is_whole(folder: Path) -> bool:
    """Whether everything that was unpacked is still there."""
    try:
        known = files.read_json(folder.with_suffix(".json"))
        there = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        return folder.is_dir() and (len(there), sum(there)) == (known["files"], known["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _heart(folder: Path) -> Path:
    """Down through folders that hold nothing but one more thing: archives have such a one at the top."""
    inner = visible(folder)
    while len(inner) == 1:
        folder = Path(inner[0].path)
        if not folder.is_dir():
            return folder if folder.suffix.lower() in TABLES else folder.parent
        inner = visible(folder)
    return folder


def _whole_number(name: str, usual: int) -> int:
    said = os.environ.get(name, "").replace("_", "").replace(",", "")
    if not said:
        return usual
    if not (said.isascii() and said.isdecimal() and len(said) < 20 and int(said)):
        raise InputError(f"{name} is no whole number", got=said, fix=f"export {name}={usual}")
    return int(said)
