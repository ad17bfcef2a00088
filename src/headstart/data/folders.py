"""Folders of class folders, with or without train / validation / test above them: a folder in, a listing out.

Links are followed wherever they lead (the hub's cache, DVC and git-annex keep files behind links that leave the folder, and reading a picture
executes nothing); a folder that was entered already is not entered again, so a link to a parent does not loop. A link to nothing is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headstart.base.errors import Fault
from headstart.data.listing import Listing, part_of, plain, printable
from headstart.data.rows import FileRows

# What systems leave behind, never what a person put there.
LITTER = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin", "system volume information", "lost+found"})
# What people put beside pictures on purpose: passed over in silence.
DOCUMENTS = frozenset({".txt", ".md", ".rst", ".pdf", ".html", ".htm", ".json", ".jsonl", ".xml", ".csv", ".tsv", ".yaml", ".yml", ".toml", ".log"})
DOCUMENTS |= {".ini", ".cff", ".bib", ".license", ".py", ".sh", ".doc", ".docx", ".xlsx"}


@dataclass
class Found:
    """What a walk has come across so far."""

    paths: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, root: Path, path: str, label: str, part: str) -> None:
        """One more item."""
        self.paths.append(path)
        self.sources.append(printable(os.path.relpath(path, root)))
        self.labels.append(label)
        self.parts.append(part)


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden or left behind by a system."""
    return name.startswith(".") or name.lower() in LITTER


def visible(folder: Path) -> list[os.DirEntry[str]]:
    """What stands in a folder, sorted, without litter."""
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not is_litter(entry.name)), key=lambda entry: entry.name)


def subfolders(folder: Path) -> list[Path]:
    """The visible folders in a folder."""
    return [Path(entry.path) for entry in visible(folder) if entry.is_dir()]


def is_candidate(name: str, suffixes: frozenset[str]) -> bool:
    """Whether a file claims to be an item; one without an ending is looked at to find out."""
    suffix = Path(name).suffix.lower()
    return suffix in suffixes or (not suffix and name.lower() not in {"readme", "license", "licence", "copying", "makefile", "authors"})


def part_folders(root: Path, suffixes: frozenset[str]) -> dict[Path, str]:
    """The train, validation and test folders, if the data set has them.

    A folder called ``train`` that holds pictures itself is a class of vehicles, not a part.
    """
    named = {folder: part for folder in subfolders(root) if (part := part_of(folder.name))}
    for folder, part in named.items():
        if part == "train" and subfolders(folder) and not any(entry.is_file() and is_candidate(entry.name, suffixes) for entry in visible(folder)):
            return named
    return {}


def list_classes(root: Path, suffixes: frozenset[str]) -> Listing:
    """List a folder of class folders; every file below a class folder belongs to that class."""
    found, parts = Found(), part_folders(root, suffixes)
    for folder, part in (parts or {root: ""}).items():
        _list_part(root, folder, part, suffixes, found)
    if parts:
        others = [folder for folder in subfolders(root) if folder not in parts]
        found.faults += [Fault(f"{printable(folder.name)}/", "stands beside the train folder and is none of train, validation, test") for folder in others]
    rows = FileRows(tuple(found.paths))
    return Listing(rows, tuple(found.sources), tuple(found.labels), parts=tuple(found.parts) if parts else None, faults=tuple(found.faults))


def _list_part(root: Path, folder: Path, part: str, suffixes: frozenset[str], found: Found) -> None:
    loose = 0
    for entry in visible(folder):
        if entry.is_dir():
            _list_class(root, Path(entry.path), part, suffixes, found)
        elif is_candidate(entry.name, suffixes) and Path(entry.name).suffix:
            loose += 1
            if not part:
                found.faults.append(Fault(printable(entry.name), "lies outside every class folder"))
    if loose and part:
        found.faults.append(Fault(f"{printable(folder.name)}/", f"{loose:,} files outside every class folder"))


def _list_class(root: Path, folder: Path, part: str, suffixes: frozenset[str], found: Found) -> None:
    label, before = plain(printable(folder.name)), len(found.paths)
    for entry in _files_below(folder, {os.path.realpath(folder)}):
        source = printable(os.path.relpath(entry.path, root))
        if not entry.is_file():
            found.faults.append(Fault(source, "a link to nothing" if entry.is_symlink() else "not a file"))
        elif is_candidate(entry.name, suffixes):
            found.add(root, entry.path, label, part)
        elif reason := why_not_read(entry.name, suffixes):
            found.faults.append(Fault(source, reason))
    if len(found.paths) == before:
        found.faults.append(Fault(f"{printable(os.path.relpath(folder, root))}/", "an empty class folder"))


def why_not_read(name: str, suffixes: frozenset[str]) -> str:
    """Why a file of this name is no item; empty for documents, which people put beside their data on purpose."""
    suffix = Path(name).suffix.lower()
    return "" if suffix in DOCUMENTS else f"{suffix or 'this kind of file'} is not read: convert it to {_readable(suffixes)}"


def _readable(suffixes: frozenset[str]) -> str:
    """Common endings among those that are read."""
    return " or ".join([suffix for suffix in (".jpg", ".png", ".wav", ".flac", ".txt") if suffix in suffixes][:2])


def _files_below(folder: Path, entered: set[str]) -> Iterator[os.DirEntry[str]]:
    for entry in visible(folder):
        if not entry.is_dir():
            yield entry
        elif (real := os.path.realpath(entry.path)) not in entered:
            entered.add(real)
            yield from _files_below(Path(entry.path), entered)
