"""Seconds as people write them; what is left of them; and shares that together never take more than theirs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.base.errors import InputError
from headstart.planning.budget import RACE_ALONE_SHARE, RACE_SHARE, Budget, race_share, seconds_in


@pytest.mark.parametrize(("words", "seconds"), [("120s", 120), ("2m", 120), ("2 min", 120), (" 90 ", 90), ("1.5H", 5400), ("0.5s", 0.5)])
def test_spans_of_time_are_read_as_people_write_them(words: str, seconds: float) -> None:
    assert seconds_in(words) == seconds


@pytest.mark.parametrize("words", ["", "m", "two minutes", "-5s", "0", "nan", "inf", "1e400", "5d", "1:30"])
def test_what_is_no_span_of_time_is_refused_with_examples(words: str) -> None:
    with pytest.raises(InputError, match=r"(?s)no span of time.*120s.*fix: --budget 120s"):
        seconds_in(words)


def test_without_a_limit_there_is_always_enough() -> None:
    free = Budget()
    assert free.left == free.until(0.1).left == free.less(1e9).left == float("inf")
    assert race_share(free, 5, 1, twins=True) is None


def test_what_is_left_counts_from_the_start_and_a_share_of_it_from_now() -> None:
    begun = Budget(100.0, time.perf_counter() - 40.0)
    assert begun.left == pytest.approx(60.0, abs=1.0)
    assert begun.until(0.5).left == pytest.approx(30.0, abs=1.0)
    assert begun.less(10.0).left == pytest.approx(50.0, abs=1.0)


def test_a_spent_budget_gives_nothing() -> None:
    spent = Budget(10.0, time.perf_counter() - 40.0)
    assert spent.left < 0 and spent.until(0.5).left <= 0 and race_share(spent, 3, 2, twins=True) == 0.0


@given(st.integers(1, 8), st.booleans(), st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_races_together_never_take_more_than_their_share_and_all_of_it_if_each_takes_its_part(n_races: int, twins: bool, used: list[float]) -> None:
    share = RACE_SHARE if twins else RACE_ALONE_SHARE
    for parts in ([1.0] * n_races, used[:n_races]):
        left = 1000.0
        for number, part in enumerate(parts, 1):
            mine = race_share(Budget(left), n_races, number, twins=twins)
            assert mine is not None and 0 <= mine <= left
            left -= part * mine
        assert 1000.0 - left <= share * 1000.0 + 0.1
        if set(parts) == {1.0}:
            assert 1000.0 - left == pytest.approx(share * 1000.0, abs=0.1)
