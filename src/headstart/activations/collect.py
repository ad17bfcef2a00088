"""Backbone, cuts and items in, activations out: what is stored is read, the rest is computed in one forward pass.

Decoding runs in threads while the engine computes; a pass may be tapped at several cuts; an item that is stored at a
shallower cut starts from there. Memory holds a few batches and one unwritten shard a cut, however many items there are.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.activations.batch import bucket, end_to_end, filled, items_at_once, side_by_side
from headstart.activations.shard import Rows
from headstart.activations.store import Shelf, Stage, Store
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.parts import runner
from headstart.backbone.engines.protocol import BATCH_ITEMS, Arrays, Engine, Runner, stored_type
from headstart.base.errors import HeadstartError
from headstart.base.events import Event, Sink, silence, stage
from headstart.base.hashing import digest
from headstart.base.journal import Recall, afresh
from headstart.base.processor import threads

BATCHES_AHEAD = 4  # decoded batches that wait for the engine: 20 MB at 224 pixels
STRETCH_ITEMS = 32 * BATCH_ITEMS  # items of different lengths that are put together by length: whole stretches are done again after a kill
FLUSH_SECONDS = 20.0  # at most this much computing is lost to a kill -9


class Items(Protocol):
    """What a pass reads: content hashes for the keys, prepared arrays for the network."""

    @property
    def content(self) -> Sequence[str]:
        """Content hash of each item."""

    def name(self, index: int) -> str:
        """What people call an item."""

    def prepare(self, index: int) -> NDArray[np.generic]:
        """Read, decode and prepare one item: the network's input without its first axis."""


@dataclass(frozen=True)
class Activations:
    """What a backbone said at one cut of a list of items.

    Attributes:
        cut: Number of frozen blocks.
        hits: Items found in the store.
        misses: Items computed now.
        written_bytes: Bytes added to the store.
        pass_seconds: What the forward pass took now, for all its cuts together, decoding and writing included.
        empty_store_seconds: What the same would have taken from an empty store (computing as measured when it happened).
    """

    cut: int
    content: tuple[str, ...]
    hits: int
    misses: int
    written_bytes: int
    pass_seconds: float
    empty_store_seconds: float
    _shelf: Shelf = field(repr=False)

    @property
    def seconds_saved(self) -> float:
        """What the pass would have taken longer from an empty store."""
        return self.empty_store_seconds * self.hits / max(1, self.hits + self.misses)

    def rows(self, index: NDArray[np.int64]) -> Rows:
        """Gather items by position: one array ``(len(index), *shape)`` per crossing tensor, as stored (float16 or float32)."""
        return self._shelf.gather([self.content[n] for n in index])

    def lengths(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of each item; 0 where lengths do not vary."""
        return np.array([self._shelf.length(self.content[n]) for n in index], np.int64)


def stage_of(backbone: Backbone, cut: int, engine: Engine, label: str, view: int = 0) -> Stage:
    """Name a stage: hash chain of the weights up to the cut, preparation (in the chain), engine with its version, number format and view."""
    key = digest("stage", backbone.chain[cut], engine.name, engine.version, str(stored_type(engine)), str(view))
    return Stage(key, f"{label} · cut {cut}/{backbone.depth} · {engine.name}")


def collect(
    backbone: Backbone,
    cuts: Sequence[int],
    items: Items,
    engine: Engine,
    store: Store,
    *,
    label: str,
    view: int = 0,
    sink: Sink = silence,
    unit: str = "items",
    recall: Recall = afresh,
) -> dict[int, Activations]:
    """Bring the activations of all items at the given cuts into the store.

    Args:
        backbone: The network.
        cuts: Cuts that are wanted; one pass serves them all.
        items: What to read.
        engine: What runs the frozen part.
        store: Where activations are kept.
        label: The model's name, for people who look into the store.
        view: Number of the augmented view; 0 is the plain item.
        sink: Receives progress.
        unit: What an item is called in the progress.
        recall: Which passes were planned when the run began, and what they took: what a kill left undone is done as it was planned, in the same
            batches, from the same cut, to the same cuts; so the last bits are those of a run that was not killed.

    Returns:
        Activations by cut.
    """
    shelves = {cut: store.shelf(stage_of(backbone, cut, engine, label, view), sink) for cut in cuts}
    unique = {item: n for n, item in reversed(list(enumerate(items.content)))}
    names = tuple(sorted(unique, key=unique.__getitem__))
    sound = {cut: dict(zip(names, shelf.sound(names), strict=True)) for cut, shelf in shelves.items()}
    kept = {cut: stage_of(backbone, cut, engine, label, view) for cut in backbone.cuts if cut > 0}
    about = f"{label}, view {view}, cuts {', '.join(map(str, cuts))}"
    first = _jobs(names, sound, kept, store, sink)
    planned = recall(f"passes of {about}", lambda: _plain(first, names))
    if _plain(first, names) != planned and first:
        text = f"{sum(len(job.items) for job in first)} of {len(names)} items are not in the store, or damaged: {about}; they are computed as it was planned"
        sink(Event("note", "activations", text=text))
    written, started = dict.fromkeys(cuts, 0), time.perf_counter()
    used = list(shelves.values())
    size = STRETCH_ITEMS if backbone.varies else BATCH_ITEMS
    for lost in (True, False):  # what planned passes start from comes before them
        jobs = _lost(planned, names, sound, size) if lost else _left(planned, names, sound, kept, store, sink, size)
        if lost and not jobs:
            continue
        with stage(sink, "activations", sum(len(job.items) for job in jobs), unit) as advance:
            done = 0
            for job in jobs:
                used = [*([] if job.ancestor is None else [job.ancestor]), *used]
                writer = _Writer(job, shelves, [backbone.varying(cut) for cut in job.wanted])
                try:
                    for batch, values in _pass(backbone, job, items, unique, engine):
                        writer.add(batch, values)
                        done += len(batch.names)
                        advance(done)
                finally:
                    for cut, n_bytes in writer.flush().items():
                        written[cut] += n_bytes
    seconds = time.perf_counter() - started
    for shelf in used:  # before pruning, or what this run has just read would go
        shelf.touch()
    if any(written.values()):
        store.prune()
    misses = {cut: sum(end - begin for _, wanted, runs in planned for begin, end in runs if cut in wanted) for cut in cuts}
    took = recall(f"what {about} took", lambda: [[written[cut], seconds, shelf.seconds_per_item() * len(names)] for cut, shelf in shelves.items()])
    return {
        cut: Activations(cut, tuple(items.content), len(names) - misses[cut], misses[cut], numbers[0], numbers[1], numbers[2], shelf)
        for (cut, shelf), numbers in zip(shelves.items(), took, strict=True)
    }


@dataclass(frozen=True)
class _Job:
    """Items that start at the same cut and lack the same cuts: one pass."""

    start: int
    wanted: tuple[int, ...]
    items: tuple[str, ...]
    ancestor: Shelf | None


def _plain(jobs: Sequence[_Job], names: Sequence[str]) -> list[list[Any]]:
    """Jobs as plain values: start, wanted cuts, and the places of the items among the names as stretches ``[begin, end]``."""
    place = {name: n for n, name in enumerate(names)}
    planned: list[list[Any]] = []
    for job in jobs:
        runs: list[list[int]] = []
        for n in (place[name] for name in job.items):
            if runs and runs[-1][1] == n:
                runs[-1][1] = n + 1
            else:
                runs.append([n, n + 1])
        planned.append([job.start, list(job.wanted), runs])
    return planned


def _left(
    planned: Sequence[Any], names: Sequence[str], sound: dict[int, dict[str, bool]], kept: dict[int, Stage], store: Store, sink: Sink, size: int
) -> list[_Job]:
    """What is left of planned jobs: whole stretches of ``size`` items of which a row is missing."""
    jobs = []
    for start, wanted, runs in planned:
        items = tuple(names[n] for begin, end in runs for n in range(begin, end))
        lacking = tuple(name for batch in _together(items, size) if not all(sound[cut][one] for cut in wanted for one in batch) for name in batch)
        ancestor = store.shelf(kept[start], sink) if start and lacking else None
        if ancestor is not None and not all(ancestor.sound(lacking)):
            start, ancestor = 0, None
        if lacking:
            jobs.append(_Job(start, tuple(wanted), lacking, ancestor))
    return jobs


def _lost(planned: Sequence[Any], names: Sequence[str], sound: dict[int, dict[str, bool]], size: int) -> list[_Job]:
    """What the store has lost since it was planned with: whole stretches of items that no planned pass computes, from the beginning to all cuts."""
    covered = {n for _, _, runs in planned for begin, end in runs for n in range(begin, end)}
    relied_on = tuple(name for n, name in enumerate(names) if n not in covered)
    lacking = tuple(name for batch in _together(relied_on, size) if not all(kind[one] for kind in sound.values() for one in batch) for name in batch)
    return [_Job(0, tuple(sorted(sound)), lacking, None)] if lacking else []


def _jobs(names: Sequence[str], sound: dict[int, dict[str, bool]], kept: dict[int, Stage], store: Store, sink: Sink) -> list[_Job]:
    """What is to be computed, from the deepest stored cut below; of the other cuts nothing is read but what may serve as a start."""
    lacking = {name: tuple(sorted(cut for cut in sound if not sound[cut][name])) for name in names}
    deepest = max((wanted[0] for wanted in lacking.values() if wanted), default=0)
    ancestors = {cut: store.shelf(one, sink) for cut, one in kept.items() if cut < deepest and (store.folder / one.key).is_dir()}
    asked = {cut: [name for name, wanted in lacking.items() if wanted and cut < wanted[0]] for cut in ancestors}
    whole = {cut: dict(zip(asked[cut], shelf.sound(asked[cut]), strict=True)) for cut, shelf in ancestors.items()}
    groups: dict[tuple[int, tuple[int, ...]], list[str]] = {}
    for name, wanted in lacking.items():
        if wanted:
            start = max((cut for cut in whole if whole[cut].get(name)), default=0)
            groups.setdefault((start, wanted), []).append(name)
    return [_Job(start, wanted, tuple(group), ancestors.get(start)) for (start, wanted), group in groups.items()]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Items side by side; ``lengths`` and the length to which they are padded where they vary."""

    names: tuple[str, ...]
    arrays: Arrays
    lengths: NDArray[np.int64] | None = None
    longest: int = 0


def _pass(backbone: Backbone, job: _Job, items: Items, positions: dict[str, int], engine: Engine) -> Iterator[tuple[_Batch, list[Rows]]]:
    """Yield a batch and, per wanted cut, its activations."""
    widths = [len(backbone.crossing_shapes(cut)) for cut in job.wanted]
    run: Runner | None = None
    for batch in _batches(backbone, job, items, positions):
        full = tuple(filled(array, items_at_once(batch.longest)) for array in batch.arrays)
        run = run or runner(engine, backbone, job.start, job.wanted[-1], job.wanted[:-1], full)
        said = tuple(array[: len(batch.names)] for array in run(full))
        for array in said:
            if (wrong := _not_a_number(array)) is not None:
                raise HeadstartError(f"the network says of an item what is no number: {items.name(positions[batch.names[wrong]])}\n  fix: leave it out")
        outputs = tuple(_narrow(array, engine) for array in said)
        split, begin = [], 0
        for width in widths:
            split.append(outputs[begin : begin + width])
            begin += width
        yield batch, split


def _batches(backbone: Backbone, job: _Job, items: Items, positions: dict[str, int]) -> Iterator[_Batch]:
    """Batches of the engine's size; where items vary in length, each of items whose length falls into one bucket, the fewer the longer they are."""
    if not backbone.varies:
        for names, arrays in _read(job, items, positions):
            yield _Batch(names, tuple(side_by_side(some) for some in zip(*arrays, strict=True)))
        return
    waiting: dict[int, list[tuple[str, int, Arrays]]] = {}
    seen = 0
    for names, arrays in _read(job, items, positions):
        for name, one in zip(names, arrays, strict=True):
            length = len(one[0]) if job.ancestor is None else job.ancestor.length(name)
            held = waiting.setdefault(bucket(length), [])
            held.append((name, length, one))
            if len(held) == items_at_once(bucket(length)):
                yield _of_lengths(waiting.pop(bucket(length)), bucket(length), backbone.varying(job.start))
        seen += len(names)
        if seen % STRETCH_ITEMS == 0 or seen == len(job.items):
            for longest, held in sorted(waiting.items()):
                yield _of_lengths(held, longest, backbone.varying(job.start))
            waiting.clear()


def _of_lengths(held: Sequence[tuple[str, int, Arrays]], longest: int, varying: Sequence[bool]) -> _Batch:
    names, lengths, rows = zip(*held, strict=True)
    arrays = []
    for some, varies in zip(zip(*rows, strict=True), varying, strict=True):
        arrays.append(side_by_side([one[:length] for one, length in zip(some, lengths, strict=True)], longest) if varies else side_by_side(some))
    return _Batch(names, tuple(arrays), np.array(lengths), longest)


def _read(job: _Job, items: Items, positions: dict[str, int]) -> Iterator[tuple[tuple[str, ...], list[Arrays]]]:
    """Names of some items, and for each of them what crosses where the pass starts."""
    batches = _together(job.items)
    if job.ancestor is not None:
        for names in batches:
            rows = tuple(np.asarray(array, dtype=np.float32) for array in job.ancestor.gather(names))
            yield names, [tuple(array[n] for array in rows) for n in range(len(names))]
        return
    with ThreadPoolExecutor(max_workers=threads(), thread_name_prefix="decode") as pool:
        waiting: deque[tuple[tuple[str, ...], list[Future[NDArray[np.generic]]]]] = deque()
        try:
            for names in batches:
                waiting.append((names, [pool.submit(items.prepare, positions[name]) for name in names]))
                if len(waiting) > BATCHES_AHEAD:
                    yield _ready(waiting.popleft())
            while waiting:
                yield _ready(waiting.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _together(items: tuple[str, ...], size: int = BATCH_ITEMS) -> list[tuple[str, ...]]:
    return [items[n : n + size] for n in range(0, len(items), size)]


def _ready(batch: tuple[tuple[str, ...], list[Future[NDArray[np.generic]]]]) -> tuple[tuple[str, ...], list[Arrays]]:
    return batch[0], [(future.result(),) for future in batch[1]]


def _unpadded(array: NDArray[np.generic], lengths: NDArray[np.int64] | None) -> NDArray[np.generic]:
    return array if lengths is None else end_to_end(array, lengths)


def _not_a_number(array: NDArray[np.generic]) -> int | None:
    """The first row of floats in which something is not finite."""
    if np.isfinite(array.sum(dtype=np.float64)):
        return None
    return next((n for n, row in enumerate(array) if not np.isfinite(row).all()), None)


def _narrow(array: NDArray[np.generic], engine: Engine) -> NDArray[np.generic]:
    """As it is stored; torch halves twenty times as fast as NumPy, to the same bits."""
    dtype = stored_type(engine)
    if dtype != np.float16:
        return array.astype(dtype)
    if float(np.abs(array).max(initial=0.0)) > float(np.finfo(np.float16).max):
        raise HeadstartError("this network's activations are too large for half precision\n  fix: headstart fit … --precision float32")
    halved: NDArray[np.generic] = torch.from_numpy(np.ascontiguousarray(array)).half().numpy()
    return halved


class _Writer:
    """Holds rows until a shard is worth writing."""

    def __init__(self, job: _Job, shelves: dict[int, Shelf], varying: Sequence[tuple[bool, ...]]) -> None:
        self._job, self._shelves, self._varying = job, shelves, varying
        self._names: list[str] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._rows: list[list[Rows]] = [[] for _ in job.wanted]
        self._written = dict.fromkeys(job.wanted, 0)
        self._held_bytes, self._most_bytes = 0, min(shelf.shard_bytes for shelf in shelves.values())
        self._since = time.perf_counter()

    def add(self, batch: _Batch, values: list[Rows]) -> None:
        """Take a batch, without its padding; write when enough bytes or seconds have gathered."""
        self._names += batch.names
        if batch.lengths is not None:
            self._lengths.append(batch.lengths)
        for held, rows, varying in zip(self._rows, values, self._varying, strict=True):
            held.append(tuple(_unpadded(array, batch.lengths if varies else None) for array, varies in zip(rows, varying, strict=True)))
            self._held_bytes += sum(array.nbytes for array in held[-1])
        if self._held_bytes >= self._most_bytes or time.perf_counter() - self._since > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> dict[int, int]:
        """Write what is held; return the bytes written so far per cut."""
        if self._names:
            seconds = time.perf_counter() - self._since
            if self._job.ancestor is not None:
                seconds += self._job.ancestor.seconds_per_item() * len(self._names)
            lengths = np.concatenate(self._lengths) if self._lengths else None
            for cut, held, varying in zip(self._job.wanted, self._rows, self._varying, strict=True):
                values = tuple(np.concatenate(arrays) for arrays in zip(*held, strict=True))
                told = (lengths, varying) if any(varying) else (None, ())
                self._written[cut] += self._shelves[cut].put(self._names, values, seconds, *told)
                held.clear()
            self._names.clear()
            self._lengths.clear()
            self._held_bytes, self._since = 0, time.perf_counter()
        return self._written
