"""The pictures of a compressed table, copied once per state of the file: batches in, an uncompressed Arrow file whose cells have a place out.

It lies with the unpacked archives and goes when they do: counted, pruned, and never while somebody reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from headstart.base import files
from headstart.base.errors import InputError
from headstart.base.hashing import digest
from headstart.data import unneeded
from headstart.data.rows import state

NAME = "table.arrow"


def copied(path: Path, column: str, batches: Callable[[], Iterable[Any]]) -> Path:
    """The copy of one column, made if there is none of this state of the file.

    Args:
        path: The table.
        column: Whose cells are copied.
        batches: Gives them, a record batch at a time.

    Raises:
        InputError: when the table holds no rows.
    """
    folder = unneeded.place() / digest("table", state(path), column)
    copy = folder / NAME
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not copy.is_file():
            folder.mkdir(exist_ok=True)
            partial = files.beside(copy)
            try:
                _write(partial, batches(), path.name)
                partial.replace(copy)
            finally:
                partial.unlink(missing_ok=True)
        unneeded.reads(folder)
    return copy


def _write(copy: Path, batches: Iterable[Any], name: str) -> None:
    writer = None
    try:
        for batch in batches:
            writer = writer or pa.ipc.new_file(str(copy), batch.schema)
            writer.write_batch(batch)
        if writer is None:
            raise InputError(f"{name} holds no rows")
    finally:
        if writer is not None:
            writer.close()
