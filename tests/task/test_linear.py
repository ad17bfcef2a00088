"""The linear head is the optimum of its loss: the same as scikit-learn's, however many items and features there are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from headstart.task.linear import STRENGTHS, LinearHead, fit_path, one_thread, softmax, standardise

DIGITS, TRUTH = load_digits(return_X_y=True)  # 64 features, of which some are constant


def wide() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """60 items of 300 features in 3 classes that overlap."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    return random.normal(size=(60, 300)) * random.uniform(0.1, 10, 300) + 0.3 * labels[:, None] + random.normal(size=300) * 5, labels


def head_of(features: NDArray[np.float64], labels: NDArray[np.int64], strength: float, n_classes: int | None = None, *, alone: bool = False) -> LinearHead:
    path = (*(one for one in STRENGTHS if one < strength), strength)
    return fit_path(standardise(features, alone=alone), labels, n_classes or int(labels.max()) + 1, path)[-1]


def of_length_1(features: NDArray[np.float64], *, alone: bool) -> NDArray[np.float64]:
    """Vectors around 0 whose mean squared length is 1."""
    centred = features - features.mean(axis=0)
    spread = centred.std(axis=0) if alone else np.full(features.shape[1], np.sqrt(np.square(centred).mean()))
    return centred / np.where(spread < 1e-6, 1, spread) / np.sqrt(features.shape[1])


def reference(features: NDArray[np.float64], labels: NDArray[np.int64], strength: float, *, alone: bool) -> NDArray[np.float64]:
    """Probabilities of scikit-learn at the same C."""
    scaled = of_length_1(features, alone=alone)
    return LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(scaled, labels).predict_proba(scaled)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("strength", [0.3, 3.0, 100.0])
def test_more_items_than_features_give_the_optimum_of_scikit_learn(strength: float, alone: bool) -> None:
    features, labels = DIGITS[:400], TRUTH[:400]
    found = head_of(features, labels, strength, alone=alone).probabilities(features)
    assert np.abs(found - reference(features, labels, strength, alone=alone)).max() < 0.01


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("strength", [0.3, 3.0, 100.0])
def test_fewer_items_than_features_give_the_optimum_of_scikit_learn(strength: float, alone: bool) -> None:
    features, labels = wide()
    head = head_of(features, labels, strength, alone=alone)
    assert np.abs(head.probabilities(features) - reference(features, labels, strength, alone=alone)).max() < 0.01
    assert head.weight.shape == (3, 300)


def test_features_of_any_scale_and_place_give_the_same_probabilities() -> None:
    features, labels = wide()
    scales = np.random.default_rng(1).uniform(0.01, 100, 300)
    moved = features * scales + 3 * scales
    one, other = (head_of(given, labels, 10.0, alone=True).probabilities(given) for given in (features, moved))
    assert np.abs(one - other).max() < 0.01


@pytest.mark.parametrize("times", [1e-3, 50.0])
def test_scaling_all_features_alike_changes_no_answer(times: float) -> None:
    features, labels = wide()
    one, other = (head_of(given, labels, 10.0).probabilities(given) for given in (features, features * times + 4 * times))
    assert np.abs(one - other).max() < 0.01


def test_directions_in_which_items_hardly_differ_stay_small() -> None:
    """A class that shows in one large feature, and 400 tiny ones of noise: scaled alone they would count as much as it."""
    random = np.random.default_rng(0)
    labels = np.arange(400) % 2
    features = np.concatenate([labels[:, None] + random.normal(scale=0.3, size=(400, 1)), random.normal(scale=0.01, size=(400, 400))], axis=1)
    right = [float((head_of(features[:16], labels[:16], 1.0, alone=alone).probabilities(features).argmax(1) == labels).mean()) for alone in (False, True)]
    assert right[0] > 0.9 > right[1]


@pytest.mark.parametrize("n", [30, 200])
def test_the_heads_of_a_path_are_those_of_each_strength_alone(n: int) -> None:
    standard = standardise(DIGITS[:n])
    together = fit_path(standard, TRUTH[:n], 10, (1.0, 10.0))
    alone = [fit_path(standard, TRUTH[:n], 10, (strength,))[0] for strength in (1.0, 10.0)]
    assert [head.strength for head in together] == [1.0, 10.0]
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one.probabilities(DIGITS[:n]) - other.probabilities(DIGITS[:n])).max() < 0.01


def test_constant_features_weigh_nothing() -> None:
    features = np.concatenate([DIGITS[:200], np.full((200, 3), 7.0)], axis=1)
    head = head_of(features, TRUTH[:200], 10.0)
    assert np.isfinite(head.weight).all() and np.abs(head.weight[:, -3:]).max() < 1e-6


def test_classes_that_do_not_occur_are_improbable_and_nothing_breaks() -> None:
    labels = np.where(TRUTH[:200] % 2, 3, 1)
    probabilities = head_of(DIGITS[:200], labels, 100.0, n_classes=5).probabilities(DIGITS[:200])
    assert probabilities.shape == (200, 5)
    assert probabilities[:, [0, 2, 4]].max() < 0.05 and (probabilities.argmax(axis=1) == labels).mean() > 0.9


def test_one_item_a_class_is_enough() -> None:
    features, labels = wide()
    assert head_of(features[:3], labels[:3], 10.0).probabilities(features[:3]).argmax(axis=1).tolist() == labels[:3].tolist()


def test_less_strength_gives_smaller_weights() -> None:
    features, labels = wide()
    norms = [float(np.square(head.weight * features.std(axis=0)).sum()) for head in fit_path(standardise(features), labels, 3)]
    assert norms == sorted(norms)


def test_half_precision_features_do() -> None:
    features, labels = DIGITS[:200].astype(np.float16), TRUTH[:200]
    assert np.array_equal(head_of(features, labels, 10.0).weight, head_of(features.astype(np.float32), labels, 10.0).weight)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=3, max_size=3), min_size=1, max_size=5))
def test_probabilities_sum_to_1_whatever_the_logits(logits: list[list[float]]) -> None:
    probabilities = softmax(np.array(logits, np.float32))
    assert (probabilities >= 0).all() and np.abs(probabilities.sum(axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize("strength", [1.0, 10.0])
def test_balanced_class_weights_give_the_optimum_of_scikit_learn(strength: float) -> None:
    """Ten times as many of one class as of the others; ``class_weight="balanced"`` is the same formula."""
    rare = np.concatenate([np.flatnonzero(TRUTH == 3)[:100], np.flatnonzero(TRUTH == 8)[:10], np.flatnonzero(TRUTH == 9)[:10]])
    features, labels = DIGITS[rare], np.searchsorted([3, 8, 9], TRUTH[rare])
    weights = (len(labels) / (3 * np.bincount(labels))).astype(np.float32)
    standard = standardise(features)
    found = fit_path(standard, labels, 3, (strength,), weights)[0].probabilities(features)
    scaled = of_length_1(features, alone=False)
    expected = LogisticRegression(C=strength, tol=1e-8, max_iter=5000, class_weight="balanced").fit(scaled, labels).predict_proba(scaled)
    plain = fit_path(standard, labels, 3, (strength,))[0].probabilities(features)
    assert np.abs(found - expected).max() < 0.01 < np.abs(found - plain).max()


def test_weights_of_1_are_no_weights() -> None:
    standard = standardise(DIGITS[:100])
    one, other = (fit_path(standard, TRUTH[:100], 10, (10.0,), weights)[0] for weights in (None, np.ones(10, np.float32)))
    assert np.abs(one.probabilities(DIGITS[:100]) - other.probabilities(DIGITS[:100])).max() < 1e-4


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 20.0))
def test_a_tempered_head_gives_the_same_answers_calmer_or_surer(temperature: float) -> None:
    head = head_of(DIGITS[:100], TRUTH[:100], 10.0)
    before, after = head.probabilities(DIGITS[:100]), head.tempered(temperature).probabilities(DIGITS[:100])
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    expected = softmax(np.log(np.maximum(before, np.finfo(np.float32).tiny)) / temperature)
    assert np.abs(after - expected).max() < 1e-3
    calmer = after.max(axis=1) <= before.max(axis=1) + 1e-6
    assert calmer.all() if temperature >= 1 else (after.max(axis=1) >= before.max(axis=1) - 1e-6).all()


def test_linear_algebra_holds_one_thread_and_gives_the_others_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
