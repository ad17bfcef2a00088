"""Prepared items for whole-network training: kept in memory while they fit, prepared anew while they do not, varied while they train."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.activations.batch import side_by_side
from headstart.activations.collect import Items
from headstart.base.processor import threads
from headstart.base.seeds import seed_for

MEMORY_BYTES = 768 << 20
Augment = Callable[[NDArray[np.generic], np.random.Generator], NDArray[np.generic]]
Halve = Callable[[NDArray[np.generic]], NDArray[np.generic] | None]


def never(batch: NDArray[np.generic]) -> None:
    """No half size."""


class Pixels:
    """Reads batches of prepared items; while training they are varied at random, by the seed."""

    def __init__(self, items: Items, augment: Augment, *, seed: int, halve: Halve = never, memory_bytes: int = MEMORY_BYTES) -> None:
        """Take the items; nothing is read yet."""
        self.halved = False
        self._items, self._augment, self._halve = items, augment, halve
        self._memory_bytes = memory_bytes
        self._kept: dict[int, NDArray[np.generic]] = {}
        self._seed = seed
        self._pool = ThreadPoolExecutor(threads(), thread_name_prefix="decode")

    def read(self, index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:
        """A batch of prepared items, at half their size while ``halved``; varied when an epoch is given, plain when it is None."""
        batch = side_by_side(list(self._pool.map(lambda one: self._varied(one, epoch), index.tolist())))
        smaller = self._halve(batch) if self.halved else None
        return (torch.from_numpy(batch if smaller is None else smaller),)

    def lengths(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Length of each item's first axis."""
        return np.array(list(self._pool.map(lambda one: len(self._one(one)), index.tolist())), np.int64)

    def can_halve(self, index: NDArray[np.int64]) -> bool:
        """Do these items know a half size?"""
        return self._halve(side_by_side([self._one(one) for one in index.tolist()])) is not None

    def _varied(self, index: int, epoch: int | None) -> NDArray[np.generic]:
        """What is drawn follows from seed, epoch and item, not from what was read before: timing a step, or recalling its time, moves nothing."""
        if epoch is None:
            return self._one(index)
        return self._augment(self._one(index), np.random.default_rng((seed_for(self._seed, f"variation in epoch {epoch}"), index)))

    def _one(self, index: int) -> NDArray[np.generic]:
        kept = self._kept.get(index)
        if kept is None:
            kept = self._items.prepare(index)
            if (len(self._kept) + 1) * kept.nbytes <= self._memory_bytes:
                self._kept[index] = kept
        return kept
