"""Predictions whose truth is drawn from known probabilities, so that what should be found is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation import Predictions


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def drawn(n: int, seed: int = 0, too_sure: float = 1.0, n_classes: int = 4, units: NDArray[np.int64] | None = None, spread: float = 2.0) -> Predictions:
    """A model that would be calibrated, had its logits not been multiplied by ``too_sure``; with units, items of one are the same item again."""
    random = np.random.default_rng(seed)
    places = np.arange(n) if units is None else np.unique(units, return_inverse=True)[1]
    logits = spread * random.normal(size=(places.max() + 1, n_classes))
    chances = softmax(logits).cumsum(axis=1)
    truth = np.minimum((random.random(len(logits))[:, None] > chances).sum(axis=1), n_classes - 1)
    names = tuple(f"{item}.png" for item in range(n))
    said = softmax(too_sure * logits)[places]
    return Predictions(names, truth[places], said, tuple("abcdefghijkl"[:n_classes]), np.arange(n) if units is None else units)


def of(probabilities: object, truth: object, units: object = None) -> Predictions:
    """Predictions from rows of probabilities and truths."""
    rows = np.asarray(probabilities, np.float32)
    names = tuple(str(item) for item in range(len(rows)))
    return Predictions(names, truth, rows, tuple("abcdefghijkl"[: rows.shape[1]]), np.arange(len(rows)) if units is None else units)  # type: ignore[arg-type]
