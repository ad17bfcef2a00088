"""Scores and gains with 95 % intervals: Predictions in, Measured and Gain out. How the interval is made: ``bootstrap.py``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.evaluation.bootstrap import Imagined, design_effect, interval, sum_by_unit
from headstart.evaluation.metrics import Floats, contributions, is_lower_better, largest, losses, ratio, score, statistic
from headstart.evaluation.predictions import Predictions

PERCENT = 100
RIGHT_AND_WRONG = 2.0  # imagined units of each kind beside one model's: Agresti and Coull 1998
WINS_AND_LOSSES = 1.0  # imagined units of each kind beside a pair's: Bonett and Price 2012


@dataclass(frozen=True)
class Measured:
    """A score with its 95 % interval.

    Attributes:
        value: The score: a fraction 0..1 (log-loss: nats).
        low: Lower end of the interval.
        high: Upper end.
        n: Items it rests on; 0 when nothing could be measured (then the interval is everything).
    """

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        """Refuse what is no interval around the value."""
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the interval {self.low} to {self.high} does not hold {self.value}")


@dataclass(frozen=True)
class Gain:
    """How much better one model is than another on the same items, with its 95 % interval.

    Attributes:
        points: Difference in percentage points, positive when the first is better (log-loss: hundredths of a nat).
        low: Lower end of the interval.
        high: Upper end.
    """

    points: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is no interval around the points."""
        if not self.low <= self.points <= self.high:
            raise ValueError(f"the interval {self.low} to {self.high} does not hold {self.points}")


def measure(predictions: Predictions, metric: str = "accuracy", seed: int = 0) -> Measured:
    """Score predictions, with a 95 % interval from a bootstrap over units.

    Args:
        predictions: What the model said, beside the truth.
        metric: See ``metrics.score``.
        seed: The draw's seed; the same seed gives the same interval.

    Example:
        >>> import numpy as np
        >>> twelve = Predictions(tuple("abcdefghijkl"), np.zeros(12), np.tile([0.9, 0.1], (12, 1)), ("no", "yes"), np.arange(12))
        >>> all_right = measure(twelve)
        >>> all_right.value, 0.6 < all_right.low < 0.85, all_right.high
        (1.0, True, 1.0)
    """
    rows = contributions(predictions, metric)
    weight = design_effect(_per_item(predictions, metric), np.ones(len(predictions)), predictions.units)
    best, worst, share = _extremes(predictions, metric)
    imagined = Imagined(np.concatenate([best, worst]) * weight, np.tile(share * RIGHT_AND_WRONG, 2))
    low, high = interval(sum_by_unit(rows, predictions.units), statistic(metric), imagined, seed)
    return _around(score(predictions, metric), low, high, len(predictions), largest(metric))


def gain(a: Predictions, b: Predictions, metric: str = "accuracy", seed: int = 0) -> Gain:
    """How much better ``a`` is than ``b``, item by item, with a 95 % interval from a paired bootstrap over units.

    Args:
        a: One model's predictions.
        b: Another's, of the same items in the same order.
        metric: See ``metrics.score``.
        seed: The draw's seed; the same seed gives the same interval.

    Raises:
        InputError: when the two are not about the same items.
    """
    _check_paired(a, b)
    points = _points(a, b, metric)
    if points < 0:  # the same draws whichever model is named first, so that gain(a, b) is exactly -gain(b, a)
        mirrored = gain(b, a, metric, seed)
        return Gain(points, -mirrored.high, -mirrored.low)
    score_of, sign = statistic(metric), -PERCENT if is_lower_better(metric) else PERCENT
    from_a, from_b = contributions(a, metric), contributions(b, metric)
    rows, half = np.concatenate([from_a, from_b], axis=1), from_a.shape[1]
    best, worst, share = _extremes(a, metric)
    kinds = np.concatenate([np.concatenate([best, worst], axis=1), np.concatenate([worst, best], axis=1)])
    weight = design_effect(_per_item(a, metric) - _per_item(b, metric), np.ones(len(a)), a.units)
    imagined = Imagined(kinds * weight, np.tile(share * WINS_AND_LOSSES, 2))
    low, high = interval(sum_by_unit(rows, a.units), lambda sums: sign * (score_of(sums[:, :half]) - score_of(sums[:, half:])), imagined, seed)
    limit = PERCENT * largest(metric)
    return Gain(points, max(-limit, min(low, points)), min(limit, max(high, points)))


def across_rounds(found: Gain, n_rounds: int, metric: str = "accuracy") -> Gain:
    """The gain with its interval widened by sqrt(k / (k - 1)), for items that were judged in the k rounds of a cross-validation.

    What one round is tested on teaches the others, so errors of different rounds go together and resampling items cannot see it. No estimate from one
    cross-validation can (Bengio and Grandvalet, No unbiased estimator of the variance of k-fold cross-validation, JMLR 5, 2004), and differences of two
    models suffer more than scores (Bayle, Janson and Mackey, The relative instability of model comparison with cross-validation, PMLR 306, 2026).
    The factor is therefore measured, not derived: ``benchmarks/verdict_power.py`` found 1.12 (1.09 to 1.15) for linear heads and five rounds. The
    correction of Nadeau and Bengio (Machine Learning 52, 2003), 1.5 for five rounds, is too cautious here: it halves the power.

    Args:
        found: A gain over items that were judged once each.
        n_rounds: Rounds of the cross-validation; 1 = one look at held-out items, whose interval stays as it is.
        metric: See ``metrics.score``.

    Example:
        >>> across_rounds(Gain(4.0, 0.0, 8.0), 1), across_rounds(Gain(4.0, 0.0, 8.0), 5).low < -0.47
        (Gain(points=4.0, low=0.0, high=8.0), True)
    """
    if n_rounds == 1:
        return found
    factor, limit = math.sqrt(n_rounds / (n_rounds - 1)), PERCENT * largest(metric)
    low, high = (found.points + factor * (end - found.points) for end in (found.low, found.high))
    return Gain(found.points, max(-limit, low), min(limit, high))


def proportion(hits: Floats, weights: Floats, units: NDArray[np.int64], seed: int = 0) -> Measured:
    """A weighted share of items, with its 95 % interval: recall of a class, precision, accuracy within a bin.

    Args:
        hits: (n,) what each item adds above the line, 0..weight.
        weights: (n,) what it adds below the line; items of weight 0 are left out.
        units: (n,) unit of each item.
        seed: The draw's seed.

    Returns:
        The share; value 0, interval 0 to 1 and n 0 when no item has a weight.
    """
    counted = weights > 0
    if not counted.any():
        return Measured(0.0, 0.0, 1.0, 0)
    hits, weights, units = hits[counted], weights[counted], units[counted]
    weight = design_effect(hits, weights, units)
    imagined = Imagined(np.array([[1.0, 1.0], [0.0, 1.0]]) * weight, np.full(2, RIGHT_AND_WRONG))
    low, high = interval(sum_by_unit(np.stack([hits, weights], axis=1), units), ratio, imagined, seed)
    return _around(float(hits.sum() / weights.sum()), low, high, len(hits), 1.0)


def _points(a: Predictions, b: Predictions, metric: str) -> float:
    difference = PERCENT * (score(a, metric) - score(b, metric))
    return -difference if is_lower_better(metric) else difference


def _around(value: float, low: float, high: float, n: int, limit: float) -> Measured:
    return Measured(value, max(0.0, min(low, value)), min(limit, max(high, value)), n)


def _per_item(predictions: Predictions, metric: str) -> Floats:
    return losses(predictions) if metric == "log_loss" else predictions.right.astype(np.float64)


def _extremes(predictions: Predictions, metric: str) -> tuple[Floats, Floats, Floats]:
    """What an imagined item adds that is perfectly right, what one adds that is perfectly wrong, and how the imagined ones are shared among the classes.

    Where classes count alike, so do their imagined items: in proportion to the items, a class of three that happened to be right had no doubt about it, and
    intervals of balanced accuracy missed the truth in up to 37 % instead of 5 (``benchmarks/interval_coverage.py``).
    """
    if metric in ("accuracy", "log_loss"):
        best, worst = (1.0, 0.0) if metric == "accuracy" else (0.0, math.log(len(predictions.classes)))  # knowing nothing costs log k
        return np.array([[best, 1.0]]), np.array([[worst, 1.0]]), np.ones(1)
    k = len(predictions.classes)
    one, none = np.eye(k), np.zeros((k, k))
    there = np.bincount(predictions.truth, minlength=k) > 0
    share = there / there.sum()
    return np.concatenate([one, one, one], axis=1), np.concatenate([none, none, one], axis=1), share


def _check_paired(a: Predictions, b: Predictions) -> None:
    faults = [name for name in ("items", "classes") if getattr(a, name) != getattr(b, name)]
    faults += [name for name in ("truth", "units") if not np.array_equal(getattr(a, name), getattr(b, name))]
    if faults:
        raise InputError("two models can only be compared on the same items", details=[f"{name} differ" for name in faults])
