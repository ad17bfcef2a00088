"""Proposals vary what did best, within their ranges, the same for the same seed, for as long as it was given, in silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.planning.entrants import Entrant, race_seconds
from headstart.training.race import Heat, Result
from headstart.training.search import CHOICES, DEEP_CHOICES, LOWEST_SHARE, Search

HEAD = Entrant("net", 9, "head", 0, 0.3)
LAST, HALF, ALL = Entrant("net", 8, "blocks.8", 1, 1.0), Entrant("net", 4, "blocks.4", 5, 2.0), Entrant("net", 0, "blocks.0", None, 4.0)
RATES = {8: 1e-2, 4: 3e-3, 0: 1e-3}
N = 8


def ran(entrant: Entrant, score: float) -> Result:
    return Result(entrant, [Heat(np.ones((1, 1), np.float32), entrant.seconds)], (score, -1.0))


def search(n: int = N, seconds: float = 1e9, views: int = 2, seed: int = 0) -> Search:
    return Search(n, lambda prices: sum(prices) <= seconds, lambda one: RATES[one.cut], views, seed)


def proposed(one: Search, results: list[Result]) -> list[Entrant]:
    """What it proposes when a lower rate does better, told one after another."""
    everybody, found = list(results), []
    while (proposal := one.ask(everybody)) is not None:
        rate = float(proposal.changes["learning_rate"])
        everybody.append(ran(proposal, 0.5 - math.log10(rate) / 100))
        one.tell(everybody[-1])
        found.append(proposal)
    return found


DEEP = [ran(HEAD, 0.9), ran(LAST, 0.8), ran(HALF, 0.7), ran(ALL, 0.6)]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 4))
def test_proposals_stay_in_their_ranges(seed: int, views: int) -> None:
    for one in proposed(search(views=views, seed=seed), [ran(HALF, 0.8), ran(LAST, 0.7)]):
        rate = float(one.changes["learning_rate"])
        assert RATES[one.cut] * LOWEST_SHARE * 0.999 <= rate <= RATES[one.cut] * 1.001
        allowed = CHOICES if one.n_blocks == 1 else {**CHOICES, **DEEP_CHOICES}
        assert set(one.changes) == {"learning_rate", *allowed} and all(one.changes[name] in values for name, values in allowed.items())
        assert one.views in (0, views) and one.source == "search"


def test_the_same_seed_proposes_the_same_and_another_seed_something_else() -> None:
    first, same, other = (proposed(search(seed=seed), DEEP) for seed in (0, 0, 1))
    assert first == same and first != other


def test_it_varies_the_two_that_did_best_and_never_a_linear_head() -> None:
    found = proposed(search(n=16), DEEP)
    assert {one.cut for one in found} <= {LAST.cut, HALF.cut} and not any(one.is_linear for one in found)
    assert {(one.model, one.block, one.n_blocks, one.seconds) for one in found} <= {(one.model, one.block, one.n_blocks, one.seconds) for one in (LAST, HALF)}


def test_where_only_heads_ran_nothing_is_proposed() -> None:
    unrun = Result(ALL)
    assert proposed(search(), [ran(HEAD, 0.9), unrun]) == []


@pytest.mark.parametrize("n", [0, 1, 5])
def test_it_stops_at_the_number_that_was_asked_for(n: int) -> None:
    assert len(proposed(search(n=n), DEEP)) == n


@pytest.mark.parametrize(("seconds", "n"), [(-1.0, 0), (1.9, 0), (2.0, 1), (7.0, 3)])
def test_it_stops_when_its_seconds_are_spent_at_the_price_of_the_dearer_base(seconds: float, n: int) -> None:
    assert len(proposed(search(seconds=seconds), DEEP)) == n


def test_with_its_proposals_the_whole_race_keeps_within_its_seconds() -> None:
    entered = [HEAD.seconds, LAST.seconds]
    one = Search(N, lambda further: race_seconds([*entered, *further], 3) <= 9.0, lambda one: RATES[one.cut], 0, 0)
    found = [proposal.seconds for proposal in proposed(one, [ran(HEAD, 0.9), ran(LAST, 0.8)])]
    assert found and race_seconds([*entered, *found], 3) <= 9.0 < race_seconds([*entered, *found, LAST.seconds], 3)


def test_what_had_no_time_counts_as_failed_and_the_search_goes_on() -> None:
    one = search(n=3)
    for _ in range(3):
        proposal = one.ask(DEEP)
        assert proposal is not None
        one.tell(Result(proposal))
    assert one.ask(DEEP) is None


def test_what_is_proposed_was_not_changed_and_changes_of_the_base_stay() -> None:
    base = Entrant("net", 8, "blocks.8", 1, 1.0, {"epochs": 3.0})
    (found,) = proposed(search(n=1), [ran(base, 0.5)])
    assert found.changes["epochs"] == 3.0 and base.changes == {"epochs": 3.0}


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    proposed(search(), DEEP)
    assert capfd.readouterr() == ("", "")
