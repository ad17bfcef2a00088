"""Everything measured of one model on one set of items: Predictions in, Table out (plain values for JSON)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation.calibration import Bin, calibration_error, reliability
from headstart.evaluation.intervals import Measured, measure, proportion
from headstart.evaluation.metrics import METRICS
from headstart.evaluation.predictions import Predictions


@dataclass(frozen=True)
class ClassRow:
    """How one class fares.

    Attributes:
        name: The class.
        n: Items of this class.
        precision: Of the items called this class, the share that is (``n`` 0: nothing was called this class).
        recall: Of the items of this class, the share that was found.
        f1: Their harmonic mean.
    """

    name: str
    n: int
    precision: Measured
    recall: Measured
    f1: Measured


@dataclass(frozen=True)
class Table:
    """What ``evaluate`` prints and the report shows.

    Attributes:
        n: Items.
        metrics: Every metric by name, with its interval.
        classes: One row per class.
        confusion: k rows (truth) of k counts (prediction).
        reliability: Sureness against accuracy, in bins.
        calibration_error: Their mean distance.
    """

    n: int
    metrics: dict[str, Measured]
    classes: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[Bin, ...]
    calibration_error: float


def table(predictions: Predictions, seed: int = 0) -> Table:
    """Measure everything: all metrics with intervals, each class, the confusion matrix, calibration.

    Cost: about a second for 10,000 items and 10 classes.
    """
    bins = reliability(predictions, seed=seed)
    return Table(
        n=len(predictions),
        metrics={metric: measure(predictions, metric, seed) for metric in METRICS},
        classes=tuple(_class_row(predictions, index, seed) for index in range(len(predictions.classes))),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion(predictions)),
        reliability=bins,
        calibration_error=calibration_error(bins),
    )


def confusion(predictions: Predictions) -> NDArray[np.int64]:
    """(k, k) counts: row = truth, column = prediction."""
    k = len(predictions.classes)
    return np.bincount(predictions.truth * k + predictions.predicted, minlength=k * k).reshape(k, k)


def _class_row(predictions: Predictions, index: int, seed: int) -> ClassRow:
    truth, called = predictions.truth == index, predictions.predicted == index
    hit = (truth & called).astype(np.float64)
    # F1 is hits / (hits + errors / 2): a share too, with errors that weigh a half
    half = (truth.astype(np.float64) + called) / 2
    precision, recall, f1 = (proportion(hit, np.asarray(weights, np.float64), predictions.units, seed) for weights in (called, truth, half))
    return ClassRow(predictions.classes[index], int(truth.sum()), precision, recall, f1)
