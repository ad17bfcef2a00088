"""Exact intervals of counts: Garwood's of events in time, Wilson's of a share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headstart.evaluation.rates import per_hour, share


@pytest.mark.parametrize(("events", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904)])
def test_poisson_intervals_are_those_of_the_tables(events: int, low: float, high: float) -> None:
    rate = per_hour(events, 1.0)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-4)
    assert per_hour(events, 4.0).high == pytest.approx(high / 4, abs=1e-4)


def test_the_poisson_interval_holds_the_truth_often_enough() -> None:
    drawn = np.random.default_rng(0).poisson(3.0, 2000)
    assert np.mean([per_hour(int(events), 1.0).low <= 3.0 <= per_hour(int(events), 1.0).high for events in drawn]) > 0.95


def test_wilson_is_known_and_nothing_measured_is_anything() -> None:
    found = share(0, 10)
    assert found.low == 0 and found.high == pytest.approx(0.2775, abs=1e-4)
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0) and per_hour(0, 0.0).high == math.inf
