"""Prepared pictures for whole-network training: kept in memory while they fit, decoded anew while they do not."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.activations.collect import Items
from headstart.base.seeds import seed_for

MEMORY_BYTES = 768 << 20
SHIFT_FRACTION = 0.125  # of the side: the augmentation that no class minds, unlike mirroring, which digits and letters do


class Pixels:
    """Reads batches of prepared pictures; while training they are shifted at random, by the seed."""

    def __init__(self, items: Items, *, seed: int, memory_bytes: int = MEMORY_BYTES) -> None:
        """Take the items; nothing is read yet."""
        self.halved = False
        self._items = items
        self._memory_bytes = memory_bytes
        self._kept: dict[int, NDArray[np.generic]] = {}
        self._seed = seed
        self._pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")

    def read(self, index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:
        """A batch ``(n, 3, size, size)`` of bytes, of half that size while ``halved``; shifted when an epoch is given, plain when it is None."""
        batch = torch.from_numpy(np.stack(list(self._pool.map(self._one, index.tolist()))))
        if self.halved:
            batch = torch.nn.functional.avg_pool2d(batch.float(), 2).round().byte()
        return (batch if epoch is None else self._shifted(batch, index, epoch),)

    def _one(self, index: int) -> NDArray[np.generic]:
        kept = self._kept.get(index)
        if kept is None:
            kept = self._items.prepare(index)
            if (len(self._kept) + 1) * kept.nbytes <= self._memory_bytes:
                self._kept[index] = kept
        return kept

    def _shifted(self, batch: Tensor, index: NDArray[np.int64], epoch: int) -> Tensor:
        """Shifts follow from seed, size, epoch and item, not from what was read before: timing a step, or recalling its time, moves none of them."""
        size = batch.shape[-1]
        reach = max(1, round(size * SHIFT_FRACTION))
        of_epoch = seed_for(self._seed, f"shifts of epoch {epoch} at size {size}")
        shifts = (np.random.default_rng((of_epoch, item)).integers(-reach, reach + 1, size=2).tolist() for item in index.tolist())
        return torch.stack([_moved(picture, down, right) for picture, (down, right) in zip(batch, shifts, strict=True)])


def _moved(picture: Tensor, down: int, right: int) -> Tensor:
    """Shift a picture ``(3, h, w)``; the edge that comes in repeats the picture's own edge."""
    height, width = picture.shape[-2:]
    rows = (torch.arange(height) - down).clamp_(0, height - 1)
    columns = (torch.arange(width) - right).clamp_(0, width - 1)
    return picture[:, rows][:, :, columns]
