"""The scratch twin's time is parted among its phases, and what cannot hold a step leaves its time to the first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headstart.study.scratch import PHASES, timetable
from headstart.training.speed import Speed


def speeds(half: float, full: float) -> dict[bool, Speed]:
    return {True: Speed("float32", half), False: Speed("float32", full)}


def test_enough_time_holds_every_phase_at_its_own_share() -> None:
    assert timetable(100.0, speeds(0.1, 1.0)) == [(phase, phase.until) for phase in PHASES]


def test_a_phase_that_does_not_hold_a_step_leaves_its_time_to_the_first() -> None:
    assert timetable(4.0, speeds(0.5, 3.0)) == [(PHASES[0], 1.0)]


def test_a_network_that_takes_no_half_size_begins_at_full_size() -> None:
    found = timetable(100.0, {False: Speed("float32", 1.0)})
    assert [phase for phase, _ in found] == list(PHASES[1:]) and found[-1][1] == 1.0


@given(st.floats(0, 1000), st.floats(0.001, 50), st.floats(0.001, 50))
def test_there_is_always_a_first_phase_and_the_last_one_ends_with_the_time(seconds: float, half: float, full: float) -> None:
    ends = [share for _, share in timetable(seconds, speeds(half, full))]
    assert ends and sorted(ends) == ends and abs(ends[-1] - 1) < 1e-9


def test_what_was_only_estimated_must_fit_several_times_over() -> None:
    known, guessed = (timetable(7.0, {True: Speed("float32", 0.1, n), False: Speed("float32", 0.5, n)}) for n in (1, 0))
    assert [phase for phase, _ in known] == list(PHASES) and [phase for phase, _ in guessed] == [PHASES[0]]
