"""Sets hold the right class as often as promised, for whatever model and however few items; the threshold is the known order statistic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.base.errors import InputError
from headstart.evaluation import Predictions
from headstart.evaluation.conformal import COVERAGES, conformal, conformal_threshold, measured_coverage, sets

from .made import drawn, of


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", [19, 20, 99, 640])
def test_the_threshold_is_the_ceiling_of_n_plus_one_times_coverage_th_smallest_score(n: int, coverage: float) -> None:
    given = drawn(n)
    scores = np.sort(1 - given.probabilities[np.arange(n), given.truth].astype(float))
    place = math.ceil(round((n + 1) * coverage, 9))
    assert conformal_threshold(given, coverage) == (scores[place - 1] if place <= n else 1.0)


def test_with_too_few_items_every_class_is_in_every_set() -> None:
    given = drawn(8)
    threshold = conformal_threshold(given, 0.9)  # 9 items are needed: 0.9 · 10 = 9
    assert threshold == 1.0 and sets(given.probabilities, threshold).all()
    assert conformal_threshold(drawn(9), 0.9) < 1.0


@pytest.mark.parametrize("too_sure", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("n", [10, 60])
def test_the_promise_holds_on_average_over_draws_for_any_model(n: int, too_sure: float) -> None:
    """Without the rule that the top class is always inside it would lie between 0.9 and 0.9 + 1 / (n + 1)."""
    everything = drawn(5000, seed=7, too_sure=too_sure)
    held = [measured(everything, conformal_threshold(drawn(n, seed, too_sure), 0.9)) for seed in range(400)]
    error = np.std(held) / math.sqrt(len(held))
    assert np.mean(held) >= 0.9 - 3 * error
    assert np.mean(held) <= 0.9 + 1 / (n + 1) + 0.02 + 3 * error


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.sampled_from([0.5, 0.8, 0.9]), st.integers(0, 1000))
def test_left_out_in_turn_units_are_covered_as_often_as_promised(sizes: list[int], coverage: float, seed: int) -> None:
    """A law, not a simulation: exchangeability over units means that, each left out once, their mean coverage (a unit counts once) is at least the promise."""
    units = np.repeat(np.arange(len(sizes)), sizes)
    given = drawn(len(units), seed, units=units)
    held = []
    for unit in range(len(sizes)):
        rest, own = units != unit, units == unit
        threshold = conformal_threshold(of(given.probabilities[rest], given.truth[rest], units[rest]), coverage)
        held.append(measured(of(given.probabilities[own], given.truth[own]), threshold))
    assert np.mean(held) >= coverage - 1e-9


def test_a_unit_with_many_items_speaks_once() -> None:
    chances = np.array([0.9] * 9 + [0.2] * 91)
    given = of(np.stack([chances, 1 - chances], axis=1), np.zeros(100), np.minimum(np.arange(100), 9))
    assert conformal_threshold(given, 0.8) == pytest.approx(0.1)  # 9 of 10 units score 0.1
    assert conformal_threshold(of(given.probabilities, given.truth), 0.8) == pytest.approx(0.8)


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1), st.integers(0, 1000))
def test_a_set_is_never_empty_and_a_larger_threshold_only_adds(threshold: float, seed: int) -> None:
    given = drawn(15, seed)
    small, large = sets(given.probabilities, threshold), sets(given.probabilities, min(1.0, threshold + 0.1))
    assert small[np.arange(15), given.predicted].all() and (small <= large).all()


def test_at_a_threshold_of_nothing_a_set_is_the_predicted_class() -> None:
    given = drawn(50)
    value, mean_size = measured_coverage(given, 0.0)
    assert (value.value, mean_size) == (given.right.mean(), 1.0)


def test_a_better_model_has_smaller_sets(digits: dict[str, Predictions]) -> None:
    good, majority = (conformal(digits[name], [(digits[name], digits[name])])[1] for name in ("good", "majority"))
    assert good.coverage == 0.9 and good.measured.value >= 0.9 and good.mean_size < 1.5 < 8 < majority.mean_size


def test_more_coverage_asks_for_larger_sets() -> None:
    rows = conformal(drawn(400), [(drawn(400), drawn(400, seed=1))])
    assert [row.coverage for row in rows] == list(COVERAGES)
    assert rows[0].mean_size < rows[1].mean_size < rows[2].mean_size
    assert all(row.measured.low <= row.coverage + 0.03 and row.measured.high >= row.coverage for row in rows)


def test_a_coverage_in_percent_is_refused() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        conformal_threshold(drawn(10), 90)


def measured(predictions: Predictions, threshold: float) -> float:
    inside = sets(predictions.probabilities, threshold)
    return float(inside[np.arange(len(predictions)), predictions.truth].mean())
