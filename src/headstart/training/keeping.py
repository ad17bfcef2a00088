"""Pieces of dear work as files: tensors and plain values under a key in, the same back after a kill; what is damaged is named and never used.

A piece lies in ``RUN/work`` under its key and its own SHA-256, so that a file says by itself whether it is whole; the journal knows which pieces there
ought to be. A finished run needs none of them: the folder goes when the manifest is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from headstart.base.events import Event, Sink, silence
from headstart.base.files import write
from headstart.base.hashing import digest
from headstart.base.journal import Journal

if TYPE_CHECKING:
    from torch import Tensor

WORK = "work"
EVERY_SECONDS = 20.0  # of training that a kill may cost; $HEADSTART_CHECKPOINT_SECONDS asks for others
WORTH_SECONDS = 1.0  # a training that took less is done anew rather than kept
SAVING_SHARE = 0.05  # of a training's time that keeping its state may take: a large network is kept less often
SAVED_A_SECOND = 2e8  # bytes, until a state has been kept: 1.9 GB took 11 s, and a budget of 60 s with it
MOST_BYTES = 8 << 30  # of all pieces together
ROOM = 2  # times a piece's bytes that must be free: what is kept for a kill must not be what fills the disk
PLAIN = "plain"
Arrays = Mapping[str, "Tensor | NDArray[np.generic]"]


@dataclass(frozen=True)
class Piece:
    """What was kept under a key."""

    tensors: dict[str, NDArray[np.generic]]
    plain: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Keeping:
    """Where a study keeps what it must not do twice: the journal for values, a folder for tensors.

    Attributes:
        journal: Knows what was decided and which pieces there are.
        folder: Holds the pieces; None keeps none.
        sink: Hears of damage.
        every_seconds: How often a long training is kept.
        most_bytes: Of all pieces; what does not fit is not kept, and would be done anew.
    """

    journal: Journal = field(default_factory=Journal)
    folder: Path | None = None
    sink: Sink = silence
    every_seconds: float = EVERY_SECONDS
    most_bytes: int = MOST_BYTES
    _told: set[str] = field(default_factory=set)

    def within(self, where: str) -> Keeping:
        """The same for a part of the study, whose keys are its own."""
        return replace(self, journal=self.journal.within(where))

    def training(self, name: str, *parts: str) -> TrainingPlace:
        """The place of one training; ``parts`` say what its name does not."""
        return TrainingPlace(self, name, parts)

    def find(self, key: str) -> Piece | None:
        """The newest whole piece under a key; one that is damaged or missing is named and counts as none."""
        if self.folder is None:
            return None
        name, lost = self.journal.find(_piece(key)), ""
        for path in sorted(self.folder.glob(f"{self._stem(key)}-*.safetensors"), key=lambda path: -path.stat().st_mtime_ns):
            try:
                found, fault = _read(path)
            except OSError as error:  # that says nothing against it: it stays
                lost = f"{WORK}/{path.name} cannot be read now ({error})"
                continue
            if found is not None and self.journal.book.holds(found.plain["place"]):
                return found
            fault = fault or "follows from what the journal has lost"
            lost = f"{WORK}/{path.name} {fault}"
            path.unlink()
        if name and not lost:
            lost = f"{WORK}/{self._stem(key)} is missing"
        if lost:
            self.sink(Event("note", "resume", text=f"{lost}: {name or key} is computed anew", data={"piece": key}))
        return None

    def save(self, key: str, name: str, tensors: Arrays, plain: Mapping[str, Any]) -> None:
        """Keep a piece; it takes the place of an older one under its key."""
        if self.folder is None:
            return
        arrays = {one: np.asarray(value if isinstance(value, np.ndarray) else value.detach().cpu().numpy(), order="C") for one, value in tensors.items()}
        if not self._has_room(sum(array.nbytes for array in arrays.values())):
            return
        content = save(arrays, {PLAIN: json.dumps({**plain, "place": self.journal.book.place})})
        path = self.folder / f"{self._stem(key)}-{hashlib.sha256(content).hexdigest()}.safetensors"
        older = [one for one in self.folder.glob(f"{self._stem(key)}-*.safetensors") if one != path]
        write(path, content)
        self.journal.note(_piece(key), name)
        for one in older:
            one.unlink(missing_ok=True)

    def _has_room(self, size: int) -> bool:
        folder = self.folder or Path()
        folder.mkdir(parents=True, exist_ok=True)
        used = sum(path.stat().st_size for path in folder.iterdir())
        fits = used + size <= self.most_bytes and shutil.disk_usage(folder).free > ROOM * size
        if not fits and not self._told:
            self._told.add("full")
            text = f"there is no room to keep further trainings (they take {used / 1e6:.0f} MB): after a kill these would be done anew"
            self.sink(Event("note", "resume", text=text))
        return fits

    def drop(self) -> None:
        """Remove all pieces."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _stem(self, key: str) -> str:
        return digest(self.journal.where, key)


def keeping(journal: Journal, run: Path, sink: Sink) -> Keeping:
    """The keeping of a run folder."""
    every = float(os.environ.get("HEADSTART_CHECKPOINT_SECONDS", EVERY_SECONDS))
    return Keeping(journal, run / WORK, sink, every)


NOWHERE = Keeping()


@dataclass(eq=False)
class TrainingPlace:
    """Where one training keeps its state, its end, and the steps that the clock decided.

    Attributes:
        name: Of the training.
        parts: What else tells it from others.
    """

    keeping: Keeping
    name: str
    parts: Sequence[str] = ()
    _last: float = field(default_factory=time.perf_counter)
    _pause: float = 0.0

    def of(self, *parts: str) -> TrainingPlace:
        """The same place with more that tells it from others."""
        return replace(self, parts=(*self.parts, *parts))

    def __post_init__(self) -> None:
        """The first pause."""
        self._pause = self.keeping.every_seconds

    @property
    def key(self) -> str:
        """What tells it from every other training of the study."""
        return digest(self.name, *self.parts)

    def find(self) -> Piece | None:
        """Its end, or the state in which it was interrupted."""
        return self.keeping.find(self.key)

    def weighs(self, n_bytes: int) -> None:
        """Hear how large a state is: before the first is kept, this tells how often keeping one is worth its time."""
        if self.keeping.every_seconds > 0:
            self._pause = max(self.keeping.every_seconds, n_bytes / SAVED_A_SECOND / SAVING_SHARE)

    def due(self) -> bool:
        """Is it time to keep the state?"""
        return self.keeping.folder is not None and time.perf_counter() - self._last >= self._pause

    def save(self, tensors: Arrays, plain: Mapping[str, Any]) -> None:
        """Keep a state or the end."""
        began = time.perf_counter()
        self.keeping.save(self.key, self.name, tensors, plain)
        self._last = time.perf_counter()
        if self.keeping.every_seconds > 0:
            self._pause = max(self.keeping.every_seconds, (self._last - began) / SAVING_SHARE)

    def worth(self, seconds: float) -> bool:
        """Is the end of a training that took so long worth keeping?"""
        return seconds >= min(WORTH_SECONDS, self.keeping.every_seconds)

    def pace(self) -> list[float] | None:
        """The share of the training that was done at each of its steps, where the clock has decided that before."""
        found = self.keeping.journal.find(f"pace of {self.name}")
        return None if found is None else [float(one) for one in found]

    def paced(self, shares: Sequence[float]) -> None:
        """Record what the clock decided."""
        self.keeping.journal.recall(f"pace of {self.name}", lambda: list(shares))


def _piece(key: str) -> str:
    return f"piece {key}"


def _read(path: Path) -> tuple[Piece | None, str]:
    """A piece, or what is wrong with its file."""
    content = path.read_bytes()
    try:
        if hashlib.sha256(content).hexdigest() != path.stem.rpartition("-")[2]:
            return None, "differs from its checksum"
        length = int.from_bytes(content[:8], "little")
        plain = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][PLAIN])
        return Piece(load(content), plain), ""
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        return None, f"cannot be read ({error})"
