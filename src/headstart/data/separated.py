"""A table's file (CSV, TSV, JSON Lines) in, its cells by column as text out, with the number of each row and what should be said of the file.

Encodings are told by `modality.encoding` and named where they are not UTF-8. Quotes: a comma file keeps commas and line ends of a cell in double quotes;
many tab files know no quotes at all, and one in them would swallow the rows up to the next, so what does not fit with quotes is tried without, and
a tab file is read without them where that gives rows of the right length that they would hide.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from headstart.base.errors import InputError
from headstart.modality import Unreadable
from headstart.modality.encoding import MARKS, conversion, decoded

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
JSON_LINES = (".jsonl", ".ndjson")
TABLE_BYTES_MAX = 2 << 30  # it is decoded in memory; larger ones are better off as Parquet, which is not
CELL_CHARACTERS_MAX = 2**31 - 1  # a cell that is too long is named by what reads it; the reader's own limit would refuse the whole table
COLUMNS_MAX = 10_000
CELLS_MAX = 200_000_000
SEPARATORS = ",;\t|"
HEAD_BYTES = 1 << 18  # by which is told what a table is about
ROW_BYTES_MAX = 1 << 26  # a row that is longer tells nothing of its table
HALF = re.compile(r"\\u[dD][89a-fA-F]")  # JSON writes a character beyond 16 bits as two halves; one alone is in no encoding
EXCEL_MARK = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)  # Excel's own first line, which no row is
A_LINE = 'write each row as a line of its own: {"text": "...", "label": "..."}'
FIRST_ROW = 2  # as a spreadsheet numbers them: the names of the columns stand in row 1


@dataclass(frozen=True)
class Cells:
    """A table.

    Attributes:
        columns: The cells of each column, as text without blanks around it.
        numbers: The number of each row; rows without anything in them are counted, and left out.
        notes: What should be said of the file.
        nested: Columns in which lists or objects stand (JSON), each with the first of them.
    """

    columns: dict[str, list[str]]
    numbers: list[int]
    notes: tuple[str, ...] = ()
    nested: dict[str, object] = field(default_factory=dict)


class _Laid(NamedTuple):
    """A table row by row; the words are those of `Cells`."""

    header: list[str]
    rows: list[list[str]]
    numbers: list[int]
    notes: tuple[str, ...]
    nested: dict[str, object]


def read_cells(table: Path) -> Cells:
    """The cells of a table.

    Raises:
        InputError: when its encoding cannot be told, it holds no rows, or rows of unequal length.
    """
    text, notes = _text(table)
    laid = _json_lines(text, table) if table.suffix.lower() in JSON_LINES else _separated(text, table)
    header, rows = laid.header, laid.rows
    _bound(len(rows), len(header), table.name)
    if not header or not rows:
        raise InputError(f"{table.name} holds no rows", fix="its first line names the columns: file_name,label or text,label")
    if len(set(header)) < len(header):
        raise InputError(f"{table.name}: a column name stands twice", got=", ".join(header), fix="give each column a name of its own")
    return Cells({name: [row[place] for row in rows] for place, name in enumerate(header)}, laid.numbers, (*notes, *laid.notes), laid.nested)


def first_cells(table: Path) -> dict[str, list[str]]:
    """The columns of a table with the cells of its first rows, to learn from what it is about; empty where it cannot be read."""
    try:
        text = _head(table)
        header, rows, *_ = _json_lines(text, table) if table.suffix.lower() in JSON_LINES else _rows(text, _separator(text, table), csv.QUOTE_MINIMAL)
    except (Unreadable, InputError, UnicodeDecodeError):
        return {}
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def _head(table: Path) -> str:
    """The first rows, to the end of one, which may be the very first."""
    with table.open("rb") as stream:
        raw = stream.read(HEAD_BYTES)
        marked = next((name for mark, name in MARKS if raw.startswith(mark)), None)
        if marked is None:
            return decoded(raw + (stream.readline(ROW_BYTES_MAX) if len(raw) == HEAD_BYTES else b""))[0]
    with table.open(encoding=marked, newline="\n") as lines:
        return lines.read(HEAD_BYTES) + lines.readline(ROW_BYTES_MAX)


def _separator(text: str, table: Path) -> str:
    if marked := EXCEL_MARK.match(text):
        return marked[1]
    first = text.split("\n", 1)[0]
    return "\t" if table.suffix.lower() == ".tsv" else max(SEPARATORS, key=first.count)


def _text(table: Path) -> tuple[str, tuple[str, ...]]:
    if table.stat().st_size > TABLE_BYTES_MAX:
        raise InputError(f"{table.name} is larger than {TABLE_BYTES_MAX >> 30} GiB", fix="save it as Parquet: that is read piece by piece")
    raw = table.read_bytes()
    try:
        text, encoding = decoded(raw)
    except Unreadable as error:
        fix = f"{conversion(raw, str(table), 'utf8.csv')}   (its true encoding behind -f; or in Excel: save as CSV UTF-8)"
        raise InputError(f"{table.name} is not UTF-8, and {error.reason}: its letters would be guessed wrong", fix=fix) from None
    return text, () if encoding.startswith("UTF-") else (f"{table.name} is not UTF-8: read as {encoding}; if letters look wrong, save it as UTF-8",)


def _separated(text: str, table: Path) -> _Laid:
    separator = _separator(text, table)
    header, rows, numbers, fault = _rows(text, separator, csv.QUOTE_MINIMAL)
    if not fault and (separator != "\t" or '"' not in text):
        return _Laid(header, rows, numbers, (), {})
    names, plain, places, uneven = _rows(text, separator, csv.QUOTE_NONE)
    if fault and uneven:
        raise InputError(f"{table.name}: {fault}", fix='put cells that hold the separator, quotes or line ends in "quotes", a quote within them twice ("")')
    # what lies between two quotation marks of different rows fits the header only where it holds a whole row's tabs
    odd = [number for number, row in zip(numbers, rows, strict=True) if any("\t" in cell and not {"\n", "\r"}.isdisjoint(cell) for cell in row)]
    if fault or (odd and not uneven):
        said = "do not pair" if fault else f"would swallow {len(plain) - len(rows):,} rows"
        return _Laid(names, plain, places, (f"{table.name}: its quotation marks {said}; they were taken as part of the texts",), {})
    more = f" (and of {len(odd) - 1:,} more)" if len(odd) > 1 else ""
    said = f"a cell of row {odd[0]}{more} holds tabs and line ends; if its quotation mark is no quote, rows are lost in it: write it twice" if odd else ""
    return _Laid(header, rows, numbers, (f'{table.name}: {said} ("")',) if odd else (), {})


def _rows(text: str, separator: str, quoting: int) -> tuple[list[str], list[list[str]], list[int], str]:
    """The header, rows with something in them, their numbers, and what is wrong; empty when nothing is."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    header: list[str] = []
    rows, numbers, uneven = [], [], []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting, strict=True)  # type: ignore[arg-type]
        for number, raw in enumerate(reader, start=1):
            row = [cell.strip() for cell in raw]
            if not any(row) or (number == 1 and EXCEL_MARK.match(text)):
                continue
            if not header:
                header = row
                _bound(0, len(header), "the table")
            elif len(row) != len(header):
                uneven.append(number)
            else:
                rows.append(row)
                numbers.append(number)
    except csv.Error as error:
        return header, rows, numbers, f"the quotes of row {len(rows) + FIRST_ROW} do not pair ({error})"
    fault = f"{len(uneven):,} rows do not have {len(header)} cells as the first line has, such as row {uneven[0]}" if uneven else ""
    return header, rows, numbers, fault


def _json_lines(text: str, table: Path) -> _Laid:
    name, rows, numbers, halved = table.name, [], [], []
    if text.lstrip().startswith("["):
        fix = f"jq -c '.[]' {shlex.quote(str(table))} > lines.jsonl"
        raise InputError(f"{name} holds one JSON list, not one JSON object a line", fix=fix)
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if HALF.search(line) and (whole := (said := json.dumps(row, ensure_ascii=False)).encode("utf-8", "replace").decode()) != said:
                row = json.loads(whole)
                halved.append(number)
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists without end
            raise InputError(f"{name} does not hold one JSON object a line", got=f"line {number}: {str(error)[:120]}", fix=A_LINE) from None
        if not isinstance(row, dict):
            raise InputError(f"{name} does not hold one JSON object a line", got=f"line {number}", fix=A_LINE)
        rows.append(row)
        numbers.append(number)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    _bound(len(rows), len(keys), name)
    said = f"{name}: {len(halved):,} rows hold half a character, such as line {halved[0]}: a question mark stands for it" if halved else ""
    nested: dict[str, object] = {key: cell for row in reversed(rows) for key, cell in row.items() if isinstance(cell, (list, dict))}
    return _Laid(keys, [[_as_cell(row.get(key)) for key in keys] for row in rows], numbers, (said,) if said else (), nested)


def _bound(n_rows: int, n_columns: int, name: str) -> None:
    """Refuse a table whose cells no memory holds, before they are laid out: a thousand lines of a thousand names each are a billion cells."""
    if n_columns > COLUMNS_MAX or n_rows * n_columns > CELLS_MAX:
        raise InputError(
            f"{name} has too many columns or cells",
            got=f"{n_rows:,} rows, {n_columns:,} columns",
            allowed=[f"up to {COLUMNS_MAX:,} columns, {CELLS_MAX:,} cells"],
            fix="keep the columns of the item, the label and the group",
        )


def _as_cell(value: object) -> str:
    if value is None or value != value:  # NaN, which pandas writes for what is missing, is the only value that is not itself
        return ""
    return str(value).strip() if not isinstance(value, (list, dict)) else json.dumps(value, ensure_ascii=False)
