"""Texts and their labels, in a table (CSV, TSV, JSON Lines) or one a line in a file for each class: a path in, a listing out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from headstart.base.errors import Fault, InputError
from headstart.data.folders import visible
from headstart.data.listing import (
    LABEL_WORDS,
    PARTS,
    TEXT_WORDS,
    Listing,
    Wanted,
    could_be,
    find_column,
    part_in,
    parts_from,
    pick_column,
    pick_columns,
    plain,
    printable,
    several_labels,
)
from headstart.data.rows import chosen, held, joined, stamp
from headstart.data.separated import SUFFIXES, Cells, read_cells
from headstart.modality import Unreadable
from headstart.modality.encoding import conversion, decoded

LINE_FILES = (".txt", ".text")
NO_CLASSES = frozenset({"readme", "license", "licence", "notes", "changelog", "requirements", "sources", "authors"})
LONGEST_NAME = 40  # characters of a column's name; what is longer is a text
LONGEST_FAULTS = 60  # characters of a text that are shown to name it


def list_texts(table: Path, root: Path, wanted: Wanted, part: str | None = None) -> Listing:
    """List the rows of a table of texts.

    Args:
        table: The table.
        root: The folder of the data set, for printing names.
        wanted: The columns that the user names.
        part: The part that all rows belong to, when the table's name or folder says so.

    Raises:
        InputError: when no column holds texts or labels.
    """
    where = printable(os.path.relpath(table, root))
    cells = read_cells(table)
    text, label, group, parted = text_columns(cells.columns, wanted, where)
    if label in cells.nested:
        raise several_labels(where, label, cells.nested[label])
    n = len(cells.numbers)
    kept = [place for place in range(n) if cells.columns[label][place] and cells.columns[text][place]]
    sources = [f"{where}#{number}" for number in cells.numbers]
    given = (part,) * n if part else parts_from(cells.columns[parted], parted, where) if parted else None
    origin, taken = stamp(table), Wanted(text, label, group)
    return Listing(
        held(cells.columns[text], origin and f"{origin}/{text}").take(kept),  # all are laid out: a place among them means the same under every label
        chosen(sources, kept),
        tuple(plain(cells.columns[label][place]) for place in kept),
        tuple(plain(cells.columns[group][place]) for place in kept) if group else None,
        chosen(given, kept) if given is not None else None,
        _lacking(cells, text, label, sources),
        group_name=group,
        notes=(*cells.notes, *could_be(list(cells.columns), wanted, taken)),
        columns=taken,
    )


def unlabelled(table: Path, text: str | None) -> list[tuple[int, str]]:
    """The number and the text of every row, those without a text too: to be answered in their order.

    Raises:
        InputError: when no column holds texts.
    """
    cells = read_cells(table)
    return list(zip(cells.numbers, cells.columns[text_column(list(cells.columns), text, table.name)], strict=True))


def text_column(columns: Sequence[str], text: str | None, where: str) -> str:
    """The column of the texts, where nothing else is asked of a table.

    Raises:
        InputError: when none is found.
    """
    found = pick_column(columns, text, TEXT_WORDS, "text", where) or (columns[0] if len(columns) == 1 else None)
    if found is None:
        raise no_text(dict.fromkeys(columns, ()), where)
    return found


def no_text(cells: Mapping[str, Sequence[str]], where: str, what: str = "no column looks like the text", label: str | None = None) -> InputError:
    """What is said of a table none of whose columns is called as a text is; a first line that reads like a row is asked about.

    Args:
        cells: The columns; without their cells nothing is guessed.
        where: The table.
        what: Is wrong with it.
        label: The column of the label, when the user names it.
    """
    said, shown = f"{where}: {what}", ", ".join(cells)
    if any(len(column) > LONGEST_NAME or column in some for column, some in cells.items()):
        return InputError(f"{said}, and the first line looks like a row: does it name the columns?", got=shown, fix="put one above it that does: text,label")
    return InputError(said, got=shown, allowed=TEXT_WORDS, fix=likely_columns(cells, label) or "--text COLUMN, one of its columns")


def likely_columns(cells: Mapping[str, Sequence[str]], label: str | None = None) -> str:
    """The options that name the likeliest columns: as the text that with the most different letters, as the label that with the fewest different values.

    Example:
        >>> likely_columns({"a": ["up", "down", "up"], "b": ["it went up", "it fell", "it rose"]})
        '--text b --label a'
    """
    different = {column: set(some) - {""} for column, some in cells.items()}
    text = max((column for column in different if column != label), key=lambda column: sum(map(len, different[column])), default="")
    if not different.get(text):
        return ""
    classes = [column for column, values in different.items() if column != text and 1 < len(values) < len(different[text])]
    label = label or find_column(classes, LABEL_WORDS, by_last_word=True) or min(classes, key=lambda column: len(different[column]), default=None)
    return f"--text {shlex.quote(text)}" + (f" --label {shlex.quote(label)}" if label else "")


def text_columns(cells: Mapping[str, Sequence[str]], wanted: Wanted, where: str) -> tuple[str, str, str | None, str | None]:
    """The columns of the text, the label, the group and the part, by their names; by their cells a column is guessed that the user may mean.

    Raises:
        InputError: when no column can be the text or the label, or a named one is missing.
    """
    columns = list(cells)
    found = pick_column(columns, wanted.text, TEXT_WORDS, "text", where, (wanted.label, wanted.group))
    if found is None:
        label = wanted.label or find_column(columns, LABEL_WORDS, by_last_word=True)
        others = [column for column in columns if column not in (label, wanted.group)]
        if len(others) != 1 or label is None:
            raise no_text(cells, where, label=wanted.label)
        found = others[0]
    label, group, parted = pick_columns(columns, found, wanted.label, wanted.group, where)
    return found, label, group, parted


def _lacking(cells: Cells, text: str, label: str, sources: Sequence[str]) -> tuple[Fault, ...]:
    """Rows without a text or a label, named by their number."""
    faults = []
    for place, source in enumerate(sources):
        if not cells.columns[text][place]:
            faults.append(Fault(source, f"no text (column {text} is empty)"))
        elif not cells.columns[label][place]:
            faults.append(Fault(source, f"no label (column {label} is empty): {cells.columns[text][place][:LONGEST_FAULTS]}"))
    return tuple(faults)


def tables_in(folder: Path) -> list[tuple[Path, str | None]]:
    """The tables of texts in a folder: its only one, or those whose names speak of train, validation and test."""
    found = [Path(entry.path) for entry in visible(folder) if entry.is_file() and Path(entry.name).suffix.lower() in SUFFIXES]
    parts = [(path, part) for path in found if (part := part_in(path.stem))]
    if any(part == "train" for _, part in parts):
        return sorted(parts, key=lambda one: PARTS.index(one[1]))
    return [(found[0], None)] if len(found) == 1 else []


def passed_over(folder: Path, taken: Sequence[Path]) -> tuple[Fault, ...]:
    """The tables of a folder that are none of those that were taken, as `arrow.tables` names them."""
    found = [Path(entry.path) for entry in visible(folder) if entry.is_file() and Path(entry.name).suffix.lower() in SUFFIXES]
    return tuple(Fault(printable(path.name), "names none of train, validation, test") for path in found if path not in taken)


def class_files(folder: Path) -> list[Path]:
    """Files that hold one text a line, each the texts of the class that it is named after: ``pos.txt`` and ``neg.txt``; empty where that is not so."""
    entries = visible(folder)
    found = [Path(entry.path) for entry in entries if entry.is_file() and Path(entry.name).suffix.lower() in LINE_FILES]
    found = [path for path in found if path.stem.lower() not in NO_CLASSES]
    return found if len(found) > 1 and not any(entry.is_dir() for entry in entries) else []


def list_lines(files: Sequence[Path], root: Path, part: str | None = None) -> Listing:
    """List the lines of files, each named after its class.

    Raises:
        InputError: when the encoding of one cannot be told.
    """
    rows, lengths, sources, labels, notes = [], [], [], [], []
    for path in files:
        where = printable(os.path.relpath(path, root))
        text, encoding = _decoded(path)
        if encoding != "UTF-8":
            notes.append(f"{where} is not UTF-8: read as {encoding}; if letters look wrong, save it as UTF-8")
        found, origin = numbered(text), stamp(path)
        rows.append(held((line for _, line in found), origin and f"{origin}/lines"))
        lengths.append(len(found))
        sources += [f"{where}#{number}" for number, _ in found]
        labels += [plain(printable(path.stem))] * len(found)
    parts = (part,) * len(sources) if part else None
    return Listing(joined(rows, lengths), tuple(sources), tuple(labels), parts=parts, notes=tuple(notes))


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """The number and the text of each line that holds one.

    Raises:
        InputError: when the encoding cannot be told.
    """
    return numbered(_decoded(path)[0])


def numbered(text: str) -> list[tuple[int, str]]:
    r"""The number and the content of each line that holds something, however lines end.

    Example:
        >>> numbered("good\r\n \nbad")
        [(1, 'good'), (3, 'bad')]
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def _decoded(path: Path) -> tuple[str, str]:
    try:
        return decoded(raw := path.read_bytes())
    except Unreadable as error:
        fix = f"{conversion(raw, str(path), 'utf8.txt')}   (its encoding behind -f)"
        raise InputError(f"{path.name} cannot be read: {error.reason}", fix=fix) from None
