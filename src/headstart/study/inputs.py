"""What a run is asked about: paths, tables, folders or a text itself in; named items whose bytes are read on demand out, in their order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headstart.base.errors import InputError
from headstart.data import arrow, separated, texts
from headstart.modality import Modality, Unreadable

TABLES = (*separated.SUFFIXES, *arrow.SUFFIXES)


@dataclass(frozen=True)
class Item:
    """One item.

    Attributes:
        source: Its name: a path, a table with the number of a row, or the text itself.
        read: Fetches its bytes.
    """

    source: str
    read: Callable[[], bytes]


def items_in(inputs: Sequence[str | Path], modality: Modality, *, text: str | None = None, lines: bool = False) -> list[Item]:
    """Everything that is asked about.

    Args:
        inputs: Files and folders, whose files are taken in order of their names; for texts also tables, and texts themselves.
        modality: What the run was trained on.
        text: The column of a table that holds the texts; found by its name when not given.
        lines: Does each line of a text file stand for itself?

    Raises:
        InputError: when an input does not exist, a folder holds no suitable file, or a table no column of texts.
    """
    return [one for given in inputs for one in _items(given, modality, text, lines)]


def _items(given: str | Path, modality: Modality, text: str | None, lines: bool) -> Iterator[Item]:
    path, about_texts = Path(given), modality.name == "text"
    if _is(path, os.path.isdir):
        inside = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in modality.suffixes)
        if not inside:
            raise InputError("this folder holds no file that the model can read", got=given, allowed=modality.suffixes)
        yield from (Item(str(file), partial(_bytes, file, modality)) for file in inside)
    elif not _is(path, os.path.isfile):
        if not about_texts or _looks_like_a_path(str(given)):
            raise InputError("this file does not exist", got=given, fix="a text itself stands in quotation marks" if about_texts else None)
        yield Item(" ".join(str(given).split()), partial(_same, str(given).encode("utf-8", "replace")))
    elif about_texts and (lines or path.suffix.lower() in TABLES):
        yield from (Item(f"{given}#{number}", partial(_same, said.encode("utf-8", "replace"))) for number, said in _rows(path, text))
    else:
        yield Item(str(given), partial(_bytes, path, modality))


def _bytes(path: Path, modality: Modality) -> bytes:
    if path.stat().st_size > modality.bytes_max:
        raise Unreadable(f"larger than {modality.bytes_max >> 20} MiB")
    return path.read_bytes()


def _rows(path: Path, text: str | None) -> list[tuple[int, str]]:
    suffix = path.suffix.lower()
    if suffix in arrow.SUFFIXES:
        return arrow.unlabelled(path, text)
    return texts.unlabelled(path, text) if suffix in separated.SUFFIXES else texts.numbered_lines(path)


def _is(path: Path, question: Callable[[Path], bool]) -> bool:
    try:
        return question(path)
    except ValueError:  # a text with a NUL in it is no path
        return False


def _looks_like_a_path(given: str) -> bool:
    """A single word with an ending or a separator is a path that was mistyped, not something that somebody said."""
    return " " not in given.strip() and given.isascii() and (os.sep in given or Path(given).suffix[1:].isalnum())


def _same(content: bytes) -> bytes:
    return content
