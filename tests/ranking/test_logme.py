"""LogME is the log-evidence at its largest: equal to the density written down directly, and to its maximum found by search."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from headstart.ranking.logme import logme


def clouds(n: int, width: int, apart: float, classes: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(1)
    labels = np.arange(n) % classes
    return (random.normal(size=(n, width)) + apart * random.normal(size=(classes, width))[labels]).astype(np.float32), labels


def evidence(features: NDArray[np.float32], target: NDArray[np.float64], logarithms: NDArray[np.float64]) -> float:
    """Targets are normal with covariance ``I / beta + F F' / alpha``: the weights integrated out (Bishop, 2006, equation 3.77)."""
    alpha, beta = np.exp(logarithms)
    rows = features.astype(np.float64)
    covariance = np.eye(len(rows)) / beta + rows @ rows.T / alpha
    return float(multivariate_normal(np.zeros(len(rows)), covariance).logpdf(target)) / len(rows)


@pytest.mark.parametrize("n, width", [(60, 8), (40, 90)])  # more items than features, and fewer
def test_it_is_the_largest_evidence_that_a_search_over_both_precisions_finds(n: int, width: int) -> None:
    features, labels = clouds(n, width, 0.7)
    found = []
    for name in np.unique(labels):
        target = (labels == name).astype(np.float64)
        starts = [np.array([a, b]) for a in (0.0, 4.0) for b in (0.0, 3.0)]
        bounds = [(-25.0, 25.0)] * 2
        searches = [minimize(lambda at, target=target: -evidence(features, target, at), start, method="Nelder-Mead", bounds=bounds) for start in starts]
        found.append(max(-search.fun for search in searches))
    assert logme(features, labels) == pytest.approx(np.mean(found), abs=1e-4)


def test_features_that_tell_the_classes_apart_score_higher() -> None:
    scores = [logme(*clouds(200, 50, apart)) for apart in (0.0, 0.3, 1.0)]
    assert scores == sorted(scores) and scores[2] > scores[0] + 0.3


def test_the_unit_of_the_features_does_not_matter() -> None:
    features, labels = clouds(80, 20, 0.5)
    assert logme(features * 1000, labels) == pytest.approx(logme(features, labels), abs=1e-4)


def test_half_precision_gives_nearly_the_same_and_the_same_twice() -> None:
    features, labels = clouds(150, 200, 0.4)
    half = features.astype(np.float16)
    assert logme(half, labels) == logme(half, labels) == pytest.approx(logme(features, labels), abs=1e-3)


def test_features_that_name_the_class_outright_still_give_a_number() -> None:
    labels = np.arange(30) % 3
    assert np.isfinite(logme(np.eye(3, dtype=np.float32)[labels], labels))
    assert np.isfinite(logme(np.zeros((30, 4), dtype=np.float32) + 1, labels))
    silent = logme(np.zeros((30, 4), dtype=np.float32), labels)
    assert np.isfinite(silent) and silent < logme(clouds(30, 4, 1.0)[0], clouds(30, 4, 1.0)[1])
