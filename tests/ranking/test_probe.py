"""The probe judges every item by a head that has not seen its label: noise stays noise, however many the features."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.evaluation.temperature import losses
from headstart.ranking.probe import MOST_ITEMS, Folds, Probe, first_as_good, probe
from headstart.study.arms import head_on
from headstart.task.linear import STRENGTHS, LinearHead, fit_path, log_prior, standardise

CLASSES = 4


def in_folds(n: int, n_folds: int = 5, never: int = 0) -> Folds:
    """Folds of n items, of which the first ones are fitted on and never held out."""
    fold = np.arange(n) % n_folds
    fold[:never] = -1
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(n_folds)]


def accuracy(found: Probe, labels: NDArray[np.int64]) -> float:
    return float((found.probabilities.argmax(axis=1) == labels[found.items]).mean())


def clouds(n: int, width: int, apart: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, n)
    return (random.normal(size=(n, width)) + apart * random.normal(size=(CLASSES, width))[labels]).astype(np.float32), labels


def test_labels_that_mean_nothing_are_guessed_no_better_than_by_chance() -> None:
    features, labels = clouds(200, 300, 0.0)  # more features than items: a head that has seen a label knows it by heart
    assert abs(accuracy(probe(features, labels, CLASSES, in_folds(200)), labels) - 1 / CLASSES) < 0.1


def test_classes_that_lie_apart_are_told_apart() -> None:
    features, labels = clouds(120, 60, 3.0)
    found = probe(features, labels, CLASSES, in_folds(120))
    assert accuracy(found, labels) > 0.98 and found.log_loss < 0.1


@pytest.mark.parametrize("never", [0, 7])  # items that are fitted on and never held out must not be mistaken for others
def test_the_label_of_an_item_does_not_reach_the_head_that_judges_it(never: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.ranking.probe.STRENGTHS", (3.0,))  # which one is chosen may follow from every label
    features, labels = clouds(200, 250, 1.5)
    folds = in_folds(200, never=never)
    other = labels.copy()
    other[199] = (other[199] + 1) % CLASSES
    one, two = (probe(features, given, CLASSES, folds) for given in (labels, other))
    mine = np.isin(one.items, folds[4][1])
    assert one.strength == two.strength and 199 in one.items[mine]
    for mine_and_theirs in (lambda found: found.said, lambda found: found.prior):
        assert np.array_equal(mine_and_theirs(one)[mine], mine_and_theirs(two)[mine])
        assert not np.array_equal(mine_and_theirs(one)[~mine], mine_and_theirs(two)[~mine])


def test_items_that_are_never_held_out_are_learnt_from() -> None:
    features, labels = clouds(80, 20, 3.0)
    labels[:8], labels[8:] = 3, labels[8:] % 3
    features[:8] += 20  # a class of its own, far from the others, and never held out
    found = probe(features, labels, CLASSES, in_folds(80, never=8))
    assert sorted(found.items.tolist()) == list(range(8, 80))
    assert found.probabilities[:, 3].max() < 0.2


def test_the_strength_is_one_of_those_offered_and_noise_asks_for_little() -> None:
    noise, labels = clouds(150, 20, 0.0)
    noise[:, 0] *= 30  # what differs most says nothing; what says everything is small beside it
    clear = noise + np.eye(20, dtype=np.float32)[1] * (5 * labels[:, None])
    little, much = (probe(features, labels, CLASSES, in_folds(150)).strength for features in (noise, clear))
    assert {little, much} <= set(STRENGTHS) and little < much


def test_many_items_are_sampled_by_the_seed() -> None:
    n = MOST_ITEMS + 200
    features, labels = clouds(n, 3, 2.0)
    one, again, other = (probe(features, labels, CLASSES, in_folds(n, 2), seed) for seed in (0, 0, 1))
    assert len(one.items) == len(np.unique(one.items)) == MOST_ITEMS
    assert np.array_equal(one.items, again.items) and np.array_equal(one.probabilities, again.probabilities)
    assert not np.array_equal(one.items, other.items)


def test_few_items_are_all_judged_once() -> None:
    features, labels = clouds(60, 5, 1.0)
    found = probe(features, labels, CLASSES, in_folds(60))
    assert sorted(found.items.tolist()) == list(range(60)) and np.allclose(found.probabilities.sum(axis=1), 1)


def test_the_loss_is_that_of_its_temperature_and_no_other_temperature_is_much_better() -> None:
    features, labels = clouds(150, 100, 0.3)
    found = probe(features, labels, CLASSES, in_folds(150))
    by_temperature = {times: losses(found.said, labels[found.items], found.temperature * times, found.prior).mean() for times in (0.5, 0.8, 1.0, 1.25, 2.0)}
    assert by_temperature[1.0] == pytest.approx(found.log_loss, abs=1e-3) and min(by_temperature.values()) > found.log_loss - 0.002


def test_of_losses_that_one_standard_error_cannot_tell_apart_the_first_is_taken() -> None:
    noise = np.tile([1.0, -1.0], 50)  # a standard error of 0.1
    best, alike, worse = 1.0 + 0 * noise, 1.05 + noise, 1.5 + noise
    assert first_as_good([worse, alike, best]) == 1 and first_as_good([worse, best, alike]) == 1 and first_as_good([best]) == 0


def test_two_dozen_items_that_say_something_are_held_strongly() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(16, dtype=np.int64) % 2
    features = (generator.normal(size=(16, 300)) + 0.3 * np.where(labels[:, None], 1, -1)).astype(np.float32)
    parts = [generator.permutation(16) % 5 for _ in range(8)]
    chosen = [probe(features, labels, 2, [(np.flatnonzero(part != n), np.flatnonzero(part == n)) for n in range(5)]).strength for part in parts]
    assert max(chosen) <= 10, chosen


def test_a_strongly_held_head_does_not_always_name_the_class_of_which_there_is_one_more() -> None:
    generator = np.random.default_rng(0)
    labels = (np.arange(17) % 2).astype(np.int64)  # nine of one class, eight of the other
    centre = generator.normal(size=300)
    features = (generator.normal(size=(517, 300)) + 0.12 * np.where(np.arange(517) % 2, 1, -1)[:, None] * centre).astype(np.float32)
    found = probe(features[:17], labels, 2, in_folds(17))
    head = head_on(features[:17], labels, 2, found.strength, found.temperature, balance=False)
    told = head.probabilities(features[17:]).argmax(1)
    assert (told == np.arange(17, 517) % 2).mean() > 0.8 and 0.3 < told.mean() < 0.7


@pytest.mark.parametrize("seed", range(3))
def test_where_classes_count_alike_the_probe_expects_what_a_head_then_does(seed: int) -> None:
    """One item in ten is of the rare class: a probe that counts items all but never names it."""
    random = np.random.default_rng(seed)
    labels = (random.random(1400) < 0.1).astype(np.int64)
    features = (random.normal(size=(1400, 40)) + 0.25 * labels[:, None] * random.normal(size=40)).astype(np.float32)
    learnt, fresh = np.arange(400), np.arange(400, 1400)
    plain, alike = (probe(features, labels, 2, in_folds(400), balance=balance) for balance in (False, True))
    head = head_on(features[learnt], labels[learnt], 2, alike.strength, alike.temperature, balance=True)

    def balanced(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
        return float(np.mean([(probabilities[truth == one].argmax(axis=1) == one).mean() for one in (0, 1)]))

    expected, missed = (balanced(one.probabilities, labels[one.items]) for one in (alike, plain))
    delivered = balanced(head.probabilities(features[fresh]), labels[fresh])
    assert abs(expected - delivered) < 0.12 and delivered - missed > 0.1


def test_a_loud_head_keeps_the_whole_of_its_intercept_but_for_how_common_classes_were() -> None:
    """Found as a bug: where the temperature made a head five times as loud, its intercept stayed as it was, and other speakers' words were named wrongly."""
    features, labels = clouds(120, 60, 3.0)
    weights = fit_path(standardise(features), labels, CLASSES, (3.0,))[0]
    prior = log_prior(labels, CLASSES)
    loud, level = weights.heard(0.2, prior), LinearHead(weights.weight, weights.bias - prior, 3.0)
    assert np.allclose(loud.bias - prior, level.bias / 0.2, atol=1e-4) and np.allclose(loud.weight, weights.weight / 0.2)
    beside = features + np.float32(2.0)  # another microphone
    apart = level.probabilities(beside).argmax(axis=1)
    assert (LinearHead(loud.weight, loud.bias - prior, 3.0).probabilities(beside).argmax(axis=1) == apart).all()
