"""The schedule: a rate that rises and falls, blocks that join one by one, a number of steps that is never 0."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.training.made import SETTINGS

from headstart.training.settings import joins_at, n_steps, rate_factor

SHARES = st.floats(0, 1)


@given(done=SHARES, warmup=st.floats(0, 0.9))
def test_the_rate_lies_between_0_and_its_peak_and_ends_at_0(done: float, warmup: float) -> None:
    assert 0.0 <= rate_factor(done, warmup) <= 1.0
    assert rate_factor(warmup, warmup) == 1.0
    assert abs(rate_factor(1.0, warmup)) < 1e-12 and rate_factor(1.5, warmup) == rate_factor(1.0, warmup)


@given(st.floats(0, 0.9), SHARES, SHARES)
def test_the_rate_only_rises_before_the_peak_and_only_falls_behind_it(warmup: float, one: float, other: float) -> None:
    early, late = min(one, other), max(one, other)
    if late < warmup:
        assert rate_factor(early, warmup) <= rate_factor(late, warmup)
    elif early >= warmup:
        assert rate_factor(early, warmup) >= rate_factor(late, warmup)


@given(n_items=st.integers(1, 5000), batch=st.integers(1, 64), epochs=st.floats(0.001, 20))
def test_steps_are_epochs_times_batches_and_at_least_one(n_items: int, batch: int, epochs: float) -> None:
    steps = n_steps(n_items, replace(SETTINGS, batch_items=batch, epochs=epochs))
    n_batches = math.ceil(n_items / batch) - (n_items > batch > 1 and n_items % batch == 1)  # a single item that is left joins the batch before it
    assert steps >= 1 and abs(steps - epochs * n_batches) <= max(0.5, 1 - epochs * n_batches)


@given(farthest=st.integers(1, 30), unfreeze=SHARES)
def test_blocks_join_from_the_head_down_and_all_have_joined_by_the_share(farthest: int, unfreeze: float) -> None:
    joins = [joins_at(distance, farthest, unfreeze) for distance in range(farthest + 1)]
    assert joins[:2] == [0.0, 0.0] and joins == sorted(joins)
    assert abs(joins[-1] - (unfreeze if farthest > 1 else 0.0)) < 1e-12


def test_without_unfreezing_everything_trains_from_the_start() -> None:
    assert {joins_at(distance, 9, 0.0) for distance in range(10)} == {0.0}
