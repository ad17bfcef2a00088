"""Stored maps of a cut in, one vector an item out: what the scores look at where a cut has places or tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.activations.shard import Rows

WITH_MASK = 2  # tensors that cross in a network of tokens: mask and vectors
PLACES = 4  # axes of a map: items, channels, height, width; with one axis fewer it is items, tokens, channels


def pooled(rows: Rows) -> NDArray[np.float32]:
    """Average each crossing tensor over its places (maps) or its tokens, and put the averages side by side.

    Where tokens come with the mask that says which of them are no padding, only those count, and the mask is left out.

    Example:
        >>> pooled((np.array([[[[1.0, 3.0]], [[5.0, 5.0]]]]), np.array([[7.0]]))).tolist()
        [[2.0, 5.0, 7.0]]
    """
    if len(rows) == WITH_MASK and rows[1].ndim == PLACES - 1 and rows[0].shape == rows[1].shape[:2]:
        mask, tokens = (np.asarray(array, np.float32) for array in rows)
        averaged: NDArray[np.float32] = (tokens * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
        return averaged
    return np.concatenate([_averaged(array) for array in rows], axis=1)


def _averaged(array: NDArray[np.generic]) -> NDArray[np.float32]:
    values = np.asarray(array, np.float32)
    axes = tuple(range(2, values.ndim)) if values.ndim >= PLACES else (1,) if values.ndim == PLACES - 1 else ()
    averaged: NDArray[np.float32] = values.mean(axis=axes)
    return averaged
