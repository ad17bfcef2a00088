"""Parquet and Arrow tables with pictures, clips or texts inside, alone, in folders, or as Hugging Face ``datasets`` saves them: a path in, a listing out.

In an Arrow file every cell is a run of bytes at a known place, and is read from there. A Parquet file (and a compressed Arrow file) has no such thing:
to read a row, a whole row group is decompressed, in most files all rows. Its pictures are therefore copied once, batch by batch, into an Arrow file
below ``home()/unpacked``; memory stays at a batch and the page it comes from. `datasets` does the same.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headstart.base import files
from headstart.base.errors import Fault, InputError
from headstart.data.cells import bounded, check_rows, read_columns, values_of
from headstart.data.copied import copied
from headstart.data.listing import (
    AUDIO_WORDS,
    IMAGE_WORDS,
    PARTS,
    Listing,
    Wanted,
    could_be,
    find_column,
    part_in,
    parts_from,
    pick_columns,
    plain,
    printable,
    several_labels,
)
from headstart.data.rows import HeldRows, Rows, SliceRows, chosen, held, joined, stamp
from headstart.data.texts import text_column, text_columns

PARQUET, ARROW = (".parquet", ".pq"), (".arrow", ".feather", ".ipc")
SUFFIXES = PARQUET + ARROW
BATCH_ROWS = 64  # held in memory at once while copying: 64 photos of 5 MB are 320 MB, small ones are nothing
FIRST_ROWS = 10  # by which is told what a table is about
FILE_MAGIC = b"ARROW1"  # the random-access format begins with it, the stream format does not


@dataclass(frozen=True)
class _Columns:
    """The cells of one file: items as rows that are fetched, the rest as values."""

    rows: Rows
    labels: list[Any]
    groups: list[Any] | None
    parts: list[Any] | None


def holds_tables(root: Path) -> bool:
    """Whether a folder's pictures lie in tables: saved by `datasets`, or Parquet or Arrow files in it or in its ``data`` folder."""
    if (root / "dataset_dict.json").is_file():
        return True
    return any(path.suffix.lower() in SUFFIXES for folder in (root, root / "data") if folder.is_dir() for path in folder.iterdir() if path.is_file())


def list_tables(root: Path, kind: str, wanted: Wanted) -> Listing:
    """List the rows of a table file or of a folder of table files.

    Raises:
        InputError: when no column holds items or labels, or files disagree.
    """
    folder = root if root.is_dir() else root.parent
    found, faults = tables(root)
    first = next((path for path, part in found if part == "train"), found[0][0])
    schema, where = schema_of(first), printable(os.path.relpath(first, folder))
    item, label, group, parted = _columns(schema, kind, wanted, where)
    bare = [path for path, part in found if part in PARTS[1:] and label not in schema_of(path).names]  # as contests hand out their tests
    faults += [Fault(printable(os.path.relpath(path, folder)), f"no column {label}, the label in {where}") for path in bare]
    found = [(path, part) for path, part in found if path not in bare]
    _check_same(found, (item, label, group, parted), folder)
    read = [_read(path, item, label, group, parted) for path, _ in found]
    named = [class_names(schema_of(path), label, path) for path, _ in found]  # each file numbers its classes itself
    named = [names or next(filter(None, named), []) for names in named]
    labels = [text for columns, names in zip(read, named, strict=True) for text in _as_text(columns.labels, names, label, where)]
    sources = [
        f"{printable(os.path.relpath(path, folder))}#{row}" for (path, _), columns in zip(found, read, strict=True) for row in range(len(columns.labels))
    ]
    parts = _parts(found, read, parted, where)
    groups = ["" if cell is None else plain(str(cell)) for columns in read for cell in columns.groups or ()] if group else None
    rows = read[0].rows if len(read) == 1 else joined([columns.rows for columns in read], [len(columns.labels) for columns in read])
    kept = [index for index, text in enumerate(labels) if text]
    taken = Wanted(item if kind == "text" else None, label, group)
    faults += [Fault(sources[index], f"no label (column {label} is empty)") for index, text in enumerate(labels) if not text]
    return Listing(
        rows.take(kept),
        chosen(sources, kept),
        chosen(labels, kept),
        chosen(groups, kept) if groups is not None else None,
        chosen(parts, kept) if parts is not None else None,
        tuple(faults),
        tuple(dict.fromkeys(name for names in named for name in names)),
        group,
        could_be(schema.names, wanted, taken),
        taken,
    )


def first_table(root: Path) -> Path:
    """The first of the table files of a folder."""
    return tables(root)[0][0][0]


def tables(root: Path) -> tuple[list[tuple[Path, str | None]], list[Fault]]:
    """The files with the part that each belongs to, and what was passed over."""
    if root.is_file():
        return [(root, None)], []
    faults: list[Fault] = []
    if (root / "dataset_dict.json").is_file():
        splits = files.read_json(root / "dataset_dict.json").get("splits", [])
        found = [(path, part_in(split)) for split in splits for path in _below(root / split)]
    else:
        found = [(path, part_in(path.relative_to(root).as_posix())) for path in _below(root)]
    if any(part for _, part in found) and not all(part for _, part in found):
        faults = [Fault(printable(os.path.relpath(path, root)), "names none of train, validation, test") for path, part in found if not part]
        found = [(path, part) for path, part in found if part]
    if not found:
        raise InputError(f"{root} holds no Parquet or Arrow file", fix=f"ls {shlex.quote(str(root))}")
    return found, faults


def _below(folder: Path) -> list[Path]:
    """Table files below a folder; `datasets` leaves its own intermediate results there as ``cache-….arrow``."""
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(
        path for path in paths if not path.name.startswith((".", "cache-")) and not any(piece.startswith(".") for piece in path.relative_to(folder).parts)
    )


def schema_of(path: Path) -> pa.Schema:
    """The columns of a table with their types."""
    with _readable(path):
        found = pq.read_schema(path) if path.suffix.lower() in PARQUET else _reader(path).schema
        _ = found.names  # decoded here, where letters that are not UTF-8 can be said to be the file's
    return found


class _readable:  # noqa: N801 — reads as a word where it is used
    """Turn what Arrow says about a damaged file into a refusal that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (pa.ArrowException, UnicodeDecodeError)) or (isinstance(error, OSError) and not error.errno):
            raise InputError(f"{self.path} cannot be read as a table", got=" ".join(str(error).split())[:160], fix="fetch or write the file again") from None


def _columns(schema: pa.Schema, kind: str, wanted: Wanted, where: str) -> tuple[str, str, str | None, str | None]:
    """The columns of the item, the label, the group and the part."""
    if kind == "text":
        strings = [field.name for field in schema if is_text(field.type)]
        others = [field.name for field in schema if not is_text(field.type) and not _holds_bytes(field.type)]
        return text_columns(dict.fromkeys([*strings, *others], ()), wanted, where)
    words, what = (AUDIO_WORDS, "clips") if kind == "audio" else (IMAGE_WORDS, "pictures")
    holders = byte_columns(schema)
    found = find_column(holders, words) or (holders[0] if len(holders) == 1 else None)
    if found is None:
        fix = "one of them is bytes, or {bytes, path} as Hugging Face datasets writes it"
        raise InputError(f"{where}: no column holds {what}", got=", ".join(f"{field.name}: {field.type}" for field in schema), allowed=words, fix=fix)
    return found, *pick_columns(schema.names, found, wanted.label, wanted.group, where)


def byte_columns(schema: pa.Schema) -> list[str]:
    """The columns that hold files: bytes, or a struct with bytes."""
    return [field.name for field in schema if _holds_bytes(field.type)]


def _holds_bytes(kind: pa.DataType) -> bool:
    return bool(_is_bytes(kind) or (pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0))


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds words."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_nested(kind: pa.DataType) -> bool:
    """Whether a cell of this type holds several values, or a file."""
    return bool(pa.types.is_nested(kind) or _is_bytes(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _check_same(tables: Sequence[tuple[Path, str | None]], columns: Sequence[str | None], folder: Path) -> None:
    lacking = []
    for path, _ in tables:
        gone = [column for column in columns if column and column not in schema_of(path).names]
        if gone:
            lacking.append(f"{printable(os.path.relpath(path, folder))}: no column {', '.join(gone)}")
    if lacking:
        raise InputError("the tables do not have the same columns", details=lacking, fix="write them with the same columns, or point at one of them")


def _read(path: Path, item: str, label: str, group: str | None, parted: str | None) -> _Columns:
    with _readable(path):
        cells = values(path, [column for column in (label, group, parted) if column])
        written_as = schema_of(path).field(item).type
        if not is_text(written_as) and not _holds_bytes(written_as):
            raise InputError(
                f"{path}: the column {item} holds no pictures, clips or texts", got=str(written_as), fix="--text COLUMN, where texts lie in another"
            )
        rows = _texts(path, item) if is_text(written_as) else _files(path, item)
    return _Columns(rows, cells[label], cells.get(group or ""), cells.get(parted or ""))


def values(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    """The values of columns of a table.

    Raises:
        InputError: when the file cannot be read, or has too many rows.
    """
    with _readable(path):
        table = read_columns(path, columns) if path.suffix.lower() in PARQUET else _reader(path).read_all().select(columns)
        check_rows(path, table.num_rows)
        table.validate(full=True)  # offsets of texts are taken from the file as they are, and would be followed anywhere
        return {column: values_of(table.column(column)) for column in columns}


def first_rows(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    """The first values of columns of a table.

    Raises:
        InputError: when the file cannot be read.
    """
    with _readable(path):
        first = next(_batches_of(path, columns), None)
        if first is None:
            return {column: [] for column in columns}
        first = first.slice(0, FIRST_ROWS)
        first.validate(full=True)
        return dict(first.to_pydict())


def unlabelled(path: Path, text: str | None) -> list[tuple[int, str]]:
    """The number and the text of every row of a table, those without a text too.

    Raises:
        InputError: when no column holds texts, or the file cannot be read.
    """
    strings = [field.name for field in schema_of(path) if is_text(field.type)]
    column = text_column(strings, text, path.name)
    with _readable(path):
        rows = _texts(path, column)
        return [(number, rows.read(number).decode()) for number in range(len(rows.places))]


def _texts(path: Path, column: str) -> HeldRows:
    """Texts are short: they are held. What is missing is an empty text, and named as such."""
    batches = pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS, columns=[column]) if path.suffix.lower() in PARQUET else _batches(_reader(path))
    origin = stamp(path)
    cells = ("" if cell is None else str(cell) for batch in batches for cell in _checked(batch, column).to_pylist())
    return held(bounded(cells, path, len), origin and f"{origin}/{column}")


def _checked(batch: Any, column: str) -> Any:
    """A column whose offsets lie within it: those of a damaged Arrow file would be followed anywhere."""
    batch.select([column]).validate(full=True)
    return batch.column(column)


def _files(path: Path, column: str) -> Rows:
    """Pictures and clips stay where they are, or in an uncompressed copy."""
    holder, places = path, None if path.suffix.lower() in PARQUET else _places(path, column)
    if places is None:
        batches = partial(_batches_of, path, [column])
        holder = copied(path, column, lambda: bounded(batches(), path, lambda batch: int(batch.nbytes)))
        places = _places(holder, column)
    assert places is not None, "a copy is never compressed"
    return SliceRows((str(holder),), (stamp(path),), np.insert(places, 0, 0, axis=1))


def _reader(path: Path) -> Any:
    return _opened(pa.memory_map(str(path)).read_buffer())


def _opened(raw: Any) -> Any:
    is_file = raw[: len(FILE_MAGIC)].to_pybytes() == FILE_MAGIC
    return pa.ipc.open_file(raw) if is_file else pa.ipc.open_stream(raw)


def _batches(reader: Any) -> Iterator[Any]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        return (reader.get_batch(place) for place in range(reader.num_record_batches))
    return iter(reader)


def _places(path: Path, image: str) -> NDArray[np.int64] | None:
    """First byte and length of each cell in the file, ``(n, 2)``; None when the file is compressed and cells have no place.

    The file is mapped, its table made of views into the map, and an address in the map less the address of the map is a place in the file.
    """
    whole = pa.memory_map(str(path)).read_buffer()
    pieces = []
    for batch in _batches(_opened(whole)):
        cells = batch.column(image)
        cells = cells.field("bytes") if pa.types.is_struct(cells.type) else cells
        wide = np.int64 if pa.types.is_large_binary(cells.type) else np.int32
        _, offsets, content = cells.buffers()
        if content is None or not len(cells):
            pieces.append(np.zeros((len(cells), 2), np.int64))
            continue
        start = content.address - whole.address
        if not 0 <= start <= whole.size:
            return None
        edges = np.frombuffer(offsets, wide)[cells.offset : cells.offset + len(cells) + 1].astype(np.int64)
        if edges[0] < 0 or (np.diff(edges) < 0).any() or start + edges[-1] > whole.size:
            raise InputError(f"{path} cannot be read as a table", got="cells that lie outside it", fix="fetch or write the file again")
        pieces.append(np.stack([start + edges[:-1], np.diff(edges)], axis=1))
    return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.int64)


def _batches_of(path: Path, columns: list[str]) -> Iterator[Any]:
    if path.suffix.lower() in PARQUET:
        # without these two, a whole row group's bytes are fetched before its first row is given
        source = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        return iter(source.iter_batches(batch_size=BATCH_ROWS, columns=columns))
    return (batch.select(columns) for batch in _batches(_reader(path)))


def class_names(schema: pa.Schema, label: str, path: Path) -> list[str]:
    """The names that `datasets` keeps for the numbers of a ClassLabel; empty when there are none."""
    feature = features_of(schema, path).get(label) or {}
    names = feature.get("names") if isinstance(feature, dict) else None
    return [plain(str(name)) for name in names] if isinstance(names, list) else []


def features_of(schema: pa.Schema, path: Path) -> dict[str, Any]:
    """What `datasets` says of the columns, in the schema or in ``dataset_info.json``; empty where it says nothing."""
    kept = (schema.metadata or {}).get(b"huggingface")
    try:
        info = json.loads(kept).get("info", {}) if kept else {}
    except (ValueError, AttributeError, RecursionError):  # notes of another program
        info = {}
    beside = path.parent / "dataset_info.json"
    if not info and beside.is_file():
        info = files.read_json(beside)
    features = info.get("features") if isinstance(info, dict) else None
    return dict(features) if isinstance(features, dict) else {}


def _as_text(cells: Sequence[Any], names: Sequence[str], column: str, where: str) -> list[str]:
    """Class names of cells; ``""`` where there is none (``-1`` is how hidden test labels are written)."""
    cells = [None if cell != cell else cell for cell in cells]  # NaN, by which some programs write what is missing
    first = next((cell for cell in cells if cell is not None), None)
    if isinstance(first, (list, dict)):
        raise several_labels(where, column, first)
    if any(isinstance(cell, float) and not cell.is_integer() for cell in cells):
        raise InputError(
            f"{where}: the column {column} holds decimal numbers, not classes", got=first, fix="choose a column of names or whole numbers: --label COLUMN"
        )
    if names and not isinstance(first, (str, bytes)):
        return [names[int(cell)] if cell is not None and 0 <= int(cell) < len(names) else "" for cell in cells]
    spelled = {cell: plain(str(int(cell) if isinstance(cell, float) else cell)) for cell in set(cells) if cell is not None}
    return ["" if cell is None else spelled[cell] for cell in cells]


def _parts(tables: Sequence[tuple[Path, str | None]], read: Sequence[_Columns], parted: str | None, where: str) -> tuple[str, ...] | None:
    if tables[0][1]:
        return tuple(part for (_, part), columns in zip(tables, read, strict=True) for _ in columns.labels if part)
    if parted:
        return parts_from(["" if cell is None else str(cell) for columns in read for cell in columns.parts or ()], parted, where)
    return None
