"""One pass over all items that reads, hashes and examines each of them once in its life: rows in, findings out, in the order of the rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from headstart.base.events import Event, Sink, stage
from headstart.base.hashing import digest_content
from headstart.base.processor import threads
from headstart.data.refuse import too_slow
from headstart.data.remembered import Finding, Remembered
from headstart.data.rows import Rows
from headstart.modality import Modality, Unreadable

AT_ONCE = 64  # items a task: tasks are cheap, and none holds more than one item's bytes
SMALL_BYTES = 16 << 10  # decoding items below this is mostly Python, where a second thread only waits: 5,000 items a second in one, 3,600 in two
FEW_AT_ONCE = 4  # where time is short: the first tasks tell how long all of them take
TELLING_SECONDS = 2.0  # of reading
ITEM_BYTES = 128 << 10  # that are read while a small file is opened and looked up: clips of a second took 20 ms where minutes of 2 MB took 290
SURE = 0.8  # times what it seems to need: the items that are being read count as unread
SAMPLE = 64  # items whose length decides between one thread and several


@dataclass(frozen=True)
class Within:
    """How long reading may take.

    Attributes:
        until: Reading of ``time.perf_counter`` at which it has to be done.
        budget_seconds: What the user gave for everything: a refusal names what would do.
    """

    until: float
    budget_seconds: float

    def check(self, spent: float, done: float, undone: float, unit: str) -> None:
        """Refuse as soon as the first items tell that it will take longer.

        Args:
            spent: Seconds that reading has taken.
            done: The work that was done in them.
            undone: The work that is left.
            unit: What the items are called.

        Raises:
            InputError: naming the budget that would do.
        """
        needed, left = spent * undone / done, self.until - time.perf_counter()
        if spent > TELLING_SECONDS and undone and (left < 0 or SURE * needed > left):
            too_slow(needed, left, self.budget_seconds, unit)


def examine_all(rows: Rows, n: int, modality: Modality, store: Remembered, sink: Sink, within: Within | None = None) -> list[Finding]:
    """Find out what every item is.

    Args:
        rows: The items.
        n: How many they are.
        modality: How they are decoded.
        store: What is known already; what is found is added.
        sink: Hears of the stage ``read``.
        within: How long it may take.

    Returns:
        One finding an item; what cannot be read has a reason.

    Raises:
        InputError: when it would take longer.

    Cost: 0.2 ms an item of 28 x 28 pixels, 2 ms a photo of 0.5 Mpx; 0.02 ms when it is remembered.
    """
    with stage(sink, "read", n, modality.unit) as advance:
        stamps = [_stamp(rows, index) for index in range(n)]
        known = store.by_stamps(stamp for stamp in stamps if stamp)
        found: list[Finding | None] = [known.get(stamp) if stamp else None for stamp in stamps]
        open_ = [index for index, finding in enumerate(found) if finding is None]
        done = n - len(open_)
        advance(done)
        at_once = AT_ONCE if within is None else FEW_AT_ONCE
        tasks = [open_[start : start + at_once] for start in range(0, len(open_), at_once)]
        efforts, read, first, began = np.array([ITEM_BYTES + _size(rows, index) for index in open_] if within else []), 0, 0, 0.0
        with ThreadPoolExecutor(_workers(rows, open_)) as pool:
            try:
                for task, findings in zip(tasks, pool.map(lambda task: [_examine(rows, index, modality, store) for index in task], tasks), strict=True):
                    store.add([(stamps[index], finding) for index, finding in zip(task, findings, strict=True)])
                    for index, finding in zip(task, findings, strict=True):
                        found[index] = finding
                    done += len(task)
                    advance(done)
                    read += len(task)
                    if within is not None and first:
                        within.check(time.perf_counter() - began, efforts[first:read].sum(), efforts[read:].sum(), modality.unit)
                    elif within is not None:
                        first, began = read, time.perf_counter()  # the first ones also import what decodes
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    if store.trouble:
        sink(Event("note", "read", text=store.trouble))
    return [finding for finding in found if finding is not None]


def _workers(rows: Rows, indices: Sequence[int]) -> int:
    sample = indices[:: max(1, len(indices) // SAMPLE)]
    sizes = [_size(rows, index) for index in sample]
    return 1 if not sizes or sum(sizes) / len(sizes) < SMALL_BYTES else threads()


def _size(rows: Rows, index: int) -> int:
    try:
        return rows.size(index)
    except OSError:
        return 0


def _stamp(rows: Rows, index: int) -> str | None:
    try:
        return rows.stamp(index)
    except OSError:
        return None


def _examine(rows: Rows, index: int, modality: Modality, store: Remembered) -> Finding:
    try:
        if rows.size(index) > modality.bytes_max:
            return Finding("", None, f"larger than {modality.bytes_max >> 20} MiB")
        raw = rows.read(index)
    except OSError as error:
        return Finding("", None, f"cannot be opened ({(error.strerror or str(error)).lower()})")
    content = digest_content(raw)
    known = store.by_content(content)
    if known:
        return known
    try:
        return Finding(content, modality.examine(raw))
    except Unreadable as error:
        return Finding(content, error.seen, error.reason)
