"""A table that holds no files in, of any format, its cells as text out: what is read of a CSV file and of ``metadata.parquet`` is the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headstart.data import arrow, separated
from headstart.data.separated import Cells


def read_cells(table: Path) -> Cells:
    """The cells of a table; of an Arrow or Parquet file those that are single values.

    Raises:
        InputError: when it cannot be read.
    """
    if table.suffix.lower() not in arrow.SUFFIXES:
        return separated.read_cells(table)
    schema = arrow.schema_of(table)
    nested = {field.name: str(field.type) for field in schema if arrow.is_nested(field.type)}
    values = arrow.values(table, [name for name in schema.names if name not in nested])
    n = max(map(len, values.values()), default=0)
    columns = {name: [""] * n for name in nested}
    for name, cells in values.items():
        classes = arrow.class_names(schema, name, table)
        columns[name] = [_as_cell(cell, classes) for cell in cells]
    return Cells(columns, list(range(n)), nested=dict(nested))


def first_cells(table: Path) -> dict[str, list[str]]:
    """The columns of a table with the cells of its first rows; of an Arrow or Parquet file those of words, none where it holds files.

    Raises:
        InputError: when an Arrow or Parquet file cannot be read.
    """
    if table.suffix.lower() not in arrow.SUFFIXES:
        return separated.first_cells(table)
    schema = arrow.schema_of(table)
    words = [field.name for field in schema if arrow.is_text(field.type)]
    if not words or arrow.byte_columns(schema):
        return {}
    return {name: [_as_cell(cell, ()) for cell in cells] for name, cells in arrow.first_rows(table, words).items()}


def column_names(table: Path) -> list[str]:
    """The names of a table's columns; empty where it cannot be read.

    Raises:
        InputError: when an Arrow or Parquet file cannot be read.
    """
    return list(arrow.schema_of(table).names) if table.suffix.lower() in arrow.SUFFIXES else list(separated.first_cells(table))


def _as_cell(value: object, classes: Sequence[str]) -> str:
    if value is None or value != value:  # NaN
        return ""
    if classes and isinstance(value, int):
        return classes[value] if 0 <= value < len(classes) else ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
