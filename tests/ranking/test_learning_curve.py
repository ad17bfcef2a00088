"""What the curve promises for twice the labels is what twice the labels give; flat and noisy curves say so."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.base.records import from_plain, to_plain
from headstart.ranking.learning_curve import ClassNeed, Doubled, LearningCurve, _in_order, learning_curve, sentence
from headstart.ranking.probe import Folds
from headstart.task.linear import fit_path, standardise

STRENGTH = 100.0
Features, Labels = NDArray[np.float32], NDArray[np.int64]


def folds(n: int, n_folds: int = 5) -> Folds:
    fold = np.arange(n) % n_folds
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(n_folds)]


@pytest.fixture(scope="session")
def handwritten() -> tuple[Features, Labels]:
    from sklearn.datasets import load_digits

    pixels, truth = load_digits(return_X_y=True)
    return (pixels / 16).astype(np.float32), truth.astype(np.int64)


def curve_of(features: Features, labels: Labels, metric: str = "accuracy", strength: float = STRENGTH, seed: int = 0) -> LearningCurve:
    names = tuple(f"class {one}" for one in range(labels.max() + 1))
    found = learning_curve(features, labels, np.arange(len(labels)), folds(len(labels)), names, strength, metric, seed)
    assert found is not None
    return found


def accuracy(features: Features, labels: Labels, n: int, draws: int = 12) -> float:
    """Of a head fitted to n items, on all others; the mean over draws."""
    found = []
    for seed in range(draws):
        order = np.random.default_rng(1000 + seed).permutation(len(labels))
        fitted, others = order[:n], order[n:]
        (head,) = fit_path(standardise(features[fitted]), labels[fitted], 10, [STRENGTH])
        found.append((head.probabilities(features[others]).argmax(axis=1) == labels[others]).mean())
    return float(np.mean(found))


def test_what_two_hundred_digits_promise_of_four_hundred_is_what_four_hundred_give(handwritten: tuple[Features, Labels]) -> None:
    features, labels = handwritten
    truly = 100 * (accuracy(features, labels, 400) - accuracy(features, labels, 200))
    held, gains = 0, []
    for seed in range(10):
        items = np.random.default_rng(seed).permutation(len(labels))[:200]
        found = curve_of(features[items], labels[items], seed=seed)
        assert (found.now.n, found.doubled.n) == (200, 400)
        held += found.doubled.low <= truly <= found.doubled.high
        gains.append(found.doubled.gain)
    assert held >= 8 and np.mean(gains) == pytest.approx(truly, abs=0.8)


def test_where_heads_are_still_often_wrong_the_interval_reaches_what_the_last_doubling_gained() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 100)
    features = (random.normal(size=(100, 300)) + 0.17 * random.normal(size=(5, 300))[labels]).astype(np.float32)
    found = curve_of(features, labels, strength=10.0)
    assert found.points[-1].value < 0.8 and found.doubled.high > 11.3 > found.doubled.gain  # 11.3: what 200 gave over 100, on 1,500 others, 30 draws
    assert "or more" in found.sentence


def test_labels_that_mean_nothing_gain_nothing_and_that_is_said() -> None:
    random = np.random.default_rng(0)
    found = curve_of(random.normal(size=(400, 20)).astype(np.float32), random.integers(0, 4, 400), strength=10.0)
    assert found.doubled.low == 0.0 and ("cannot be told" in found.sentence or "little" in found.sentence)


def test_classes_that_lie_far_apart_have_little_to_gain() -> None:
    labels = np.arange(400) % 4
    features = np.random.default_rng(0).normal(size=(400, 20)) + 10 * np.eye(20)[labels]
    found = curve_of(features.astype(np.float32), labels)
    assert found.now.value > 0.99 and found.doubled.gain < 0.2 and 0 < found.doubled.high < 1
    assert found.sentence.startswith("Twice the labels would buy little: about 0.")


def test_the_class_that_is_hard_to_tell_needs_labels_most(handwritten: tuple[Features, Labels]) -> None:
    features, labels = handwritten
    items = np.flatnonzero(np.isin(labels, [0, 6, 4, 8]))[:300]
    blurred = np.where(labels[items, None] == 8, 0.3 * features[items] + 0.3 * np.random.default_rng(0).random((300, 64)), features[items])
    found = curve_of(blurred.astype(np.float32), np.searchsorted([0, 4, 6, 8], labels[items]), strength=1.0)
    hardest = min(found.classes, key=lambda row: row.recall)
    assert found.classes[0] == max(found.classes, key=lambda row: row.gain) and hardest in found.classes[:2]


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "log_loss"])
def test_other_metrics_have_curves_too(handwritten: tuple[Features, Labels], metric: str) -> None:
    features, labels = (part[:300] for part in handwritten)
    found = curve_of(features, labels, metric)
    assert found.doubled.gain > 0.5 and metric.replace("_", "-" if metric == "log_loss" else " ") in found.sentence
    first, last = found.points[0].value, found.points[-1].value
    assert last < first if metric == "log_loss" else last > first


def test_the_record_is_written_as_json_and_read_again(handwritten: tuple[Features, Labels]) -> None:
    found = curve_of(*(part[:200] for part in handwritten))
    plain = json.loads(json.dumps(to_plain(found), allow_nan=False))
    assert from_plain(LearningCurve, plain) == found
    assert set(plain) >= {"points", "now", "doubled", "classes", "sentence"}
    assert set(plain["points"][0]) == {"n", "value", "low", "high"} and set(plain["doubled"]) == {"n", "gain", "low", "high"}
    assert [point["n"] for point in plain["points"]] == [20, 40, 80, 120, 160] and len(plain["classes"]) == 10


def test_the_same_seed_gives_the_same_curve_and_another_seed_another(handwritten: tuple[Features, Labels]) -> None:
    part = [part[:150] for part in handwritten]
    assert curve_of(*part, seed=1) == curve_of(*part, seed=1) != curve_of(*part, seed=2)


def test_too_few_labels_have_no_curve(handwritten: tuple[Features, Labels]) -> None:
    features, labels = (part[:40] for part in handwritten)
    assert learning_curve(features, labels, np.arange(40), folds(40), tuple("0123456789"), STRENGTH) is None


def test_units_make_the_interval_wider(handwritten: tuple[Features, Labels]) -> None:
    features, labels = (np.repeat(part[:100], 4, axis=0) for part in handwritten)
    units = np.repeat(np.arange(100), 4)
    apart = [(np.flatnonzero(units % 5 != one), np.flatnonzero(units % 5 == one)) for one in range(5)]
    known, unknown = (learning_curve(features, labels, given, apart, tuple("0123456789"), STRENGTH) for given in (units, np.arange(400)))
    assert known is not None and unknown is not None
    assert known.points[-1].high - known.points[-1].low > 1.5 * (unknown.points[-1].high - unknown.points[-1].low)


def test_one_fold_will_do_and_many_items_are_sampled() -> None:
    labels = np.arange(3000) % 3
    features = (np.random.default_rng(0).normal(size=(3000, 4)) + np.eye(4)[labels]).astype(np.float32)
    found = learning_curve(features, labels, np.arange(3000), folds(3000, 4)[:1], ("a", "b", "c"), STRENGTH)
    assert found is not None and found.now.n == 2250 and 1350 < found.points[-1].n < 1650


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.integers(0, 100))
def test_every_beginning_of_the_order_holds_every_class_and_their_shares(n_of: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(n_of)), n_of)
    order = _in_order(labels, np.arange(len(labels)), np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(len(labels))) and len(np.unique(labels[order[: len(n_of)]])) == len(n_of)
    for n in range(len(n_of), len(labels)):
        counts = np.bincount(labels[order[:n]], minlength=len(n_of))
        assert np.all(np.abs(counts - n * np.array(n_of) / len(labels)) <= len(n_of))


def test_items_of_a_unit_are_added_together() -> None:
    units = np.random.default_rng(0).permutation(np.repeat(np.arange(20), 6))
    order = _in_order(np.zeros(120, np.int64), units, np.random.default_rng(1))
    assert len(np.unique(units[order[:60]])) <= 11


def test_the_sentence_says_what_to_do() -> None:
    needs = (ClassNeed("C", 0.6, 6.0), ClassNeed("A", 0.9, 1.0), ClassNeed("B", 0.9, 1.0))
    assert sentence(Doubled(960, 1.8, 0.4, 3.1), 480, needs) == "Twice the labels would buy about 1.8 points (0.4 to 3.1), and class C needs them most."
    assert sentence(Doubled(960, 1.8, 0.4, 3.1), 480, needs[1:]) == "Twice the labels would buy about 1.8 points (0.4 to 3.1)."
    assert sentence(Doubled(960, 0.2, 0.0, 0.6), 480, needs) == "Twice the labels would buy little: about 0.2 points (0.0 to 0.6); another model may buy more."
    assert "cannot be told from these 60: about 1.0 points, but anything from 0.0 to 4.2" in sentence(Doubled(120, 1.0, 0.0, 4.2), 60, needs)
