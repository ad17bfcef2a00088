"""Maps become one number a channel, tokens one vector, vectors stay as they are."""

from __future__ import annotations

import numpy as np

from headstart.ranking.pool import pooled


def test_maps_tokens_and_vectors_are_averaged_and_put_side_by_side() -> None:
    random = np.random.default_rng(0)
    maps, tokens, vectors = random.random((3, 4, 5, 6)), random.random((3, 7, 2)), random.random((3, 8))
    found = pooled((maps.astype(np.float16), tokens.astype(np.float16), vectors.astype(np.float32)))
    assert found.shape == (3, 4 + 2 + 8) and found.dtype == np.float32
    assert np.allclose(found, np.concatenate([maps.mean((2, 3)), tokens.mean(1), vectors], axis=1), atol=1e-3)
