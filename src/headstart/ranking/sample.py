"""Many items in, the positions of a fixed sample of them out: what the quick scores look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.base.seeds import seed_for

MOST_ITEMS = 2000  # as many as the probe looks at: a share of them is known to about ±2 points, and the matrices stay small


def sample(n: int, most: int = MOST_ITEMS) -> NDArray[np.int64]:
    """Positions of at most ``most`` of n items, ascending; the same ones for every model, so that models are compared on the same items."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed_for(0, "ranking sample")).choice(n, most, replace=False))
