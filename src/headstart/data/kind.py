"""What kind of data lies at a path: pictures, texts or clips; a path in, the modality's name out, or a refusal that asks for ``--modality``."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from headstart.base.errors import InputError
from headstart.data import arrow, flat, folders, metadata, separated
from headstart.data.listing import AUDIO_WORDS, FILE_WORDS, IMAGE_WORDS, LABEL_WORDS, TEXT_WORDS, Wanted, find_column, printable
from headstart.modality import get, names
from headstart.modality.scripts import WITHOUT_BLANKS, script_of, words_in

AUDIO = frozenset({".wav", ".flac", ".ogg", ".oga", ".mp3", ".opus", ".aif", ".aiff", ".au"})
LINES = frozenset({".txt", ".text"})
LOOKED_AT = 2000  # files
CLEAR = 0.9  # share of the files of one kind that makes the others strays
LONG_RUN = 8  # characters of a script without blanks: more than a name of a class or a city has
HUB_KINDS = {"Image": "image", "Audio": "audio"}


def kind_of(path: Path, wanted: Wanted) -> str:
    """The modality of what lies at a path that exists; ``image`` where nothing tells, so that what is said of a mistake speaks of the usual layouts.

    Raises:
        InputError: when pictures and clips lie there together.
    """
    return told_kind(path, wanted) or "image"


def told_kind(path: Path, wanted: Wanted) -> str | None:
    """The modality of what lies at a path that exists; None where nothing tells.

    A folder's files decide by their endings, pictures and clips before texts, which may describe them; a table by the files that it names, else by its
    columns.

    Raises:
        InputError: when pictures and clips lie there together.
    """
    if wanted.text is not None:
        return "text"
    if path.is_file():
        return _of_table(path)
    if arrow.holds_tables(path):
        return _of_arrow(arrow.first_table(path))
    table = metadata.table_in(path)
    if table:
        return _of_table(table)
    counts = _suffixes(path)
    total = {name: sum(counts[suffix] for suffix in suffixes) for name, suffixes in (("image", get("image").suffixes), ("audio", AUDIO))}
    if all(total.values()) and max(total.values()) < CLEAR * sum(total.values()):
        found = ", ".join(f"{n:,} of {name}" for name, n in total.items())
        raise InputError(f"{path} holds pictures and clips", got=found, allowed=names(), fix=f"headstart inspect {shlex.quote(str(path))} --modality audio")
    if any(total.values()):
        return max(total, key=lambda name: total[name])
    tables = [suffix for suffix in separated.SUFFIXES if counts[suffix]]
    return "text" if tables or any(counts[suffix] for suffix in LINES) else None


def refuse_other_kind(path: Path, modality: str) -> None:
    """Say of data that a finished run cannot read that it is another kind of data, where that is so.

    Raises:
        InputError: naming both kinds.
    """
    found = told_kind(path, Wanted()) if path.exists() else None
    if found is not None and found != modality:
        takes, holds = get(modality).unit, get(found).unit
        raise InputError(f"this run takes {takes}, and {path} holds {holds}", fix=f"give {takes}, or a run that was fitted to {holds}: headstart runs list")


def names_files(table: Path, suffixes: frozenset[str]) -> bool:
    """Does a table name files of these kinds?"""
    return _ending(_files(table, flat.first_cells(table))) in suffixes


def _files(table: Path, cells: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The cells that name a table's files; none where there are none, or where the texts beside them are what it is about."""
    file = metadata.file_column(cells, table.parent)
    if file is None or not find_column(list(cells), TEXT_WORDS, (file,), by_last_word=True):
        return cells[file] if file else ()
    if table.suffix.lower() in arrow.SUFFIXES:  # texts are often kept so, and where each came from beside it
        return cells[file] if metadata.names_one(cells[file], table.parent) else ()
    return cells[file] if file == find_column(list(cells), FILE_WORDS) or _ending(cells[file]) not in LINES else ()


def _of_table(table: Path) -> str | None:
    suffix = table.suffix.lower()
    if suffix in arrow.SUFFIXES:
        return _of_arrow(table)
    if suffix not in separated.SUFFIXES:
        return None
    cells = flat.first_cells(table)
    found = _of_ending(_files(table, cells))
    if found:
        return found
    if find_column(list(cells), TEXT_WORDS, by_last_word=True):
        return "text"
    named = next((found for column in cells.values() if (found := _of_endings(column))), None)  # of files that are not there: never texts
    return named or ("text" if not find_column(list(cells), FILE_WORDS) and _wordy(cells) else None)


def _of_endings(cells: Sequence[str]) -> str | None:
    """The kind of file that all the first cells end like: a text may end with the address of a picture."""
    kinds = {_of_ending([cell]) for cell in cells[: metadata.LOOKED_AT] if cell}
    return kinds.pop() if len(kinds) == 1 else None


def _of_ending(cells: Sequence[str]) -> str | None:
    known = {"image": get("image").suffixes, "audio": AUDIO, "text": LINES}
    return next((name for name, suffixes in known.items() if _ending(cells) in suffixes), None)


def _wordy(cells: dict[str, list[str]]) -> bool:
    """Two columns, of which one holds several words a cell; where no blanks part words, many letters."""
    return len(cells) == 2 and any(" " in cell or _is_run(cell) for column in cells.values() for cell in column[:10])


def _is_run(cell: str) -> bool:
    return script_of(cell) in WITHOUT_BLANKS and len(words_in(cell)) >= LONG_RUN


def _ending(cells: Sequence[str]) -> str:
    """The ending of the first file that a column names."""
    return Path(next((cell for cell in cells if cell), "").replace("\\", "/")).suffix.lower()


def _of_arrow(table: Path) -> str:
    """By what `datasets` says of the column, else by what its cells are: bytes of a picture or clip, or a text."""
    schema = arrow.schema_of(table)
    features = arrow.features_of(schema, table)
    kinds = {HUB_KINDS.get(str(feature.get("_type"))) for feature in features.values() if isinstance(feature, dict)} - {None}
    if len(kinds) == 1:
        return str(kinds.pop())
    holders = arrow.byte_columns(schema)
    if holders:
        return "audio" if find_column(holders, AUDIO_WORDS[:-2]) and not find_column(holders, IMAGE_WORDS[:5]) else "image"
    named = _of_ending(_files(table, flat.first_cells(table)))
    if named:
        return named
    label = find_column(schema.names, LABEL_WORDS, by_last_word=True)
    return "text" if any(arrow.is_text(field.type) for field in schema if field.name != label) else "image"


def _suffixes(root: Path) -> Counter[str]:
    """How often each ending occurs among the first files, two folders deep and more."""
    counts: Counter[str] = Counter()
    for place, inside, files in os.walk(root, followlinks=False):
        inside[:] = sorted(name for name in inside if not folders.is_litter(name))
        for name in files:
            if not folders.is_litter(name) and Path(name).stem.lower() not in ("readme", "license", "licence"):
                counts[Path(printable(os.path.join(place, name))).suffix.lower()] += 1  # noqa: PTH118
        if counts.total() > LOOKED_AT:
            break
    return counts
