"""Metrics as sums over items: what each item adds, and how sums become a score. So a resample is a weighted sum, not a loop.

Definitions follow scikit-learn (``zero_division=0``; macro averages run over classes that occur in truth or prediction,
balanced accuracy over classes that occur in truth) and are tested against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.evaluation.predictions import Predictions

Metric = Literal["accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss"]
EPSILON = float(np.finfo(np.float32).eps)
METRICS: tuple[str, ...] = get_args(Metric)
Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]  # (r, d) sums of r resamples -> (r,) scores


def check_metric(metric: str) -> None:
    """Refuse a metric that does not exist."""
    if metric not in METRICS:
        raise InputError("this metric is not known", got=metric, allowed=METRICS)


def is_lower_better(metric: str) -> bool:
    """Whether a smaller score is the better one."""
    return metric == "log_loss"


def largest(metric: str) -> float:
    """The largest score there is; for log-loss the largest loss that clipping leaves."""
    return -math.log(EPSILON) if is_lower_better(metric) else 1.0


def losses(predictions: Predictions) -> Floats:
    """(n,) negative log-probability, in nats, of the right class; clipped at the float32 epsilon as scikit-learn does."""
    given = predictions.probabilities[np.arange(len(predictions)), predictions.truth].astype(np.float64)
    clipped: Floats = -np.log(np.clip(given, EPSILON, 1 - EPSILON))
    return clipped


def contributions(predictions: Predictions, metric: str) -> Floats:
    """(n, d) what each item adds: (right, 1) or (loss, 1), else k hits, k predictions and k truths (d = 3 k)."""
    check_metric(metric)
    if metric in ("accuracy", "log_loss"):
        first = predictions.right.astype(np.float64) if metric == "accuracy" else losses(predictions)
        return np.stack([first, np.ones(len(predictions))], axis=1)
    one_hot = np.eye(len(predictions.classes))
    truth, predicted = one_hot[predictions.truth], one_hot[predictions.predicted]
    return np.concatenate([truth * predicted, predicted, truth], axis=1)


def statistic(metric: str) -> Statistic:
    """The function that turns sums of contributions into scores."""
    check_metric(metric)
    return {"balanced_accuracy": _balanced_accuracy, "precision": _precision, "recall": _recall, "f1": _f1}.get(metric, ratio)


def score(predictions: Predictions, metric: str = "accuracy") -> float:
    """One number for how good the predictions are.

    Args:
        predictions: What the model said, beside the truth.
        metric: ``accuracy``, ``balanced_accuracy``, macro ``precision``, ``recall``, ``f1``, or ``log_loss`` (nats; lower is better).
    """
    return float(statistic(metric)(contributions(predictions, metric).sum(axis=0, keepdims=True))[0])


def ratio(sums: Floats) -> Floats:
    """First sum over second sum; not a number where the second is 0."""
    return _divide(sums[:, 0], sums[:, 1], np.nan)


def _divide(top: Floats, bottom: Floats, empty: float) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, empty), where=bottom > 0)


def _thirds(sums: Floats) -> tuple[Floats, Floats, Floats]:
    k = sums.shape[1] // 3
    return sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k :]


def _macro(per_class: Floats, present: NDArray[np.bool_]) -> Floats:
    return _divide((per_class * present).sum(axis=1), present.sum(axis=1).astype(np.float64), np.nan)


def _precision(sums: Floats) -> Floats:
    hits, predicted, truth = _thirds(sums)
    return _macro(_divide(hits, predicted, 0.0), predicted + truth > 0)


def _recall(sums: Floats) -> Floats:
    hits, predicted, truth = _thirds(sums)
    return _macro(_divide(hits, truth, 0.0), predicted + truth > 0)


def _f1(sums: Floats) -> Floats:
    hits, predicted, truth = _thirds(sums)
    return _macro(_divide(2 * hits, predicted + truth, 0.0), predicted + truth > 0)


def _balanced_accuracy(sums: Floats) -> Floats:
    hits, _, truth = _thirds(sums)
    return _macro(_divide(hits, truth, 0.0), truth > 0)
