"""Descriptions that need no network (the plain model's features), kept in the same store under the same kind of key."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from headstart.activations.store import Stage, Store
from headstart.base.events import Sink, silence, stage
from headstart.base.hashing import digest
from headstart.base.processor import threads

CHUNK_ITEMS = 1024  # items per shard and per progress report


def describe(
    name: str, content: Sequence[str], compute: Callable[[int], NDArray[np.float32]], store: Store, *, sink: Sink = silence, unit: str = "items"
) -> NDArray[np.float32]:
    """Describe every item by a vector, from the store where it is known.

    Args:
        name: Name and version of the description: ``image plain 1``.
        content: Content hash of each item.
        compute: Vector ``(d,)`` of the item at a position.
        store: Where descriptions are kept.
        sink: Receives progress.
        unit: What an item is called.

    Returns:
        ``(n, d)``.
    """
    shelf = store.shelf(Stage(digest("described", name), name), sink)
    first = {item: n for n, item in reversed(list(enumerate(content)))}
    known = dict(zip(first, shelf.sound(list(first)), strict=True))
    missing = [item for item in first if not known[item]]
    with ThreadPoolExecutor(threads()) as pool, stage(sink, "describe", len(missing), unit) as advance:
        for begin in range(0, len(missing), CHUNK_ITEMS):
            chunk = missing[begin : begin + CHUNK_ITEMS]
            started = time.perf_counter()
            vectors = np.stack(list(pool.map(compute, [first[item] for item in chunk])))
            shelf.put(chunk, (vectors,), time.perf_counter() - started)
            advance(begin + len(chunk))
    shelf.touch()
    return np.asarray(shelf.gather(list(content))[0], dtype=np.float32)
