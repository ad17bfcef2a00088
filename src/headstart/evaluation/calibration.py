"""Whether probabilities can be trusted: Predictions in, reliability bins and the expected calibration error out.

Source: M. P. Naeini, G. Cooper and M. Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.evaluation.intervals import Measured, proportion
from headstart.evaluation.predictions import Predictions

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Items whose top probability lies in one range.

    Attributes:
        low: Lower end of the range, not included (except 0).
        high: Upper end, included.
        confidence: Mean top probability of the items.
        accuracy: Share of them that is right, with its interval; ``n`` items.
    """

    low: float
    high: float
    confidence: float
    accuracy: Measured


def reliability(predictions: Predictions, n_bins: int = BINS, seed: int = 0) -> tuple[Bin, ...]:
    """Compare how sure the model is with how often it is right, in bins of equal width; empty bins are left out."""
    confidence = predictions.probabilities.max(axis=1).astype(np.float64)
    edges = np.linspace(0, 1, n_bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    right = predictions.right.astype(np.float64)
    found = []
    for index in np.unique(place):
        inside = place == index
        accuracy = proportion(right[inside], np.ones(int(inside.sum())), predictions.units[inside], seed)
        found.append(Bin(float(edges[index]), float(edges[index + 1]), float(confidence[inside].mean()), accuracy))
    return tuple(found)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error, 0..1: how far sureness and accuracy lie apart, weighted by the items of each bin.

    It is biased upwards when there are few items: with 100 items even a perfect model shows some hundredths.
    """
    n = sum(one.accuracy.n for one in bins)
    return sum(one.accuracy.n * abs(one.accuracy.value - one.confidence) for one in bins) / n
