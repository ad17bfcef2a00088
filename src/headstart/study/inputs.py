"""What a run is asked about: paths, tables, folders or a text itself in; named items whose bytes are read on demand out, in their order."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.files import special
from headstart.data import arrow, separated, texts
from headstart.data.folders import is_litter, why_not_read
from headstart.data.layout import nearest, quoted
from headstart.modality import Modality, Unreadable
from headstart.modality.encoding import decoded, likeliest

NAME_WORDS = 4  # at most, in the name of a file or folder; more are a sentence
STANDARD_INPUT = "-"
AS_A_TEXT = "look at its spelling; a text itself stands in quotation marks, and one that ends as a file does gets a full stop behind it"
TABLES = (*separated.SUFFIXES, *arrow.SUFFIXES)


@dataclass(frozen=True)
class Item:
    """One item.

    Attributes:
        source: Its name: a path, a table with the number of a row, or the text itself.
        read: Fetches its bytes.
        fault: Why it is not read at all: the ending of a file in a folder; else empty.
    """

    source: str
    read: Callable[[], bytes]
    fault: str = ""


def typed(inputs: Sequence[str | Path], modality: Modality, run: Path) -> list[str | Path | Item]:
    """The inputs of a run on texts with what is piped in or typed where a ``-`` stands, a text a line; read at once, for it cannot be read again.

    Raises:
        InputError: when there is nothing, or its encoding cannot be told.
    """
    again = f"headstart predict {quoted(run)} {STANDARD_INPUT}"
    found: list[str | Path | Item] = []
    for given in inputs:
        found += _standard_input(again) if given == STANDARD_INPUT and modality.name == "text" else [given]
    return found


def _standard_input(again: str) -> list[Item]:
    raw = sys.stdin.buffer.read()
    try:
        lines = texts.numbered(decoded(raw)[0]) if raw.strip() else []
    except Unreadable as error:
        fix = f"COMMAND | iconv -f {likeliest(raw) or 'ENCODING'} -t UTF-8 | {again}"
        raise InputError(f"standard input cannot be read: {error.reason}", fix=fix) from None
    if not lines:
        raise InputError("standard input holds no text", fix=f"echo 'a text' | {again}")
    return [Item(f"{STANDARD_INPUT}#{number}", partial(_same, line.encode("utf-8", "replace"))) for number, line in lines]


def items_in(inputs: Sequence[str | Path | Item], modality: Modality, run: Path, *, text: str | None = None, lines: bool = False) -> list[Item]:
    """Everything that is asked about.

    Args:
        inputs: Files and folders, whose files are taken in order of their names; for texts also tables (in a folder: the only one of a folder
            without other texts), and texts themselves. What is an item already stays one.
        modality: What the run was trained on.
        run: Its folder, for the lines that mend a mistake.
        text: The column of a table that holds the texts; found by its name when not given.
        lines: Does each line of a text file stand for itself?

    Raises:
        InputError: when an input is empty or does not exist, a folder holds no suitable file, or a table no column of texts.
    """
    again = f"headstart predict {quoted(run)}"
    return [one for given in inputs for one in ((given,) if isinstance(given, Item) else _items(given, modality, again, text, lines))]


def _items(given: str | Path, modality: Modality, again: str, text: str | None, lines: bool) -> Iterator[Item]:
    if not str(given).strip():  # as a path it would be the folder that one stands in
        raise InputError("an input is empty", fix='name a file or a folder; a variable of the shell may be unset: "$NAME"')
    path, about_texts = Path(given), modality.name == "text"
    if _is(path, os.path.isdir):
        _refuse_locked(path)
        there = sorted(file for file in path.rglob("*") if file.is_file() and not any(map(is_litter, file.relative_to(path).parts)))
        readable = any(file.suffix.lower() in modality.suffixes for file in there)
        tables = [file for file in there if about_texts and not readable and file.suffix.lower() in TABLES]
        if len(tables) == 1:
            yield from _items(tables[0], modality, again, text, lines)
        elif not readable:
            fix = f"{again} {quoted(tables[0])}" if tables else f"ls {quoted(path)}"
            raise InputError("this folder holds no file that the model can read", got=given, allowed=modality.suffixes, fix=fix)
        for file in there:
            reason = "" if file.suffix.lower() in modality.suffixes or file in tables else why_not_read(file.name, modality.suffixes)
            if reason or file.suffix.lower() in modality.suffixes:
                yield Item(str(file), partial(_bytes, file, modality), reason)
    elif not _is(path, os.path.isfile):
        if kind := special(path):
            raise InputError(f"this is {kind}, not a file", got=given, fix=f"save it as a file first: COMMAND > FILE; {again} FILE")
        if not about_texts or isinstance(given, Path) or _looks_like_a_path(given, {*modality.suffixes, *TABLES}):
            raise InputError("this file does not exist", got=given, fix=_fix(path, again, about_texts=about_texts))
        yield Item(" ".join(str(given).split()), partial(_same, str(given).encode("utf-8", "replace")))
    elif about_texts and (lines or path.suffix.lower() in TABLES):
        yield from (Item(f"{given}#{number}", partial(_same, said.encode("utf-8", "replace"))) for number, said in _rows(path, text))
    else:
        yield Item(str(given), partial(_bytes, path, modality))


def _refuse_locked(folder: Path) -> None:
    """Say of a folder that must not be read that it must not; walking it, it looks empty."""
    try:
        os.scandir(folder).close()
    except PermissionError:
        raise InputError("this folder may not be read", got=folder, fix=f"chmod u+rx {quoted(folder)}") from None


def _fix(path: Path, again: str, *, about_texts: bool) -> str:
    """What to type instead of a path that does not exist: the name that is nearest to it, where one is similar."""
    above, near = nearest(path)
    if near:
        return f"{again} {quoted(near)}"
    return AS_A_TEXT if about_texts else f"ls {quoted(above)}"


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


def _looks_like_a_path(given: str, endings: Collection[str]) -> bool:
    """What ends as files do is a path that was mistyped, not something that somebody said; so is a single word with any ending or a separator.

    "see readme.txt" is said: several words, no separator, and only the last one ends so. With a separator it is a path while no part of it is a sentence.
    """
    words = given.split()
    named = [Path(word).suffix.lower() in endings for word in words]
    if len(words) == 1:
        return named[0] or (given.isascii() and (os.sep in given or Path(given).suffix[1:].isalnum()))
    parts = re.split(r"[/\\]", given)
    is_said = any(len(part.split()) > NAME_WORDS for part in parts) if len(parts) > 1 else not any(named[:-1])
    return named[-1] and not is_said and not re.search(r"\n|://", given)


def _same(content: bytes) -> bytes:
    return content
