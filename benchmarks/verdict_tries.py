"""Other intervals for the repetitions of the verdict's benchmark: what would a wider one have said? Records in, a table of rules out.

Out-of-fold predictions share the items that taught them, so an interval that takes them for independent may be too narrow: Y. Bengio and Y. Grandvalet, No
unbiased estimator of the variance of k-fold cross-validation, JMLR 5, 2004; P. Bayle, A. Bayle, L. Janson and L. Mackey, Cross-validation confidence
intervals for test error, NeurIPS 33, 2020 (right in the limit for stable learners); A. Bayle, L. Janson and L. Mackey, The relative instability of model
comparison with cross-validation, PMLR 306, 2026 (not always for differences). The rules:

* ``bootstrap alone``: the paired bootstrap over items, what the product had and has for one look at held-out items;
* ``product``: that, wider by sqrt(K / (K - 1)) for K rounds (``evaluation.intervals.across_rounds``);
* ``wider by 1.5``: the correction of C. Nadeau and Y. Bengio (Inference for the generalization error, Machine Learning 52, 2003), which multiplies the
  variance over rounds by 1 + K n_test / n_train: 2.25 for five rounds; made for repeated random splits;
* ``t over rounds``: the k-fold cross-validated t-test (T. Dietterich, Approximate statistical tests, Neural Computation 10, 1998), K - 1 degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.ledger import Values
from headstart.evaluation.intervals import Gain, across_rounds

Floats = NDArray[np.float64]
Rounds = Sequence[tuple[int, int, int]]
Low = Callable[[float, float, Rounds], float]
CONFIDENCE = 0.95


def alone(points: float, low: float, rounds: Rounds) -> float:
    """The bootstrap's own lower end."""
    del points, rounds
    return low


def product(points: float, low: float, rounds: Rounds) -> float:
    """The lower end that the product states."""
    return across_rounds(Gain(points, low, points), len(rounds)).low


def corrected(points: float, low: float, rounds: Rounds) -> float:
    """The variance times 1 + K n_test / n_train.

    Example:
        >>> corrected(5.0, 1.0, [(3, 1, 20)] * 5)
        -1.0
    """
    n_test = sum(n for _, _, n in rounds) / len(rounds)
    n_train = n_test * (len(rounds) - 1)
    return points - (points - low) * (math.sqrt(1 + len(rounds) * n_test / n_train) if n_train else 1.0)


def over_rounds(points: float, low: float, rounds: Rounds) -> float:
    """Student's t over the gains of the rounds.

    Example:
        >>> round(over_rounds(10.0, 0.0, [(1, 0, 10), (2, 0, 10), (0, 0, 10)]), 2)
        -14.84
    """
    from scipy.stats import t

    if len(rounds) == 1:
        return low
    gains = np.array([100 * (wins - losses) / n for wins, losses, n in rounds])
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(gains) - 1)) * float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return points - half


ALONE = "bootstrap alone"
RULES: Mapping[str, Low] = {ALONE: alone, "product": product, "wider by 1.5": corrected, "t over rounds": over_rounds}


def gains(records: Sequence[Values]) -> list[Gain]:
    """What the product states in all repetitions of some records."""
    names = ("points", "low", "high", "rounds")
    told = [one for record in records for one in zip(*(record["values"][name] for name in names), strict=True)]
    return [across_rounds(Gain(points, low, high), len(rounds)) for points, low, high, rounds in told]


def lows(records: Sequence[Values], rule: Low) -> Floats:
    """Lower ends of a rule for all repetitions of some records."""
    found = [
        rule(points, low, rounds)
        for record in records
        for points, low, rounds in zip(*(record["values"][name] for name in ("points", "low", "rounds")), strict=True)
    ]
    return np.array(found, np.float64)


def truths(records: Sequence[Values]) -> Floats:
    """The true gains of all repetitions of some records."""
    return np.array([one for record in records for one in record["values"]["truth"]], np.float64)
