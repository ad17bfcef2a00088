"""How a data set lies on the disk: a path in, the listing of whatever stands there out, or a refusal that says what would do."""

from __future__ import annotations

import difflib
import os
import shlex
from dataclasses import replace
from itertools import chain
from pathlib import Path

from headstart.base import archives
from headstart.base.errors import InputError
from headstart.base.files import special
from headstart.data import arrow, flat, folders, metadata, separated, texts
from headstart.data.kind import names_files
from headstart.data.listing import PARTS, Listing, Wanted, part_of, printable
from headstart.data.rows import joined
from headstart.data.unpacked import OTHERS
from headstart.modality import Modality

# What makes a table of a file that is not read as one.
OTHER_WAYS = {".json": "jq -c '.[]' FILE > lines.jsonl", ".txt": "put one text a line into a file for each class: DATA/praise.txt, DATA/blame.txt"}
OTHER_WAYS |= dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), "save it as CSV (UTF-8) and point at that file")


def lay_out(path: Path, kind: Modality, wanted: Wanted) -> Listing:
    """List the items of a data set in any of the layouts.

    Tried in this order: a table file; a folder with Parquet or Arrow files; a folder with ``metadata.csv``, or, for texts, with one table or with tables
    for train and test; train / validation / test folders, each with a table or with class folders; files of texts, one a class; class folders.

    Raises:
        InputError: when the path does not exist or holds none of these.
    """
    if path.is_file():
        return _list_file(path, kind, wanted)
    if arrow.holds_tables(path):
        return _list_arrow(path, path, kind, wanted)
    found = _tables(path, kind)
    if found:
        listing = _list_tables(found, path, kind, wanted)
        others = texts.passed_over(path, [table for table, _ in found]) if kind.name == "text" and found[0][1] and found[0][0].parent == path else ()
        return replace(listing, faults=(*listing.faults, *others))
    parts = folders.part_folders(path, kind.suffixes)
    if kind.name == "text":
        lines = {folder: texts.class_files(folder) for folder in parts or {path: ""}}
        if all(lines.values()):
            return _joined([texts.list_lines(files, path, parts.get(folder)) for folder, files in lines.items()])
    if wanted.named is not None:
        raise InputError(
            f"{path} has no table, so it has no columns",
            got=wanted.named,
            fix=f"headstart inspect {quoted(path)}   (without --text, --label and --group: folder names are the labels)",
        )
    return folders.list_classes(path, kind.suffixes)


def _tables(path: Path, kind: Modality) -> list[tuple[Path, str | None]]:
    """Tables that make up the data set, each with the part that it stands for; empty where there is none."""
    table = metadata.table_in(path)
    if table:
        return [(table, None)]
    if kind.name == "text":
        inside = texts.tables_in(path)
        if inside:
            return inside
    named = {folder: part for folder in folders.subfolders(path) if (part := part_of(folder.name))}
    found = [(table, part) for folder, part in named.items() if (table := metadata.table_in(folder)) and _is_list(table, kind)]
    return sorted(found, key=lambda one: PARTS.index(one[1])) if "train" in named.values() and len(found) == len(named) else []


def _is_list(table: Path, kind: Modality) -> bool:
    """Whether a table in the folder of a part can be read: Arrow and Parquet files only where they name the files beside them."""
    return table.suffix.lower() in separated.SUFFIXES or names_files(table, kind.suffixes)


def _list_tables(found: list[tuple[Path, str | None]], root: Path, kind: Modality, wanted: Wanted) -> Listing:
    """All tables of a data set: the first, that of train, says which columns are meant, and one without its label, as contests hand them out, is left out."""
    (first, part), *others = found
    listings, notes = [_list_table(first, root, kind, wanted, part)], []
    taken = listings[0].columns
    for table, part in others:
        names = flat.column_names(table)
        if names and taken.label not in names:
            said = [printable(os.path.relpath(one, root)) for one in (table, first)]
            notes.append(f"{said[0]} has no column {taken.label}, the label in {said[1]}: left out")
        else:
            group = taken.group if taken.group in names else wanted.group
            listings.append(_list_table(table, root, kind, replace(taken, group=group), part))
    whole = _joined(listings)
    return replace(whole, notes=(*whole.notes, *notes))


def _list_table(table: Path, root: Path, kind: Modality, wanted: Wanted, part: str | None = None) -> Listing:
    """A table of texts, or of files."""
    if kind.name == "text" and (wanted.text is not None or not names_files(table, kind.suffixes)):
        return texts.list_texts(table, root, wanted, part)
    return metadata.list_table(table, root, wanted.label, wanted.group, part)


def _list_arrow(path: Path, root: Path, kind: Modality, wanted: Wanted) -> Listing:
    """Tables with items in them, or, as Hugging Face writes ``metadata.parquet``, with the names of files beside them."""
    tables, left_out = arrow.tables(path)
    if wanted.text is not None or not names_files(tables[0][0], kind.suffixes):
        return arrow.list_tables(path, kind.name, wanted)
    listing = _list_tables(sorted(tables, key=lambda one: one[1] != "train"), root, kind, wanted)
    return replace(listing, faults=(*left_out, *listing.faults))


def _list_file(path: Path, kind: Modality, wanted: Wanted) -> Listing:
    suffix = path.suffix.lower()
    if suffix in arrow.SUFFIXES:
        return _list_arrow(path, path.parent, kind, wanted)
    if suffix in separated.SUFFIXES:
        return _list_table(path, path.parent, kind, wanted)
    if suffix in OTHERS:
        raise InputError(f"{path} is compressed in a way that is not read", allowed=archives.SUFFIXES, fix="unpack it and point at the folder")
    is_item = suffix in kind.suffixes
    what = f"is one of the {kind.unit}, not a data set" if is_item else "is no table of a kind that is read"
    fix = f"headstart inspect {quoted(path.parent.parent)}" if is_item else OTHER_WAYS.get(suffix, "save it as CSV with a column of texts and one of labels")
    raise InputError(
        f"{path} {what}",
        allowed=["a folder of class folders", *separated.SUFFIXES, *arrow.SUFFIXES],
        fix=fix.replace("FILE", quoted(path)),
    )


def refuse_no_place(path: Path) -> None:
    """Refuse a path at which no data set can lie.

    Raises:
        InputError: when nothing is there, or a pipe, a device or the whole file system.
    """
    if not path.exists():
        above, near = nearest(path)
        raise InputError(f"{path} does not exist", got=str(path), fix=f"headstart inspect {quoted(near)}" if near else f"ls {quoted(above)}")
    if kind := special(path):
        raise InputError(
            f"{path} is {kind}, and a data set is read more than once", fix="save it as a file first: COMMAND > data.csv; headstart inspect data.csv"
        )
    if path.resolve() == Path(path.resolve().anchor):
        raise InputError(f"{path} is the root of the file system, not a data set", fix="headstart inspect FOLDER   (the one that holds your data)")


def nearest(path: Path) -> tuple[Path, Path | None]:
    """Of a path that does not exist the folder above that does, and what in it has a similar name; endings, which are alike among strangers, do not count."""
    above = path.parent
    while not above.is_dir():
        above = above.parent
    wanted = Path(path.relative_to(above).parts[0])
    names = {entry.stem.lower(): entry for entry in sorted(above.iterdir(), key=lambda entry: entry.suffix.lower() == wanted.suffix.lower())}
    near = difflib.get_close_matches(wanted.stem.lower(), names, n=1)
    return above, names[near[0]] if near else None


def quoted(path: Path) -> str:
    """A path as it is typed into a shell."""
    return shlex.quote(str(path))


def _joined(listings: list[Listing]) -> Listing:
    if len(listings) == 1:
        return listings[0]

    def all_of(name: str) -> tuple[str, ...]:
        return tuple(chain.from_iterable(getattr(listing, name) or () for listing in listings))

    grouped = [listing.groups is not None for listing in listings]
    if any(grouped) and not all(grouped):
        raise InputError("some of the tables have a group column and others have none", fix="give every table the same columns, or say --group none")
    return Listing(
        joined([listing.rows for listing in listings], [len(listing.sources) for listing in listings]),
        all_of("sources"),
        all_of("labels"),
        all_of("groups") if any(grouped) else None,
        all_of("parts") if all(listing.parts is not None for listing in listings) else None,
        tuple(fault for listing in listings for fault in listing.faults),
        group_name=listings[0].group_name,
        notes=all_of("notes"),
        columns=listings[0].columns,
    )
