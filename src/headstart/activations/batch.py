"""Prepared items side by side: arrays of one shape, or of different lengths, in; one batch out, padded where they differ.

Tokens are padded with -1, which no tokenizer gives; numbers with 0. Items are put together by buckets of length, so that what a network says of an
item depends on the item alone: its bucket follows from its own length, never from its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.backbone.engines.protocol import BATCH_ITEMS

NO_TOKEN = -1
BUCKETS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512)  # of a batch a tenth is padding on average
TOKENS_AT_ONCE = 256  # enough rows for a matrix product at full speed, and few enough that the last batch of a length is not mostly repeats (LOG.md)


def bucket(length: int) -> int:
    """The padded length of an item.

    Example:
        >>> bucket(5), bucket(65), bucket(1000)
        (8, 80, 1024)
    """
    return next((one for one in BUCKETS if length <= one), -(-length // BUCKETS[-1]) * BUCKETS[-1])


def items_at_once(longest: int) -> int:
    """How many items make a batch: follows from their bucket alone, for the same reason; 0 stands for items of one shape.

    Example:
        >>> items_at_once(8), items_at_once(80), items_at_once(512), items_at_once(0)
        (32, 3, 1, 32)
    """
    return max(1, min(BATCH_ITEMS, TOKENS_AT_ONCE // longest)) if longest else BATCH_ITEMS


def filled(batch: NDArray[np.generic], size: int) -> NDArray[np.generic]:
    """A batch of ``size`` items, the last one repeated.

    Example:
        >>> filled(np.array([[5], [6]]), 4).tolist()
        [[5], [6], [6], [6]]
    """
    short = size - len(batch)
    return batch if short == 0 else np.concatenate([batch, np.repeat(batch[-1:], short, axis=0)])


def side_by_side(arrays: Sequence[NDArray[np.generic]], longest: int | None = None) -> NDArray[np.generic]:
    """Stack items along a new first axis.

    Args:
        arrays: Of one shape, or differing in their first axis.
        longest: Length to pad to; the longest item's when not given. Items of one shape are padded too where it is given.

    Example:
        >>> side_by_side([np.array([5, 6]), np.array([7])]).tolist()
        [[5, 6], [7, -1]]
    """
    lengths = [len(array) for array in arrays]
    wanted = max(lengths) if longest is None else longest
    if all(length == wanted for length in lengths):
        return np.stack(arrays)
    first = arrays[0]
    blank = NO_TOKEN if np.issubdtype(first.dtype, np.integer) else 0
    out = np.full((len(arrays), wanted, *first.shape[1:]), blank, first.dtype)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return out


def end_to_end(values: NDArray[np.generic], lengths: NDArray[np.int64]) -> NDArray[np.generic]:
    """What is no padding of ``(n, longest, …)``, row behind row: ``(sum of lengths, …)``."""
    return values[np.arange(values.shape[1]) < lengths[:, None]]
