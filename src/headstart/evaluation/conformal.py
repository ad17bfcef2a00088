"""Sets of classes that hold the right one as often as promised: validation Predictions and a coverage in, a threshold out; probabilities in, sets out.

Sets are the smallest on average that keep the promise: all classes whose probability reaches 1 - threshold (M. Sadinle, J. Lei and L. Wasserman,
Least Ambiguous Set-Valued Classifiers with Bounded Error Levels, JASA 114, 2019). Validation items and new ones need only be exchangeable
(V. Vovk, A. Gammerman and G. Shafer, 2005; the split version: H. Papadopoulos and others, 2002). Where units bind items together, units are what is exchanged:
each unit has the same weight, shared by its items (Y. Lee, R. Barber and R. Willett, Distribution-free inference with hierarchical data, 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.evaluation.intervals import Measured, proportion
from headstart.evaluation.metrics import Floats
from headstart.evaluation.predictions import Predictions, joined

COVERAGES = (0.8, 0.9, 0.95)
OFFERED = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)  # for whoever asks; those above are measured
EVERYTHING = 1.0  # the threshold that lets every class in
ROUNDING = 1e-9  # of sums of weights: (n + 1) · coverage that is a whole number must count as one


@dataclass(frozen=True)
class Conformal:
    """Sets that hold the right class with a promised chance, and how that went.

    Attributes:
        coverage: The promise, 0..1.
        threshold: A class is in the set when 1 - its probability is at most this; 1 = every class is.
        measured: Share of the judged items whose set, by their own round's threshold, held the right class.
        mean_size: Classes in a set, on average.
    """

    coverage: float
    threshold: float
    measured: Measured
    mean_size: float


def conformal(
    validation: Predictions, rounds: Sequence[tuple[Predictions, Predictions]], coverages: Sequence[float] = COVERAGES, seed: int = 0
) -> tuple[Conformal, ...]:
    """Fit the threshold of each coverage on validation, and measure what sets by thresholds so fitted hold of other items.

    Args:
        validation: Of items that the delivered model was not fitted to.
        rounds: Of each round what fits its threshold, and what it is judged on.
        coverages: Chances with which sets shall hold the right class.
        seed: Of the intervals.
    """
    judged, counts = joined([other for _, other in rounds]), [len(other) for _, other in rounds]
    rows = []
    for one in coverages:
        own = np.repeat([conformal_threshold(fitted, one) for fitted, _ in rounds], counts)
        rows.append(Conformal(one, conformal_threshold(validation, one), *measured_coverage(judged, own, seed)))
    return tuple(rows)


def conformal_threshold(predictions: Predictions, coverage: float) -> float:
    """The smallest threshold whose sets keep the promise on a new item.

    With one item a unit it is the ceil((n + 1) · coverage)-th smallest of 1 - probability of the right class.

    Args:
        predictions: Of validation items, which the model was not fitted to.
        coverage: Chance with which a set shall hold the right class, 0..1.

    Returns:
        The threshold; 1 (every class) when there are too few units to promise anything.
    """
    if not 0 < coverage < 1:
        raise InputError("a coverage is a share between 0 and 1", got=coverage)
    scores = _scores(predictions.probabilities)[np.arange(len(predictions)), predictions.truth]
    _, places, sizes = np.unique(predictions.units, return_inverse=True, return_counts=True)
    weights = 1 / ((len(sizes) + 1) * sizes[places])
    order = np.argsort(scores, kind="stable")
    enough = np.flatnonzero(np.cumsum(weights[order]) >= coverage - ROUNDING)
    return float(scores[order[enough[0]]]) if len(enough) else EVERYTHING


def sets(probabilities: NDArray[np.float32], threshold: float | Floats) -> NDArray[np.bool_]:
    """Which classes are in the set of each item; the most probable one always is.

    Args:
        probabilities: (n, k).
        threshold: As ``conformal_threshold`` found it; ``(n,)`` where each item has its own.
    """
    inside: NDArray[np.bool_] = _scores(probabilities) <= np.reshape(threshold, (-1, 1))
    inside[np.arange(len(inside)), probabilities.argmax(axis=1)] = True
    return inside


def measured_coverage(predictions: Predictions, threshold: float | Floats, seed: int = 0) -> tuple[Measured, float]:
    """How often the set holds the right class, with its interval, and how many classes are in a set on average."""
    inside = sets(predictions.probabilities, threshold)
    held = inside[np.arange(len(predictions)), predictions.truth].astype(np.float64)
    return proportion(held, np.ones(len(predictions)), predictions.units, seed), float(inside.sum(axis=1).mean())


def _scores(probabilities: NDArray[np.float32]) -> Floats:
    """(n, k) how little each class fits; in float64, where float32 probabilities keep their order."""
    return 1 - probabilities.astype(np.float64)
