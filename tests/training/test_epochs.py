"""No item is judged at an epoch that it chose: noise does not look like learning, and what helps every fold is believed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.training.epochs import best_epoch, crossed, losses

N_CLASSES = 4


def answers(generator: np.random.Generator, n: int, truth: NDArray[np.int64] | None = None, skill: float = 0.0) -> NDArray[np.float32]:
    """Probabilities that know nothing, or a little when a truth is given."""
    logits = generator.normal(size=(n, N_CLASSES))
    if truth is not None:
        logits[np.arange(n), truth] += skill
    exponents = np.exp(logits)
    return (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)


def mean_loss(told: list[NDArray[np.float32]], truths: list[NDArray[np.int64]]) -> float:
    return float(np.mean([losses([said], truth).mean() for said, truth in zip(told, truths, strict=True)]))


@pytest.mark.parametrize("n_folds", [1, 3])
def test_epochs_that_are_noise_look_no_better_than_the_start_though_each_fold_finds_one_that_does(n_folds: int) -> None:
    generator = np.random.default_rng(0)
    started, honest, flattered = [], [], []
    for _ in range(300):
        truths = [generator.integers(0, N_CLASSES, 12) for _ in range(n_folds)]
        folds = [[answers(generator, 12) for _ in range(9)] for _ in range(n_folds)]
        started.append(mean_loss([by_epoch[0] for by_epoch in folds], truths))
        honest.append(mean_loss(crossed(folds, truths, [by_epoch[0] for by_epoch in folds]), truths))
        flattered.append(np.mean([losses(by_epoch, truth).mean(axis=1).min() for by_epoch, truth in zip(folds, truths, strict=True)]))
    noise = 3 * np.std(np.subtract(honest, started)) / np.sqrt(len(started))
    assert abs(np.mean(honest) - np.mean(started)) < noise < np.mean(started) - np.mean(flattered)


def test_what_helps_every_fold_is_believed() -> None:
    generator = np.random.default_rng(1)
    truths = [generator.integers(0, N_CLASSES, 40) for _ in range(3)]
    folds = [[answers(generator, 40, truth, skill) for skill in (0.0, 2.0, 4.0)] for truth in truths]
    for told, by_epoch in zip(crossed(folds, truths, [by_epoch[0] for by_epoch in folds]), folds, strict=True):
        np.testing.assert_array_equal(told, by_epoch[2])


def test_a_fold_that_stopped_early_answers_as_it_was_when_it_stopped() -> None:
    generator = np.random.default_rng(2)
    truths = [generator.integers(0, N_CLASSES, 40) for _ in range(3)]
    folds = [[answers(generator, 40, truth, skill) for skill in (0.0, 2.0, 4.0)] for truth in truths]
    folds[0] = folds[0][:2]
    np.testing.assert_array_equal(crossed(folds, truths, [by_epoch[0] for by_epoch in folds])[0], folds[0][1])


def test_a_head_has_one_state_and_says_what_it_said() -> None:
    said = answers(np.random.default_rng(3), 5)
    (told,) = crossed([[said]], [np.zeros(5, dtype=np.int64)], [said])
    np.testing.assert_array_equal(told, said)


def test_what_is_better_left_untrained_says_what_the_head_said_to_the_last_bit() -> None:
    generator = np.random.default_rng(5)
    truths = [generator.integers(0, N_CLASSES, 40) for _ in range(3)]
    folds = [[answers(generator, 40, truth, skill) for skill in (4.0, 2.0, 0.0)] for truth in truths]
    heads = [answers(generator, 40) for _ in truths]
    for told, head in zip(crossed(folds, truths, heads), heads, strict=True):
        np.testing.assert_array_equal(told, head)


def test_a_fold_of_a_single_item_is_judged_as_it_began() -> None:
    generator = np.random.default_rng(4)
    by_epoch = [answers(generator, 1) for _ in range(4)]
    (told,) = crossed([by_epoch], [np.zeros(1, dtype=np.int64)], [by_epoch[0]])
    np.testing.assert_array_equal(told, by_epoch[0])


def test_the_epoch_is_that_of_all_items_together_not_the_mean_of_each_folds_own() -> None:
    quiet, noisy = np.array([[1.0], [1.0], [1.0], [1.0]]), np.array([[1.0], [9.0], [9.0], [0.9]])
    steady = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert best_epoch([noisy]) == 3 and best_epoch([quiet, noisy, steady]) == 0


def test_one_item_that_is_surely_wrong_does_not_outvote_a_fold() -> None:
    truth = np.zeros(30, dtype=np.int64)
    before = np.tile(np.array([0.3, 0.7], dtype=np.float32), (30, 1))
    after = np.tile(np.array([0.9, 0.1], dtype=np.float32), (30, 1))
    after[0] = (0.0, 1.0)
    assert np.isfinite(losses([before, after], truth)).all() and best_epoch([losses([before, after], truth)]) == 1
