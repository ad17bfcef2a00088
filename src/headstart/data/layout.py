"""How a data set lies on the disk: a path in, the listing of whatever stands there out, or a refusal that says what would do."""

from __future__ import annotations

import difflib
from itertools import chain
from pathlib import Path

from headstart.base import archives
from headstart.base.errors import InputError
from headstart.data import arrow, folders, metadata
from headstart.data.listing import Listing
from headstart.data.rows import FileRows
from headstart.data.unpacked import OTHERS, unpacked


def lay_out(path: Path, suffixes: frozenset[str], label: str | None, group: str | None) -> Listing:
    """List the items of a data set in any of the layouts.

    Tried in this order: a table file or an archive, which is unpacked once and looked at anew; a folder with Parquet or Arrow files; a folder with
    ``metadata.csv``; train / validation / test folders, each with a table or with class folders; class folders.

    Raises:
        InputError: when the path does not exist or holds none of these.
    """
    if not path.exists():
        raise _missing(path)
    if path.is_file():
        return _list_file(path, suffixes, label, group)
    if arrow.holds_tables(path):
        return arrow.list_tables(path, label, group)
    table = metadata.table_in(path)
    if table:
        return metadata.list_table(table, path, label, group)
    parts = folders.part_folders(path, suffixes)
    tables = {folder: metadata.table_in(folder) for folder in parts}
    if parts and all(tables.values()):
        return _joined([metadata.list_table(table, path, label, group, parts[folder]) for folder, table in tables.items() if table])
    if label is not None or group is not None:
        raise InputError(
            f"{path} has no table, so it has no columns",
            got=label or group,
            fix=f"headstart inspect {path}   (without --label and --group: folder names are the labels)",
        )
    return folders.list_classes(path, suffixes)


def _list_file(path: Path, suffixes: frozenset[str], label: str | None, group: str | None) -> Listing:
    suffix = path.suffix.lower()
    if suffix in arrow.SUFFIXES:
        return arrow.list_tables(path, label, group)
    if suffix in metadata.SUFFIXES:
        return metadata.list_table(path, path.parent, label, group)
    if archives.is_archive(path):
        return lay_out(unpacked(path), suffixes, label, group)
    if suffix in OTHERS:
        raise InputError(f"{path} is compressed in a way that is not read", allowed=archives.SUFFIXES, fix="unpack it and point at the folder")
    what = "is one picture" if suffix in suffixes else "is a file"
    raise InputError(
        f"{path} {what}, not a data set",
        allowed=["a folder of class folders", *metadata.SUFFIXES, *arrow.SUFFIXES],
        fix=f"headstart inspect {path.parent.parent}",
    )


def _missing(path: Path) -> InputError:
    above = path.parent
    while not above.is_dir():
        above = above.parent
    wanted = path.relative_to(above).parts[0]
    near = difflib.get_close_matches(wanted.lower(), names := {entry.name.lower(): entry.name for entry in above.iterdir()}, n=1)
    fix = f"headstart inspect {above / names[near[0]]}" if near else f"ls {above}"
    return InputError(f"{path} does not exist", got=str(path), fix=fix)


def _joined(listings: list[Listing]) -> Listing:
    def all_of(name: str) -> tuple[str, ...]:
        return tuple(chain.from_iterable(getattr(listing, name) or () for listing in listings))

    rows = [listing.rows for listing in listings]
    grouped = [listing.groups is not None for listing in listings]
    if any(grouped) and not all(grouped):
        raise InputError("some of the tables have a group column and others have none", fix="give every table the same columns, or say --group none")
    return Listing(
        FileRows(tuple(path for part in rows if isinstance(part, FileRows) for path in part.paths)),
        all_of("sources"),
        all_of("labels"),
        all_of("groups") if any(grouped) else None,
        all_of("parts"),
        tuple(fault for listing in listings for fault in listing.faults),
        group_name=listings[0].group_name,
    )
