"""The content-addressed store: (stage key, item's content hash) in, what the frozen network said of the item out.

One folder a stage, shards in it, nothing else. A shard appears by rename, so several processes may read and write at
once and ``kill -9`` leaves at most a ``.partial`` file. Two processes that compute the same item write it twice: harmless.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.activations.shard import Looked, Rows, Shard, open_shard, write_shard
from headstart.base.errors import IntegrityError
from headstart.base.events import Event, Sink, silence
from headstart.base.files import write
from headstart.base.folders import home
from headstart.base.resident import open_many
from headstart.base.sizes import bytes_in

LIMIT_VARIABLE = "HEADSTART_CACHE_BYTES"
DEFAULT_LIMIT_BYTES = 20 << 30
STALE_PARTIAL_SECONDS = 3600  # a file still being written is younger than that
SHARD_BYTES = 64 << 20  # what a writer holds in memory before it writes a shard


@dataclass(frozen=True)
class Stage:
    """A place in a network under one preparation, engine and view: what a shelf of the store is named by.

    Attributes:
        key: Hash of everything that decides the numbers, except the item.
        label: What a person reads in ``headstart cache show``: ``efficientnet_lite0 · head · openvino-bfloat16``.
    """

    key: str
    label: str


@dataclass(frozen=True)
class StageUsage:
    """What one stage takes."""

    label: str
    items: int
    bytes: int
    last_used: float


@dataclass(frozen=True)
class Usage:
    """What the store holds, its limit, and each stage, the latest used first."""

    folder: Path
    bytes: int
    items: int
    limit: int
    stages: tuple[StageUsage, ...]


class Shelf:
    """The shards of one stage, opened: finds items, gathers rows, takes new ones.

    Attributes:
        shard_bytes: What a writer holds in memory before it puts a shard here.
    """

    def __init__(self, folder: Path, stage: Stage, sink: Sink = silence, *, looked: Looked | None = None, shard_bytes: int = SHARD_BYTES) -> None:
        """Open every whole shard; a damaged one is removed, one that cannot be read now is left, and both are named through the sink."""
        self.folder, self.stage, self._sink, self.shard_bytes = folder, stage, sink, shard_bytes
        self._looked = looked or Looked()
        self._places: dict[str, tuple[Shard, int]] = {}
        self._others: dict[str, list[tuple[Shard, int]]] = {}  # further copies of a row: one that is damaged may have been computed anew
        for path in sorted(folder.glob("*.safetensors")):
            try:
                self._admit(open_shard(path, self._looked))
            except FileNotFoundError:
                continue  # another process pruned it between listing and opening
            except IntegrityError as error:
                self._report(str(error))
                path.unlink(missing_ok=True)
            except OSError as error:
                self._report(f"{path.name} cannot be read now and is left as it is: {error}", damaged=False)

    def __contains__(self, item: str) -> bool:
        """Is the item kept here?"""
        return item in self._places

    def sound(self, items: Sequence[str]) -> list[bool]:
        """Which items are kept and whole? A row that differs from its checksum is dropped, named and False."""
        self._drop_damaged(items)
        return [item in self._places for item in items]

    def gather(self, items: Sequence[str]) -> Rows:
        """Copy the items' activations, in the items' order: one array ``(len(items), *shape)`` per crossing tensor.

        Raises:
            IntegrityError: when one of them is missing or damaged (ask ``sound`` first).
        """
        self._drop_damaged(items)
        missing = [item for item in items if item not in self._places]
        if missing:
            raise IntegrityError(f"{len(missing)} items are not in {self.stage.label}: {missing[0]}")
        by_shard: dict[int, tuple[Shard, list[int], list[int]]] = {}
        for n, item in enumerate(items):
            shard, row = self._places[item]
            entry = by_shard.setdefault(id(shard), (shard, [], []))
            entry[1].append(n)
            entry[2].append(row)
        return _assemble(len(items), list(by_shard.values()))

    def length(self, item: str) -> int:
        """How many tokens a kept item has; 0 where lengths do not vary."""
        shard, row = self._places[item]
        return shard.length(row)

    def seconds_per_item(self) -> float:
        """What computing one item took when it was computed: the price of an empty store."""
        shards = {id(shard): shard for shard, _ in self._places.values()}.values()
        items = sum(len(shard.items) for shard in shards)
        return sum(shard.seconds for shard in shards) / items if items else 0.0

    def put(self, items: Sequence[str], values: Rows, seconds: float, lengths: NDArray[np.int64] | None = None, varying: Sequence[bool] = ()) -> int:
        """Write a shard (`write_shard`) and return its bytes; the items can be gathered at once."""
        if not items:
            return 0
        write(self.folder / "label.txt", self.stage.label) if not (self.folder / "label.txt").exists() else None
        path = self.folder / f"{uuid.uuid4().hex}.safetensors"
        size = write_shard(path, items, values, seconds, lengths, varying)
        self._admit(open_shard(path, self._looked))
        return size

    def touch(self) -> None:
        """Mark the stage's shards as used now, for the pruning of the least recently used."""
        for path in {shard.path for shard, _ in self._places.values()}:
            try:
                os.utime(path)
            except OSError:
                continue  # a read-only store or a pruned shard: only the order of pruning suffers

    def _admit(self, shard: Shard) -> None:
        for row, item in enumerate(shard.items):
            if item in self._places:
                self._others.setdefault(item, []).append(self._places[item])
            self._places[item] = (shard, row)

    def _drop_damaged(self, items: Sequence[str]) -> None:
        for item in items:
            while (place := self._places.get(item)) is not None and place[0].damaged([place[1]]):
                copies = self._others.get(item)
                if copies:
                    self._places[item] = copies.pop()
                    continue
                self._report(f"{place[0].path.name} row {place[1]} differs from its checksum")
                del self._places[item]

    def _report(self, what: str, *, damaged: bool = True) -> None:
        about = "damaged entry in the store" if damaged else "entry in the store"
        self._sink(Event("note", "activations", text=f"{about}, computed anew: {what}", data={"stage": self.stage.label}))


class Store:
    """The folder of all stages."""

    def __init__(
        self, folder: Path | None = None, limit_bytes: int | None = None, *, resident_bytes: int | None = None, shard_bytes: int = SHARD_BYTES
    ) -> None:
        """Open or create the store.

        Args:
            folder: Default ``$HEADSTART_HOME/activations``.
            limit_bytes: Size above which the least recently used shards go; default ``$HEADSTART_CACHE_BYTES`` or 20 GiB.
            resident_bytes: How much of the mapped shards may be held in memory at a time; None leaves that to the system.
            shard_bytes: What a writer holds in memory before it writes a shard.
        """
        open_many()  # each shard holds a handle
        self.folder = folder or home() / "activations"
        self.limit_bytes = _usual_limit() if limit_bytes is None else limit_bytes
        self._looked, self._shard_bytes = Looked(resident_bytes), shard_bytes

    def shelf(self, stage: Stage, sink: Sink = silence) -> Shelf:
        """Open the shards of a stage."""
        return Shelf(self.folder / stage.key, stage, sink, looked=self._looked, shard_bytes=self._shard_bytes)

    def usage(self) -> Usage:
        """Add up what is kept, stage by stage."""
        stages = sorted((_usage(folder) for folder in self._stages()), key=lambda stage: -stage.last_used)
        return Usage(self.folder, sum(s.bytes for s in stages), sum(s.items for s in stages), self.limit_bytes, tuple(stages))

    def prune(self, limit_bytes: int | None = None) -> int:
        """Remove the least recently used shards until the store fits its limit, and what crashes left; return the bytes freed."""
        limit = self.limit_bytes if limit_bytes is None else limit_bytes
        freed = self._sweep_partial()
        found = sorted((stat.st_mtime, stat.st_size, path) for folder in self._stages() for path, stat in _shards(folder))
        excess = sum(size for _, size, _ in found) - limit
        for _, size, path in found:
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            freed, excess = freed + size, excess - size
        for folder in self._stages():
            if not _shards(folder):
                (folder / "label.txt").unlink(missing_ok=True)
                _remove_empty(folder)
        return freed

    def _stages(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_dir()] if self.folder.is_dir() else []

    def _sweep_partial(self) -> int:
        freed = 0
        for path in self.folder.glob("*/.*.partial"):
            try:
                stat = path.stat()
                if time.time() - stat.st_mtime > STALE_PARTIAL_SECONDS:
                    path.unlink()
                    freed += stat.st_size
            except FileNotFoundError:
                continue
        return freed


def _assemble(count: int, pieces: list[tuple[Shard, list[int], list[int]]]) -> Rows:
    if len(pieces) == 1 and pieces[0][1] == list(range(count)):
        return pieces[0][0].rows(np.array(pieces[0][2], dtype=np.int64))
    out: list[NDArray[np.generic]] = []
    for shard, positions, rows in pieces:
        values = shard.rows(np.array(rows, dtype=np.int64))
        out = out or [np.zeros((count, *array.shape[1:]), array.dtype) for array in values]
        for n, array in enumerate(values):
            if array.ndim > 1 and array.shape[1] > out[n].shape[1]:  # this shard's items are longer
                out[n] = np.pad(out[n], [(0, 0), (0, array.shape[1] - out[n].shape[1]), *[(0, 0)] * (array.ndim - 2)])
            within = out[n] if array.ndim == 1 else out[n][:, : array.shape[1]]
            within[positions] = array
    return tuple(out)


def _shards(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob("*.safetensors"):
        try:
            found.append((path, path.stat()))
        except FileNotFoundError:
            continue  # pruned by another process meanwhile
    return found


def _usage(folder: Path) -> StageUsage:
    shards = _shards(folder)
    items = 0
    for path, _ in shards:
        try:
            items += len(open_shard(path).items)
        except (IntegrityError, FileNotFoundError):
            continue
    label = (folder / "label.txt").read_text(encoding="utf-8") if (folder / "label.txt").exists() else folder.name
    return StageUsage(label, items, sum(stat.st_size for _, stat in shards), max((stat.st_mtime for _, stat in shards), default=0.0))


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # another process is writing a shard into it


def _usual_limit() -> int:
    """What the environment says, or 20 GiB.

    Raises:
        InputError: when it says what is no size.
    """
    given = os.environ.get(LIMIT_VARIABLE)
    return DEFAULT_LIMIT_BYTES if given is None else bytes_in(given, option=LIMIT_VARIABLE, fix=f"{LIMIT_VARIABLE}=20GB")
