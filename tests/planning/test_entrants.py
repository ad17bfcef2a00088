"""Who may race, in which order and at what price: the rule of thumb by items a class, and laws of rungs, survivors and prices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planning.made import facts

from headstart.planning.entrants import FINALISTS, LITTLE, MUCH, REFIT, Entrant, admit, race_seconds, rungs, starting_order, survivors

PRICES = st.lists(st.floats(0.1, 100), min_size=1, max_size=8)
FOLDS = st.integers(1, 10)


def entrant(name: str, seconds: float) -> Entrant:
    return Entrant(name, 3, "block", 1, seconds)


@pytest.mark.parametrize(
    ("per_class", "first", "says"),
    [(5, "head", "little data"), (LITTLE - 1, "head", "little"), (LITTLE, "last2", "between"), (MUCH - 1, "last2", "between"), (MUCH, "all", "much data")],
)
def test_with_little_data_the_head_comes_first_and_with_much_everything(per_class: int, first: str, says: str) -> None:
    order, why = starting_order(facts(n_train=3 * per_class, classes=("a", "b", "c")))
    assert order[0] == first and says in why and f"{per_class} training items a class" in why and "evidence may overrule" in why
    assert sorted(order) == ["all", "half", "head", "last", "last2"], "the order names every cut once"


@given(FOLDS)
def test_rungs_run_every_fold_once_in_their_order(n_folds: int) -> None:
    assert [fold for begin, end in rungs(n_folds) for fold in range(begin, end)] == list(range(n_folds))
    assert rungs(n_folds)[0] == (0, 1) and len(rungs(n_folds)) <= 3


@given(st.integers(1, 50), st.booleans())
def test_somebody_always_goes_on_and_at_most_two_to_the_last_rung(n: int, last: bool) -> None:
    assert 1 <= survivors(n, last=last) <= n
    assert survivors(n, last=True) <= FINALISTS and survivors(n, last=False) >= survivors(n, last=True)


@given(PRICES, FOLDS)
def test_a_race_costs_at_least_its_first_fold_and_at_most_everybody_on_every_fold(prices: list[float], n_folds: int) -> None:
    cost = race_seconds(prices, n_folds) - REFIT * max(prices)
    assert sum(prices) - 1e-6 <= cost <= n_folds * sum(prices) + 1e-6
    assert race_seconds([*prices, 1.0], n_folds) >= race_seconds(prices, n_folds)


def test_the_price_of_a_known_race() -> None:
    """Four on the first fold, the two dearest on the second and on the last three, one of them fitted once more."""
    assert race_seconds([1.0, 2.0, 3.0, 4.0], 5) == 10 + 7 + 3 * 7 + REFIT * 4
    assert race_seconds([2.0], 1) == 2 + REFIT * 2 and race_seconds([], 3) == 0.0


@given(PRICES, st.floats(0, 500), FOLDS)
def test_who_enters_fits_into_the_seconds_the_first_always_and_nobody_is_lost(prices: list[float], seconds: float, n_folds: int) -> None:
    options = [entrant(str(number), price) for number, price in enumerate(prices)]
    entered, left_out = admit(options, seconds, n_folds)
    assert entered[0] is options[0]
    assert len(entered) == 1 or race_seconds([one.seconds for one in entered], n_folds) <= seconds
    assert sorted([*(one.model for one in entered), *(one.model for one, _ in left_out)]) == sorted(one.model for one in options)
    assert [int(one.model) for one in entered] == sorted(int(one.model) for one in entered), "in their order"
    assert all(reason.startswith("not tried: ") and f"it has {seconds:.0f} s" in reason for _, reason in left_out)


def test_a_cheap_one_enters_behind_a_dear_one_that_does_not() -> None:
    entered, left_out = admit([entrant("a", 1), entrant("dear", 100), entrant("b", 1)], 20, 3)
    assert [one.model for one in entered] == ["a", "b"] and [one.model for one, _ in left_out] == ["dear"]


def test_an_entrant_says_what_it_retrains() -> None:
    said = [Entrant("net", 9 - (n or 9), "x", n, 1.0).words() for n in (0, 1, 2, None)]
    assert said == ["the head alone", "the last block", "the last 2 blocks", "everything"]
    assert [Entrant("net", 0, "x", n, 1.0).is_linear for n in (0, 1, None)] == [True, False, False]
