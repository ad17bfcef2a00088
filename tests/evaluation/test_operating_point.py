"""The threshold of a wake word: lowest that keeps the promise, steadier than the loudest sound, and honest about few hours."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.evaluation.operating_point import operating_point, peaks, steps_of_detections

REST = 13
STEPS_AN_HOUR = 45_000


def test_the_threshold_is_the_lowest_that_keeps_the_promise_where_few_sounds_are_loud() -> None:
    logits = np.zeros(1000, np.float32)
    logits[[100, 103, 400, 700]] = [5.0, 4.0, 3.0, 2.0]
    found = operating_point([logits[:760]], hours=10.0, asked=0.2, rest_steps=REST)
    assert found.threshold == 3.0 and found.accepted.n == 2 and found.accepted.value == 0.2
    strict = operating_point([logits], hours=1.0, asked=0.5, rest_steps=REST)
    assert strict.threshold > 5 and strict.accepted.n == 0


def test_after_a_detection_it_rests_for_a_second() -> None:
    logits = np.zeros(40, np.float32)
    logits[5:30] = 9
    assert steps_of_detections(logits, 1.0, REST) == [5, 18]
    assert peaks(logits, REST, 30)[0] == 9.0 and len(peaks(logits, REST, 30)) <= 4 and peaks(logits, REST, 1) == [9.0]


def test_hours_without_a_false_accept_promise_what_their_interval_reaches() -> None:
    logits = np.random.default_rng(0).normal(size=8 * STEPS_AN_HOUR).astype(np.float32)
    long, short = (operating_point([logits[: hours * STEPS_AN_HOUR]], hours, 0.5, rest_steps=REST) for hours in (8, 2))
    assert not short.promised and short.hours_to_promise == long.hours_to_promise and 7 < short.hours_to_promise < 8
    strict = operating_point([logits], 8.0, 0.01, rest_steps=REST)
    assert strict.accepted.n == 0 and strict.threshold > long.threshold > short.threshold - 2


def test_in_one_long_recording_many_false_accepts_are_allowed_where_many_are_asked_for() -> None:
    hours = 5
    logits = np.random.default_rng(0).normal(size=hours * STEPS_AN_HOUR).astype(np.float32)
    found = [operating_point([logits], hours, asked, rest_steps=REST).accepted.value for asked in (10.0, 20.0, 60.0, 600.0)]
    assert all(0.9 * asked <= value <= asked for asked, value in zip((10.0, 20.0, 60.0, 600.0), found, strict=True)), found
    parts = [operating_point(np.split(logits, n), hours, 60.0, rest_steps=REST).threshold for n in (1, 50)]
    assert abs(parts[0] - parts[1]) < 0.05  # however the hours are cut


@given(st.integers(0, 20))
def test_what_was_chosen_on_some_hours_holds_on_others(seed: int) -> None:
    """Laplace noise has the tail that the line supposes: over many draws the rate on unseen hours stays near the one that was asked for."""
    generator = np.random.default_rng(seed)
    seen, unseen = (generator.laplace(size=n * STEPS_AN_HOUR // 10).astype(np.float32) for n in (4, 40))
    chosen = operating_point([seen], 4.0, 2.0, rest_steps=REST)
    assert len(steps_of_detections(unseen, chosen.threshold, REST)) / 40 < 5.0
