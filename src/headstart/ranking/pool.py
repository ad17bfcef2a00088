"""Stored maps of a cut in, one vector an item out: what the scores look at where a cut has places or tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.activations.shard import Rows

PLACES = 4  # axes of a map: items, channels, height, width; with one axis fewer it is items, tokens, channels


def pooled(rows: Rows) -> NDArray[np.float32]:
    """Average each crossing tensor over its places (maps) or its tokens, and put the averages side by side.

    Example:
        >>> pooled((np.array([[[[1.0, 3.0]], [[5.0, 5.0]]]]), np.array([[7.0]]))).tolist()
        [[2.0, 5.0, 7.0]]
    """
    return np.concatenate([_averaged(array) for array in rows], axis=1)


def _averaged(array: NDArray[np.generic]) -> NDArray[np.float32]:
    values = np.asarray(array, np.float32)
    axes = tuple(range(2, values.ndim)) if values.ndim >= PLACES else (1,) if values.ndim == PLACES - 1 else ()
    averaged: NDArray[np.float32] = values.mean(axis=axes)
    return averaged
