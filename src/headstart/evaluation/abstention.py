"""When the model should rather say nothing: validation Predictions and a target in, the lowest threshold that keeps the promise out, with what it costs.

An item is answered when its top probability reaches the threshold. The promise, "answers are right at least so often", is kept with a stated
confidence, not only on the items that chose the threshold.

Source: Y. Geifman and R. El-Yaniv, Selective Classification for Deep Neural Networks, NIPS 2017, for the problem and the bound (C. Clopper and
E. Pearson, 1934); A. Angelopoulos, S. Bates, E. Candès, M. Jordan and L. Lei, Learn then Test, 2021, section 4, for the search: a fixed sequence of
tests from few answers to many that stops at the first failure needs no correction. The binary search of the former shares its chance of error out among
all its steps; with 120 items of a model that is right in 91 % it found no threshold for 95 % in 200 draws, this one found one in 99 %.
Within units an item counts as less than one (E. Korn and B. Graubard, Survey Methodology 24, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.evaluation.bootstrap import design_effect
from headstart.evaluation.intervals import Measured, proportion
from headstart.evaluation.metrics import Floats
from headstart.evaluation.predictions import Predictions, joined

TARGET = 0.95
CONFIDENCE = 0.9  # that answers reach the target on new items; at 0.9 45 answers without a mistake are enough for 95 %
START_RATIO = 4  # each sequence of tests begins with so many times the answers of the one before it; 2 and 3 found fewer thresholds
STEP_RATIO = 1.05  # answers of one test against the test before it
CURVE_POINTS = 20


@dataclass(frozen=True)
class Answered:
    """What a threshold does to some items.

    Attributes:
        coverage: Share of the items that are answered.
        accuracy: Share of the answers that are right; ``n`` 0 when nothing was answered.
    """

    coverage: Measured
    accuracy: Measured


@dataclass(frozen=True)
class CurvePoint:
    """One threshold, the share of items it answers, and how often the answers are right."""

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True)
class Abstention:
    """A threshold on the top probability, and what it does.

    Attributes:
        target: Accuracy 0..1 that answers shall have.
        confidence: How sure it is, 0..1, that they have it on new items like those of validation.
        threshold: Answer from this top probability on; None when no threshold keeps the promise.
        validation: On the items that chose the threshold.
        test: On other items, each answered from its own round's threshold on; None when there are none.
        curve: Coverage against accuracy, from the highest threshold down, on the other items where there are some.
    """

    target: float
    confidence: float
    threshold: float | None
    validation: Answered
    test: Answered | None
    curve: tuple[CurvePoint, ...]


def abstain(
    validation: Predictions,
    rounds: Sequence[tuple[Predictions, Predictions]] = (),
    target: float = TARGET,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Abstention:
    """Choose the threshold on validation; measure it there, and what thresholds so chosen do to other items.

    Args:
        validation: Of items that the delivered model was not fitted to.
        rounds: Of each round what chooses its threshold, and what it is judged on.
        target: Accuracy 0..1 of answers.
        confidence: With which the target is reached on new items, 0..1.
        seed: Of the intervals.
    """
    threshold = abstention_threshold(validation, target, confidence)
    on_validation = answered(validation, threshold, seed)
    if not rounds:
        return Abstention(target, confidence, threshold, on_validation, None, coverage_curve(validation))
    chosen = [abstention_threshold(own, target, confidence) for own, _ in rounds]
    judged = joined([other for _, other in rounds])
    least = np.repeat([math.inf if one is None else one for one in chosen], [len(other) for _, other in rounds])
    return Abstention(target, confidence, threshold, on_validation, answered(judged, least, seed), coverage_curve(judged))


def abstention_threshold(validation: Predictions, target: float = TARGET, confidence: float = CONFIDENCE) -> float | None:
    """Find the lowest threshold at which a lower bound of the accuracy of answers reaches the target.

    Args:
        validation: Of items that the model was not fitted to.
        target: Accuracy 0..1 of answers.
        confidence: With which the target is reached on new items, 0..1.

    Returns:
        The threshold; None when the search found none: too few items, or too many confident mistakes.
    """
    if not (0 < target < 1 and 0 < confidence < 1):
        raise InputError("target and confidence are shares between 0 and 1", got=f"target {target}, confidence {confidence}")
    top, n = _top(validation), len(validation)
    falling = np.sort(top)[::-1]
    found, most = None, 0
    starts, error = _starts(n, target, 1 - confidence)
    for start in starts:
        for n_answers in _steps(start, n):
            threshold = float(falling[n_answers - 1])
            kept = top >= threshold
            right, units = validation.right[kept], validation.units[kept]
            if accuracy_bound(np.ones(len(right), bool), units, error) < target:
                continue  # where many are the same item again, so few promise nothing, even without a mistake
            if accuracy_bound(right, units, error) < target:
                break
            if kept.sum() > most:
                found, most = threshold, int(kept.sum())
    return found


def _starts(n: int, target: float, error: float) -> tuple[list[int], float]:
    """With how many answers each sequence begins, the first where no mistake would just do; and the chance of error that each may use up."""
    n_starts = 1
    while _first(error / (n_starts + 1), target) * START_RATIO**n_starts <= n:
        n_starts += 1
    share = error / n_starts
    return [start for one in range(n_starts) if (start := _first(share, target) * START_RATIO**one) <= n], share


def _first(error: float, target: float) -> int:
    """How many answers without a mistake promise the target."""
    return math.ceil(math.log(error) / math.log(target))


def _steps(start: int, n: int) -> list[int]:
    """Numbers of answers from a start up to all n."""
    n_steps = math.ceil(math.log(n / start, STEP_RATIO))
    return [min(n, math.ceil(start * STEP_RATIO**step)) for step in range(n_steps + 1)]


def accuracy_bound(right: NDArray[np.bool_], units: NDArray[np.int64], error: float) -> float:
    """Lower bound of an accuracy that is too high with a chance of at most ``error`` (Clopper and Pearson, one-sided), 0..1."""
    from scipy.special import betaincinv

    if not right.any():
        return 0.0
    weight = design_effect(right.astype(np.float64), np.ones(len(right)), units)
    n, n_right = len(right) / weight, float(right.sum()) / weight
    return float(betaincinv(n_right, n - n_right + 1, error))


def answered(predictions: Predictions, threshold: float | Floats | None, seed: int = 0) -> Answered:
    """How many items a threshold, or one ``(n,)`` of each item, answers, and how many of the answers are right; None answers nothing."""
    n, units = len(predictions), predictions.units
    kept = np.zeros(n) if threshold is None else (_top(predictions) >= threshold).astype(np.float64)
    return Answered(proportion(kept, np.ones(n), units, seed), proportion(kept * predictions.right, kept, units, seed))


def coverage_curve(predictions: Predictions, n_points: int = CURVE_POINTS) -> tuple[CurvePoint, ...]:
    """Coverage and accuracy at thresholds that answer about 1/20, 2/20, … of the items; equal thresholds once."""
    top = _top(predictions)
    places = np.ceil(len(top) * np.arange(1, n_points + 1) / n_points).astype(int) - 1
    thresholds = np.unique(np.sort(top)[::-1][places])[::-1]
    kept = [top >= one for one in thresholds]
    return tuple(CurvePoint(float(one), float(mask.mean()), float(predictions.right[mask].mean())) for one, mask in zip(thresholds, kept, strict=True))


def _top(predictions: Predictions) -> Floats:
    top: Floats = predictions.probabilities.max(axis=1).astype(np.float64)
    return top
