"""What was once learnt about an item's content is never asked again: hashes and findings in, findings out, under ``home()/examined``.

Two tables of one SQLite file: content hash → finding, and file stamp → content hash, so that the second run does not even open the files.
SQLite's write-ahead log makes it safe with several processes and after kill -9. If the file cannot be used (disk full, no permission, damaged), the
work goes on without it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base import folders
from headstart.modality import Examined

AT_ONCE = 500  # placeholders in one query; SQLite's oldest limit is 999
WAIT_SECONDS = 60.0  # for another process to finish writing
# `examined` has row ids: its rows are a kilobyte long, and kept in the index itself they took four times the space.
_TABLES = """
CREATE TABLE IF NOT EXISTS examined (content TEXT PRIMARY KEY, width INT, height INT, mode TEXT, thumbnail BLOB, reason TEXT);
CREATE TABLE IF NOT EXISTS seen (stamp TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pairs (contents TEXT PRIMARY KEY, pairs BLOB NOT NULL) WITHOUT ROWID;
"""
_FOUND = "e.content, e.width, e.height, e.mode, e.thumbnail, e.reason"
_SHAPE = 2  # of these tables: others have another file


@dataclass(frozen=True)
class Finding:
    """What is known of one item.

    Attributes:
        content: The hash of its bytes; empty when they could not be fetched.
        examined: What it is, or None when it cannot be read.
        reason: Why it cannot be used; empty when it can. Where it is whole and only holds nothing (silence), ``examined`` says what it is all the same.
    """

    content: str
    examined: Examined | None
    reason: str = ""


class Remembered:
    """The store of one modality; used by one process with several threads, and by several processes."""

    def __init__(self, name: str, version: str) -> None:
        """Open or begin the store; another version of the examination has another file."""
        self._lock = threading.Lock()
        self.trouble = ""
        path = folders.home() / "examined" / f"{name}-{version}-{_SHAPE}.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = _opened(str(path))
        except (OSError, sqlite3.Error) as error:
            self.trouble = f"{path} cannot be used ({error}): what is found now will not be remembered"
            self._base = _opened(":memory:")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def by_stamps(self, stamps: Iterable[str]) -> dict[str, Finding]:
        """What is known of files that have not been touched since."""
        query = f"SELECT s.stamp, {_FOUND} FROM seen s JOIN examined e ON e.content = s.content WHERE s.stamp IN "  # noqa: S608 — no text of a user is in it
        wanted = list(stamps)
        found: dict[str, Finding] = {}
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            for key, *rest in self._ask(query + "(" + ",".join("?" * len(some)) + ")", some):
                found[key] = _finding(rest)
        return found

    def by_content(self, content: str) -> Finding | None:
        """What is known of a content."""
        rows = self._ask(f"SELECT {_FOUND} FROM examined e WHERE e.content = ?", [content])  # noqa: S608
        return _finding(rows[0]) if rows else None

    def add(self, findings: Sequence[tuple[str | None, Finding]]) -> None:
        """Remember findings, each with the stamp of its file where that can be trusted."""
        known = [(stamp, finding) for stamp, finding in findings if finding.content]
        self._tell("INSERT OR IGNORE INTO examined VALUES (?, ?, ?, ?, ?, ?)", [_row(finding) for _, finding in known])
        self._tell("INSERT OR REPLACE INTO seen VALUES (?, ?)", [(stamp, finding.content) for stamp, finding in known if stamp])

    def pairs(self, contents: str) -> NDArray[np.int64] | None:
        """The like pairs of a set of contents, if they were once sought."""
        rows = self._ask("SELECT pairs FROM pairs WHERE contents = ?", [contents])
        return np.frombuffer(rows[0][0], "<i8").reshape(-1, 2).astype(np.int64) if rows else None

    def add_pairs(self, contents: str, pairs: NDArray[np.int64]) -> None:
        """Remember the like pairs of a set of contents."""
        self._tell("INSERT OR REPLACE INTO pairs VALUES (?, ?)", [(contents, pairs.astype("<i8").tobytes())])

    def _ask(self, query: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._base.execute(query, values).fetchall()
            except sqlite3.Error as error:
                self.trouble = f"what was remembered cannot be read ({error})"
                return []

    def _tell(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock:
            try:
                with self._base:
                    self._base.executemany(statement, rows)
            except sqlite3.Error as error:
                self.trouble = f"what is found now cannot be remembered ({error})"


def _opened(path: str) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=WAIT_SECONDS, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last findings, never the file
        base.executescript(_TABLES)
    except sqlite3.Error:
        base.close()
        raise
    return base


def _row(finding: Finding) -> tuple[object, ...]:
    seen = finding.examined
    if seen is None:
        return finding.content, 0, 0, "", b"", finding.reason
    return finding.content, *seen.size, seen.mode, seen.thumbnail, finding.reason


def _finding(row: Sequence[Any]) -> Finding:
    content, width, height, mode, thumbnail, reason = row
    if reason and not mode:
        return Finding(str(content), None, str(reason))
    return Finding(str(content), Examined((width, height), mode, thumbnail), str(reason))
