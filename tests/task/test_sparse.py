"""The head on counts is logistic regression on TF-IDF: as scikit-learn has it, the same in both roads, and whole in its arrays."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from headstart.task import sparse

N, COLUMNS, CLASSES = 120, 60, 3


@pytest.fixture(scope="module")
def data() -> tuple[object, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.arange(N) % CLASSES
    rates = 0.15 + 0.8 * (np.arange(COLUMNS)[None] % CLASSES == np.arange(CLASSES)[:, None]) * (np.arange(COLUMNS) < 30)
    counts = generator.poisson(rates[labels])
    counts[:, -1] = 0
    counts[0, -1] = 1  # a column that one item alone has
    pairs = [np.stack([np.flatnonzero(row), row[np.flatnonzero(row)]], axis=1).astype(np.float32) for row in counts]
    return sparse.stacked(pairs, COLUMNS), labels


def test_weighted_rows_are_those_of_scikit_learn(data: tuple[object, np.ndarray]) -> None:
    counts, _ = data
    weighting = sparse.weigh(counts)
    assert COLUMNS - 1 not in weighting.columns
    kept = counts[:, weighting.columns]  # type: ignore[index]
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(kept).toarray()
    assert np.allclose(weighting.rows(counts).toarray(), expected, atol=1e-5)


def test_the_head_is_the_optimum_that_scikit_learn_finds(data: tuple[object, np.ndarray]) -> None:
    counts, labels = data
    head = sparse.head_on(counts, labels, CLASSES, 3.0)
    rows = head.weighting.rows(counts)
    expected = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(rows, labels).predict_proba(rows)
    assert np.allclose(head.probabilities(counts), expected, atol=5e-3)


def test_both_roads_lead_to_one_head(data: tuple[object, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    counts, labels = data
    few = sparse.head_on(counts, labels, CLASSES, 3.0).probabilities(counts)
    monkeypatch.setattr(sparse, "FEW_ITEMS", 0)
    assert np.allclose(sparse.head_on(counts, labels, CLASSES, 3.0).probabilities(counts), few, atol=5e-3)


def test_a_head_comes_back_whole_from_its_arrays_and_a_temperature_changes_no_answer(data: tuple[object, np.ndarray]) -> None:
    counts, labels = data
    head = sparse.head_on(counts, labels, CLASSES, 3.0)
    assert np.array_equal(sparse.restored(head.tensors()).probabilities(counts), head.probabilities(counts))
    assert np.array_equal(head.tempered(2.5).probabilities(counts).argmax(axis=1), head.probabilities(counts).argmax(axis=1))


def test_the_strength_is_chosen_on_items_that_were_held_out(data: tuple[object, np.ndarray]) -> None:
    counts, labels = data
    folds = [(np.flatnonzero(np.arange(N) % 5 != one), np.flatnonzero(np.arange(N) % 5 == one)) for one in range(5)]
    assert sparse.strength_by_folds(counts, labels, CLASSES, folds) in sparse.STRENGTHS
    noise = np.random.default_rng(1).permutation(labels)
    assert sparse.strength_by_folds(counts, noise, CLASSES, folds) == sparse.STRENGTHS[0], "where nothing can be learnt the strongest penalty wins"
