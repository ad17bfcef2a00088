"""The journal of a run: what the clock or the machine's mood decided goes in once, and comes out the same whenever the run's way is walked again.

A run that was killed is walked again from its beginning; whatever follows from data, seed and recorded values comes out as it did, bit for bit. So every
value that does not follow from them (an engine's speed, what a budget affords, the steps that a training by the clock took) passes through ``recall``.

One line of JSON a value, with a checksum, on the disk before the value is used. A torn last line is what a kill leaves: it was never used and is dropped.
A damaged line is named; it and what was recorded behind it are decided anew, for they may have followed from it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from headstart.base.events import Event, Sink, silence
from headstart.base.files import write
from headstart.base.hashing import digest
from headstart.base.records import from_plain, to_plain

JOURNAL = "journal.jsonl"
Recall = Callable[[str, Callable[[], Any]], Any]  # (key, compute) -> plain value, computed now or as it was computed the first time
R = TypeVar("R")


def afresh(_: str, compute: Callable[[], Any]) -> Any:
    """The recall of work that keeps no journal: everything is computed."""
    return compute()


def recall_record(recall: Recall, record: type[R], key: str, compute: Callable[[], R]) -> R:
    """Recall a record."""
    return from_plain(record, recall(key, lambda: to_plain(compute())), key)


@dataclass(eq=False)
class Book:
    """The file behind a journal, opened.

    Attributes:
        path: Where; None keeps nothing.
        started: Reading of ``time.perf_counter`` at which the run would have begun, had it never been interrupted.
        values: By key, the latest.
        chain: After each line, a hash of it and of all lines before it: what was made after line 7 belongs to these seven lines and to no others.
    """

    path: Path | None
    started: float
    values: dict[str, Any] = field(default_factory=dict)
    chain: list[str] = field(default_factory=lambda: [""])

    @property
    def seconds(self) -> float:
        """What the run has worked so far; the time in which it did not exist left out."""
        return time.perf_counter() - self.started

    def append(self, key: str, value: Any) -> Any:
        """Record a value and bring it to the disk; return it as it will be recalled."""
        line, at = "", round(self.seconds, 6)
        if self.path is not None:
            line = _line(key, value, at)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
            value = json.loads(line)["value"]
            self.admit(key, value, line.encode())
        return value

    def admit(self, key: str, value: Any, line: bytes) -> None:
        """Take up a line that stands in the file."""
        self.values[key] = value
        self.chain.append(digest(self.chain[-1], line))

    @property
    def place(self) -> list[Any]:
        """Names the lines so far: their number and hash."""
        return [len(self.chain) - 1, self.chain[-1]]

    def holds(self, place: Sequence[Any]) -> bool:
        """Are the lines that a place names still there, all of them and as they were?"""
        number, name = place
        return 0 <= number < len(self.chain) and bool(self.chain[number] == name)


@dataclass(frozen=True, eq=False)
class Journal:
    """A view of a book under a name: rounds use the same keys, each in a journal of its own."""

    book: Book = field(default_factory=lambda: Book(None, time.perf_counter()))
    where: str = ""

    def within(self, where: str) -> Journal:
        """The journal of a part."""
        return replace(self, where=f"{self.where}{where} · ")

    def recall(self, key: str, compute: Callable[[], Any]) -> Any:
        """The value that was recorded under a key; where there is none, compute it, record it and return it.

        Args:
            key: What it is, once in a run.
            compute: Gives a value that JSON can hold; what is returned has been through JSON where the journal has a file.
        """
        full = self.where + key
        return self.book.values[full] if full in self.book.values else self.book.append(full, compute())

    def find(self, key: str) -> Any:
        """What was recorded last under a key, or None."""
        return self.book.values.get(self.where + key)

    def note(self, key: str, value: Any) -> None:
        """Record a value that may change: the latest counts."""
        self.book.append(self.where + key, value)

    @property
    def seconds(self) -> float:
        """What the run has worked so far."""
        return self.book.seconds

    def instant(self, key: str) -> float:
        """Reading of ``time.perf_counter`` at which this place was first reached, as if the run had never been interrupted."""
        return self.book.started + float(self.recall(f"{key} began", lambda: round(self.seconds, 6)))


def begin(folder: Path, started: float) -> Journal:
    """The journal of a run that begins."""
    return Journal(Book(folder / JOURNAL, started))


def reopen(folder: Path, started: float, sink: Sink = silence) -> Journal:
    """The journal of a run that goes on; what is damaged is named and dropped with everything behind it.

    Args:
        folder: The run folder.
        started: Reading of ``time.perf_counter`` at which it goes on.
        sink: Hears of damage.

    Returns:
        A journal whose clock goes on where the last line left it.
    """
    path, book, worked = folder / JOURNAL, Book(folder / JOURNAL, started), 0.0
    raw = path.read_bytes() if path.is_file() else b""
    lines, whole, damaged = raw.split(b"\n"), [], 0
    if not path.is_file():
        sink(Event("note", "resume", text=f"{JOURNAL} is missing: what it held is measured and decided anew"))
    for number, line in enumerate(lines[:-1], 1):
        entry = _entry(line)
        damaged = damaged or (number if entry is None else 0)
        if entry is not None:
            worked = max(worked, entry[2])
        if entry is not None and not damaged:
            book.admit(entry[0], entry[1], line + b"\n")
            whole.append(line)
    if damaged:
        text = f"{JOURNAL} is damaged in line {damaged} of {len(lines) - 1}: what was recorded from there on is measured and decided anew"
        sink(Event("note", "resume", text=text, data={"file": JOURNAL, "line": damaged}))
    elif lines[-1]:
        sink(Event("note", "resume", text=f"{JOURNAL} ends in the middle of a line: what was cut off there is measured and decided anew"))
    if raw and b"\n".join([*whole, b""]) != raw:
        write(path, b"\n".join([*whole, b""]))
    book.started = started - worked
    return Journal(book)


def _line(key: str, value: Any, at: float) -> str:
    try:
        said = _json([key, value, at])
    except (TypeError, ValueError):
        raise TypeError(f"the journal holds plain values only: {key}") from None
    return _json({"key": key, "value": value, "at": at, "sum": digest(said)}) + "\n"


def _json(value: Any) -> str:
    """JSON with its own letters; where one of them is half a letter, as a file's name may hold, all but ASCII as escapes: UTF-8 cannot write it."""
    said = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if any("\ud800" <= letter <= "\udfff" for letter in said) else said


def _entry(line: bytes) -> tuple[str, Any, float] | None:
    """Key, value and time of a line; None when it is not as it was written."""
    try:
        found = json.loads(line)
        key, value, at = found["key"], found["value"], found["at"]
        return (key, value, float(at)) if isinstance(key, str) and _line(key, value, at).encode() == line + b"\n" else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
