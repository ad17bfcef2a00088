"""Features and labels in, a share out: how often the nearest other item has the same label. It trains nothing and assumes nothing.

Source: Cover and Hart, 1967 (its error is at most twice the least possible one); used to choose networks by Renggli et al., 2022
(*Which model to transfer? Finding the needle in the growing haystack*).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.ranking.sample import sample
from headstart.task.linear import SMALLEST_SPREAD

CHUNK_ITEMS = 512  # rows of similarities held at once: 4 MB beside 2,000 items


def nearest(features: NDArray[np.generic], labels: NDArray[np.int64], units: NDArray[np.int64] | None = None) -> float:
    """The share of items whose nearest item of another unit, by cosine of standardised features, has their label.

    Args:
        features: ``(n, d)``, of any float type.
        labels: ``(n,)``.
        units: ``(n,)`` what each item belongs to (a patient, a family of look-alikes): none of it answers for the item. Each item alone when not given.

    Returns:
        0..1; an item without any item of another unit counts as wrong.

    Cost: n² d multiplications for at most 2,000 items: 0.1 s for 800 items of 1,280 features on one core.

    Example:
        >>> nearest(np.array([[0.0], [0.1], [9.0], [9.1]]), np.array([0, 0, 1, 1]))
        1.0
        >>> nearest(np.array([[0.0], [0.1], [9.0], [9.1]]), np.array([0, 0, 1, 1]), np.array([5, 5, 6, 6]))  # both twins are the same patient
        0.0
    """
    kept = sample(len(labels))
    known, unit = torch.from_numpy(labels[kept]), torch.from_numpy(kept if units is None else units[kept])
    rows = _directions(torch.from_numpy(np.asarray(features[kept], np.float32)))
    right = 0
    for begin in range(0, len(rows), CHUNK_ITEMS):
        part = slice(begin, begin + CHUNK_ITEMS)
        likeness = rows[part] @ rows.T
        likeness[unit[part, None] == unit[None, :]] = -torch.inf
        best, neighbour = likeness.max(dim=1)
        right += int(((known[neighbour] == known[part]) & torch.isfinite(best)).sum())
    return right / len(rows)


def _directions(rows: torch.Tensor) -> torch.Tensor:
    """Every feature brought to mean 0 and spread 1, then every item to length 1."""
    rows = rows - rows.mean(0)
    spread = rows.square().mean(0).sqrt()
    rows = rows / torch.where(spread < SMALLEST_SPREAD, torch.ones(()), spread)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
