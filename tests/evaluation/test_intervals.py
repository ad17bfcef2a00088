"""Intervals: known values, laws, and coverage near the nominal 95 %."""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.made import of

from headstart.base.errors import InputError
from headstart.evaluation import METRICS, Gain, Measured, Predictions, gain, measure
from headstart.evaluation.bootstrap import Imagined, design_effect, interval
from headstart.evaluation.intervals import across_rounds, proportion
from headstart.evaluation.metrics import ratio

Rights = Callable[..., Predictions]
pairs_of_flags = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


def test_the_bootstrap_of_four_units_equals_the_one_enumerated_by_hand() -> None:
    """Two seen and two imagined units: 4**4 equally likely resamples, so every percentile is known."""
    seen, imagined = [1.0, 0.0], [1.0, 0.0]
    means = sorted(np.mean(draw) for draw in product(seen + imagined, repeat=4))
    rows = np.array([[value, 1.0] for value in seen])
    low, high = interval(rows, ratio, Imagined(np.array([[value, 1.0] for value in imagined]), np.ones(2)), seed=0)
    # With m = 2 the expanded tail is below 1/256: the ends are the smallest and the largest mean there is
    assert (low, high) == (means[0], means[-1]) == (0.0, 1.0)


def test_a_gain_of_independent_items_agrees_with_the_closed_form_of_bonett_and_price(rights: Rights) -> None:
    n, wins, losses = 400, 60, 25
    a = rights([1] * wins + [0] * losses + [1] * (n - wins - losses))
    b = rights([0] * wins + [1] * losses + [1] * (n - wins - losses))
    up, down = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    half = 1.96 * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    found = gain(a, b)
    assert found.points == pytest.approx(100 * (wins - losses) / n)
    assert (found.low, found.high) == pytest.approx((100 * (up - down - half), 100 * (up - down + half)), abs=0.4)


def test_an_accuracy_agrees_with_the_closed_form_of_agresti_and_coull(rights: Rights) -> None:
    middle = (180 + 2) / 204
    half = 1.96 * math.sqrt(middle * (1 - middle) / 204)
    found = measure(rights([1] * 180 + [0] * 20))
    assert (found.value, found.low, found.high) == pytest.approx((0.9, middle - half, middle + half), abs=0.006)


@pytest.mark.parametrize("n", [2, 5, 10, 40])
def test_two_models_that_never_differ_on_few_items_are_not_called_equal_for_sure(rights: Rights, n: int) -> None:
    a = rights([True] * n)
    found = gain(a, a)
    assert found.points == 0
    assert -100 * 4 / n <= found.low < -100 / n  # wider than one item; the rule of three would say 3 / n
    assert 100 / n < found.high <= 100 * 4 / n


def test_one_unit_says_nothing_about_others(rights: Rights) -> None:
    one = rights([True, True, False], units=[4, 4, 4])
    assert measure(one) == Measured(2 / 3, 0.0, 1.0, 3)
    assert gain(one, one) == Gain(0.0, -100.0, 100.0)


def test_items_of_one_patient_that_agree_count_as_one(rights: Rights) -> None:
    flags = np.tile([True, True, False], 10)
    alone, tenfold = measure(rights(flags)), measure(rights(np.repeat(flags, 10), units=np.repeat(np.arange(30), 10)))
    assert (tenfold.low, tenfold.high) == pytest.approx((alone.low, alone.high), abs=0.01)


def test_items_of_one_patient_that_are_independent_count_each() -> None:
    generator = np.random.default_rng(3)
    values, units = (generator.random(4000) < 0.8).astype(float), np.repeat(np.arange(400), 10)
    assert design_effect(values, np.ones(4000), units) == pytest.approx(1, abs=0.15)
    assert design_effect(np.repeat(values[:400], 10), np.ones(4000), units) == pytest.approx(10)


@settings(max_examples=30, deadline=None)
@given(pairs_of_flags, st.sampled_from(METRICS))
def test_a_model_gains_nothing_over_itself(rights: Rights, flags: list[tuple[bool, bool]], metric: str) -> None:
    a = rights([first for first, _ in flags])
    found = gain(a, a, metric)
    assert found.points == 0
    assert found.low <= 0 <= found.high
    assert len(flags) > 1 or found.high >= 100


@settings(max_examples=30, deadline=None)
@given(pairs_of_flags, st.sampled_from(METRICS), st.booleans())
def test_intervals_hold_their_point_and_stay_in_range(rights: Rights, flags: list[tuple[bool, bool]], metric: str, paired_units: bool) -> None:
    units = np.arange(len(flags)) // (2 if paired_units else 1)
    a, b = (rights(side, units) for side in zip(*flags, strict=True))
    one, two = measure(a, metric), gain(a, b, metric)
    assert 0 <= one.low <= one.value <= one.high
    assert two.low <= two.points <= two.high
    if metric != "log_loss":
        assert one.high <= 1
        assert -100 <= two.low <= two.high <= 100


@settings(max_examples=30, deadline=None)
@given(pairs_of_flags, st.sampled_from(METRICS))
def test_swapping_the_models_swaps_the_signs(rights: Rights, flags: list[tuple[bool, bool]], metric: str) -> None:
    a, b = (rights(side) for side in zip(*flags, strict=True))
    forth, back = gain(a, b, metric), gain(b, a, metric)
    assert forth.points == -back.points
    assert forth.points == 0 or (forth.low, forth.high) == (-back.high, -back.low)


def test_a_better_model_gains_in_every_metric(digits: dict[str, Predictions]) -> None:
    for metric in METRICS:
        assert gain(digits["good"], digits["poor"], metric).low > 0, metric


def test_the_same_seed_gives_the_same_interval_and_another_seed_another(digits: dict[str, Predictions]) -> None:
    good = digits["good"]
    assert measure(good, "f1", seed=1) == measure(good, "f1", seed=1) != measure(good, "f1", seed=2)


def test_pairing_protects_against_other_items(digits: dict[str, Predictions], rights: Rights) -> None:
    with pytest.raises(InputError, match="items differ"):
        gain(digits["good"], rights([True] * 600))


def test_a_share_of_nothing_is_unknown() -> None:
    assert proportion(np.zeros(3), np.zeros(3), np.arange(3)) == Measured(0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize(("n", "accuracy"), [(10, 0.9), (20, 0.98), (50, 0.9), (200, 0.98)])
def test_the_interval_of_an_accuracy_covers_near_the_ends(rights: Rights, n: int, accuracy: float) -> None:
    assert _coverage(n, accuracy) >= 0.93


def _coverage(n: int, accuracy: float) -> float:
    """Exact: the interval of every possible number of right items, weighted by its binomial probability."""
    from scipy import stats

    covered = 0.0
    for n_right in range(n + 1):
        chance = stats.binom.pmf(n_right, n, accuracy)
        if chance > 1e-5:
            hits = (np.arange(n) < n_right).astype(float)
            found = proportion(hits, np.ones(n), np.arange(n))
            covered += chance * (found.low <= accuracy <= found.high)
    return covered


@pytest.mark.parametrize(("n", "wins", "losses"), [(12, 0.1, 0.1), (30, 0.2, 0.05), (100, 0.03, 0.03), (100, 0.2, 0.1)])
def test_the_interval_of_a_gain_covers_and_rarely_claims_help_where_there_is_none(rights: Rights, n: int, wins: float, losses: float) -> None:
    generator, repeats = np.random.default_rng(0), 300
    held = claimed = 0
    for _ in range(repeats):
        luck = generator.random(n)
        a, b = (luck < wins) | (luck > wins + losses), luck >= wins
        found = gain(rights(a), rights(b))
        held += found.low <= 100 * (wins - losses) <= found.high
        claimed += found.low > 0
    assert held / repeats >= 0.93
    assert wins > losses or claimed / repeats <= 0.04


@given(st.floats(-100, 100), st.floats(0, 200), st.floats(0, 200), st.integers(2, 10))
def test_rounds_that_taught_one_another_widen_a_gain_and_one_look_does_not(points: float, down: float, up: float, n_rounds: int) -> None:
    alone = Gain(points, max(-100.0, points - down), min(100.0, points + up))
    together = across_rounds(alone, n_rounds)
    assert across_rounds(alone, 1) == alone
    assert together.points == points
    assert -100 <= together.low <= alone.low + 1e-9 and alone.high - 1e-9 <= together.high <= 100


def test_five_rounds_widen_a_gain_by_an_eighth() -> None:
    together = across_rounds(Gain(3.0, -1.0, 6.0), 5)
    assert (together.low, together.high) == pytest.approx((3 - 4 * math.sqrt(1.25), 3 + 3 * math.sqrt(1.25)))


@pytest.mark.parametrize("n_rare", [3, 10])
def test_where_classes_count_alike_a_rare_one_that_happens_to_be_right_leaves_doubt(n_rare: int) -> None:
    """95 % of 200 items of one class are right, and all of a few of another: were the rare class right in 7 of 10 only, that would happen easily."""
    truth = np.array([0] * 200 + [1] * n_rare)
    said = np.where(np.arange(len(truth)) < 10, 1, truth)
    few = measure(of(np.where(said[:, None] == [0, 1], 0.9, 0.1), truth), "balanced_accuracy")
    assert few.value == pytest.approx(0.975) and (1 - few.low) > 0.3 / n_rare, "the rare class alone: 1 right of 3 imagined ones more"
    sure = of(np.where(truth[:, None] == [0, 1], 0.9, 0.1), truth)
    rare = of(np.where(np.where(truth == 1, 0, truth)[:, None] == [0, 1], 0.9, 0.1), truth)
    found = gain(sure, rare, "balanced_accuracy")
    assert found.points == 50.0 and found.low < 50.0


def test_intervals_of_balanced_accuracy_hold_the_truth_about_as_often_as_they_say() -> None:
    """100 draws of 300 items of one class, 10 of another: an interval of 95 % that misses more than 12 of them is none (probability below 0.003)."""
    counts, own = (300, 10), (0.9, 0.8)
    truth, chance, missed = np.repeat([0, 1], counts), np.repeat(own, counts), 0
    for seed in range(100):
        right = np.random.default_rng(seed).random(len(truth)) < chance
        found = measure(of(np.where(np.where(right, truth, 1 - truth)[:, None] == [0, 1], 0.9, 0.1), truth), "balanced_accuracy", seed)
        missed += not found.low <= np.mean(own) <= found.high
    assert missed <= 12
