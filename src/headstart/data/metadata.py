"""A table of file names and labels beside the files (``metadata.csv``, .tsv, .jsonl, .parquet, .arrow): a table in, a listing out.

Names in the table lie below its folder: a table is text that someone else may have written, so it cannot make headstart read the rest of the disk.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from headstart.base.errors import Fault, InputError
from headstart.data import arrow
from headstart.data.flat import read_cells
from headstart.data.listing import FILE_WORDS, Listing, Wanted, could_be, find_column, parts_from, pick_columns, plain, printable, several_labels
from headstart.data.rows import FileRows, chosen
from headstart.data.separated import SUFFIXES
from headstart.data.texts import no_text

STEMS = ("metadata", "labels")
ENDING = re.compile(r"\.[a-zA-Z]\w{1,3}$")  # of a file's name: `.jpeg`, never `3.5` or the end of a sentence
LOOKED_AT = 10  # cells by which a column of files is known
SHOWN = 10  # missing files that a message names


def table_in(folder: Path) -> Path | None:
    """The table that describes the files of a folder, if it has one."""
    names = [folder / f"{stem}{suffix}" for stem in STEMS for suffix in (*SUFFIXES, *arrow.SUFFIXES)]
    return next((path for path in names if path.is_file()), None)


def file_column(cells: Mapping[str, Sequence[str]], folder: Path, taken: Iterable[str | None] = ()) -> str | None:
    """The column that names files: one that is called so, unless its first cells name none that exist and those of another do; None when there is none.

    Args:
        cells: The columns of a table.
        folder: Where the table lies.
        taken: Columns that are something else.
    """
    columns = [column for column in cells if column not in taken]
    called = find_column(columns, FILE_WORDS)
    return next((column for column in (called, *columns) if column and names_one(cells[column], folder)), called)


def names_one(cells: Sequence[str], folder: Path) -> bool:
    """Do the first cells name a file in a folder?"""
    inside = os.path.abspath(folder)  # noqa: PTH100 — as in `_paths`
    named = [_joined(inside, cell) for cell in filter(None, cells[:LOOKED_AT])]
    return any(path.startswith(inside + os.sep) and os.path.isfile(path) for path in named)  # noqa: PTH113


def list_table(table: Path, root: Path, label: str | None, group: str | None, part: str | None = None) -> Listing:
    """List the rows of a table.

    Args:
        table: The table.
        root: The folder of the data set, for printing names.
        label: The column with the class, when the user names it.
        group: The column with the group, when the user names it.
        part: The part that all rows belong to, when the table lies in such a folder.

    Raises:
        InputError: when columns or files are missing, all missing files at once.
    """
    where = printable(os.path.relpath(table, root))
    cells = read_cells(table)
    columns, names = cells.columns, list(cells.columns)
    file = file_column(columns, table.parent, (label, group))
    if file is None:
        raise _no_files(table, where, columns, label)
    wanted = Wanted(None, label, group)
    label, group, parted = pick_columns(names, file, label, group, where)
    taken = Wanted(None, label, group)
    if label in cells.nested:
        raise several_labels(where, label, cells.nested[label])
    paths = _paths(columns[file], table, where)
    given = (part,) * len(paths) if part else parts_from(columns[parted], parted, where) if parted else None
    labels = tuple(plain(cell) for cell in columns[label])
    groups = tuple(plain(cell) for cell in columns[group]) if group else None
    faults, kept = _usable(columns[file], labels, cells.numbers, label)
    sources = tuple(printable(os.path.relpath(path, root)) for path in paths)
    return Listing(
        FileRows(chosen(paths, kept)),
        chosen(sources, kept),
        chosen(labels, kept),
        chosen(groups, kept) if groups is not None else None,
        chosen(given, kept) if given is not None else None,
        faults,
        group_name=group,
        notes=(*cells.notes, *could_be(names, wanted, taken)),
        columns=taken,
    )


def _no_files(table: Path, where: str, cells: Mapping[str, Sequence[str]], label: str | None) -> InputError:
    """What is said of a table that names no files: it may be one of texts, unless it is called as one of files is, or names files that are gone."""
    gone = any(some and all(ENDING.search(cell) for cell in some[:LOOKED_AT] if cell) for some in cells.values())
    if gone or table.stem in STEMS:
        return InputError(f"{where}: no column looks like the name of a file", got=", ".join(cells), allowed=FILE_WORDS, fix="name the column file_name")
    return no_text(cells, where, "no column of a known name holds texts, or names files", label)


def _paths(names: Sequence[str], table: Path, where: str) -> list[str]:
    folder = os.path.abspath(table.parent)  # noqa: PTH100 — links are kept as they are: what a link points to is the owner's choice
    paths = [_joined(folder, name) for name in names]
    outside = [name for name, path in zip(names, paths, strict=True) if name and not path.startswith(folder + os.sep)]
    if outside:
        raise InputError(
            f"{where} names {len(outside):,} files outside its folder", details=outside[:SHOWN], fix=f"move {table.name} above the files, or the files below it"
        )
    missing = _missing(names, paths)
    if missing:  # macOS writes é as two letters, Linux and spreadsheets as one
        spelt = {unicodedata.normalize("NFC", str(path)): str(path) for path in Path(folder).rglob("*")}
        paths = [path if os.path.isfile(path) else spelt.get(unicodedata.normalize("NFC", path), path) for path in paths]  # noqa: PTH113
        missing = _missing(names, paths)
    if missing:
        rest = [f"… and {len(missing) - SHOWN:,} more"] if len(missing) > SHOWN else []
        raise InputError(
            f"{where} names {len(missing):,} of {len(names):,} files that do not exist", details=missing[:SHOWN] + rest, fix=_fix(missing[0], table)
        )
    return paths


def _missing(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    return [name for name, path in zip(names, paths, strict=True) if name and not os.path.isfile(path)]  # noqa: PTH113


def _joined(folder: str, name: str) -> str:
    path = os.path.normpath(os.path.join(folder, name))  # noqa: PTH118
    if "\\" in name and not os.path.exists(path):  # noqa: PTH110 — a table written on Windows
        return os.path.normpath(os.path.join(folder, name.replace("\\", "/")))  # noqa: PTH118
    return path


def _fix(name: str, table: Path) -> str:
    wanted = Path(name.replace("\\", "/")).name.lower()
    for path in table.parent.rglob("*"):
        if wanted in (path.name.lower(), path.stem.lower()) and path.is_file():
            return f"names are relative to the folder of {table.name}: write {path.relative_to(table.parent).as_posix()} instead of {name}"
    return f"put the files beside {table.name}, or delete their rows"


def _usable(names: Sequence[str], labels: Sequence[str], numbers: Sequence[int], column: str) -> tuple[tuple[Fault, ...], list[int]]:
    faults: list[Fault] = []
    kept: list[int] = []
    seen: set[tuple[str, str]] = set()
    for index, (name, label) in enumerate(zip(names, labels, strict=True)):
        if not name or not label:
            faults.append(Fault(name or f"row {numbers[index]}", "no file name" if not name else f"no label (column {column} is empty)"))
        elif (name, label) in seen:
            faults.append(Fault(name, "listed twice"))
        else:
            kept.append(index)
            seen.add((name, label))
    return tuple(faults), kept
