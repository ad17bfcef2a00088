"""Files that are either whole or absent: written beside, fsynced, renamed."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

JSON_LIMIT_BYTES = 256 << 20  # a run of a million items writes a tenth of it


def special(path: Path) -> str:
    """What stands at a path that is neither a file nor a folder, such as ``a pipe``; empty where it is one of these or nothing is there.

    Example:
        >>> special(Path("/dev/null")), special(Path("/"))
        ('a device', '')
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # a text with a NUL in it is no path
        return ""
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return "a pipe"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else ""


def beside(path: Path) -> Path:
    """A name in the same folder that no other process uses; what is left of it after a crash ends in ``.partial``."""
    return path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.partial")


def left_beside(path: Path) -> list[Path]:
    """What killed processes left of files or folders of exactly this name; ``b.c`` is not taken for a ``b``."""
    form = re.compile(rf"\.{re.escape(path.name)}\.\d+\.[0-9a-f]{{8}}\.partial")
    return [one for one in path.parent.iterdir() if form.fullmatch(one.name)]


def sync(path: Path) -> None:
    """Ask the system to bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path: Path, content: bytes | str) -> Path:
    """Replace a file in one step: a reader sees the old content or the new one, never a part.

    Raises:
        OSError: when the disk is full or the folder cannot be written; the old file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = beside(path)
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        sync(partial)
        partial.replace(path)
    except OSError as error:
        error.filename = str(path)  # what was to be written, not the name beside it
        raise
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)
    return path


def write_json(path: Path, value: Any) -> Path:
    """Replace a file by the JSON of a plain value, indented, in UTF-8 with its own letters."""
    return write(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file in UTF-8.

    Raises:
        ValueError: when it is no JSON, is larger than any of ours, or nested beyond what a stack holds.
    """
    if path.stat().st_size > JSON_LIMIT_BYTES:
        raise ValueError(f"{path.name} has more than {JSON_LIMIT_BYTES:,} bytes")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a folder to fill; it takes its final name only if the block ends without an error.

    An existing folder of that name is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = beside(path)
    partial.mkdir()
    try:
        yield partial
        for file in partial.rglob("*"):
            sync(file)
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
