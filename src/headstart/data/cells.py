"""Columns of an Arrow or Parquet table as plain values, without being blown up by them: a column in, a list out, or a refusal before memory is gone.

A column of one word written a billion times is a few bytes in such a file: rows are counted before they are laid out, and equal words are one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from headstart.base.archives.limits import RATIO_FREE_BYTES, RATIO_LIMIT
from headstart.base.errors import InputError

ROWS_MAX = 20_000_000
T = TypeVar("T")


def check_rows(path: Path, n_rows: int) -> None:
    """Refuse a table with more rows than a list of them fits into memory.

    Raises:
        InputError: when it has.
    """
    if n_rows > ROWS_MAX:
        raise InputError(
            f"{path} has too many rows", got=f"{n_rows:,}", allowed=[f"up to {ROWS_MAX:,}"], fix="take a sample: more labels stop paying long before"
        )


def read_columns(path: Path, columns: list[str]) -> pa.Table:
    """Columns of a Parquet file; words stay the dictionary that they were written as."""
    described = pq.read_metadata(path)
    check_rows(path, described.num_rows)
    words = [field.name for field in pq.read_schema(path) if field.name in columns and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))]
    return pq.read_table(path, columns=columns, read_dictionary=words)


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column; equal words of a dictionary are one object."""
    values: list[Any] = []
    for chunk in column.chunks:
        if isinstance(chunk, pa.DictionaryArray):
            words = chunk.dictionary.to_pylist()
            values += [None if place is None else words[place] for place in chunk.indices.to_pylist()]
        else:
            values += chunk.to_pylist()
    return values


def bounded(pieces: Iterable[T], path: Path, size_of: Callable[[T], int]) -> Iterator[T]:
    """Pieces of a column one after another, until they are larger than a file of that size honestly holds; the rule is that of archives.

    Raises:
        InputError: when they are.
    """
    most = RATIO_FREE_BYTES + RATIO_LIMIT * path.stat().st_size
    total = 0
    for piece in pieces:
        total += size_of(piece)
        if total > most:
            raise InputError(f"{path} unpacks to more than {RATIO_LIMIT:,} times its size: a bomb", fix="if you trust it, write it without its dictionary")
        yield piece
