"""The nearest item of another unit answers: look-alikes never answer for one another, and many items are sampled."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from headstart.ranking.nearest import nearest
from headstart.ranking.sample import MOST_ITEMS, sample


def clouds(n: int, width: int, apart: float, classes: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, n)
    return (random.normal(size=(n, width)) + apart * random.normal(size=(classes, width))[labels]).astype(np.float32), labels


def test_it_equals_scikit_learns_neighbour_leaving_one_unit_out() -> None:
    features, labels = clouds(120, 20, 0.5)
    units = np.arange(120) // 3
    standard = (features - features.mean(0)) / features.std(0)
    scores = cross_val_score(KNeighborsClassifier(1, metric="cosine"), standard, labels, groups=units, cv=LeaveOneGroupOut())
    assert nearest(features, labels, units) == pytest.approx(scores.mean())


def test_a_copy_of_an_item_does_not_answer_for_it() -> None:
    features, labels = clouds(60, 20, 0.0)
    twice, known, units = np.repeat(features, 2, 0), np.repeat(labels, 2), np.repeat(np.arange(60), 2)
    assert nearest(twice, known) == 1.0
    assert nearest(twice, known, units) < 0.5


def test_half_precision_gives_the_same_answer_and_the_same_twice() -> None:
    features, labels = clouds(100, 30, 1.0)
    half = features.astype(np.float16)
    assert nearest(half, labels) == nearest(half, labels) == pytest.approx(nearest(features, labels), abs=0.02)


def test_a_constant_feature_and_an_item_of_zeros_do_no_harm() -> None:
    features, labels = clouds(40, 10, 3.0)
    features[:, 3] = 7.0
    features[5] = features.mean(0)
    assert nearest(features, labels) > 0.9


def test_items_that_all_belong_to_one_unit_have_nobody_to_ask() -> None:
    features, labels = clouds(10, 4, 3.0)
    assert nearest(features, labels, np.zeros(10, dtype=np.int64)) == 0.0


def test_many_items_are_sampled_the_same_way_each_time() -> None:
    kept = sample(MOST_ITEMS + 500)
    assert len(kept) == len(np.unique(kept)) == MOST_ITEMS and np.array_equal(kept, sample(MOST_ITEMS + 500))
    assert np.array_equal(sample(10), np.arange(10))
    assert 0.9 < nearest(*clouds(MOST_ITEMS + 500, 5, 5.0)) <= 1
