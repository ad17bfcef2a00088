"""The H-score against its closed form, and its shrinkage against scikit-learn's Ledoit-Wolf."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from headstart.ranking.h_score import h_score, shrinkage


def clouds(n: int, width: int, apart: float, classes: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(2)
    labels = np.arange(n) % classes
    return (random.normal(size=(n, width)) + apart * random.normal(size=(classes, width))[labels]).astype(np.float32), labels


def written_out(features: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Ibrahim et al., 2021, equation 6, with every matrix in full."""
    rows = features.astype(np.float64) - features.astype(np.float64).mean(0)
    n, d = rows.shape
    shrunk = ledoit_wolf_shrinkage(rows, assume_centered=True)
    covariance = rows.T @ rows / n
    between = sum((labels == one).mean() * np.outer(rows[labels == one].mean(0), rows[labels == one].mean(0)) for one in np.unique(labels))
    whole = (1 - shrunk) * covariance + shrunk * np.trace(covariance) / d * np.eye(d)
    return float(np.trace(np.linalg.solve(whole, (1 - shrunk) * between)))


@pytest.mark.parametrize("n, width", [(90, 12), (40, 120)])  # more items than features, and fewer
def test_it_equals_the_formula_written_out_in_full(n: int, width: int) -> None:
    features, labels = clouds(n, width, 0.8)
    assert h_score(features, labels) == pytest.approx(written_out(features, labels), rel=1e-6)


@pytest.mark.parametrize("n, width", [(90, 12), (40, 120)])
def test_its_shrinkage_is_ledoits_and_wolfs(n: int, width: int) -> None:
    rows = clouds(n, width, 0.8)[0].astype(np.float64)
    rows -= rows.mean(0)
    assert shrinkage(torch.from_numpy(rows))[0] == pytest.approx(ledoit_wolf_shrinkage(rows, assume_centered=True), rel=1e-6)


def test_classes_that_fill_the_whole_spread_score_one_less_than_their_number() -> None:
    labels = np.arange(4000) % 3
    corners = np.array([[4.0, 0.0], [-2.0, 1.0], [-2.0, -1.0]])
    assert h_score(corners[labels], labels) == pytest.approx(2.0, abs=0.02)


def test_features_without_any_class_in_them_score_near_nothing() -> None:
    assert h_score(*clouds(600, 10, 0.0)) < 0.15 < 1.0 < h_score(*clouds(600, 10, 2.0))


def test_half_precision_gives_nearly_the_same_and_constant_features_nothing() -> None:
    features, labels = clouds(60, 100, 0.5)
    half = features.astype(np.float16)
    assert h_score(half, labels) == h_score(half, labels) == pytest.approx(h_score(features, labels), rel=1e-2)
    assert h_score(np.ones((20, 5), dtype=np.float16), np.arange(20) % 2) == 0.0
    assert np.isfinite(h_score(np.array([[0.0, 1.0, 2.0], [4.0, 4.0, 1.0]]), np.array([0, 1])))
