"""The time left: reckoned from the plan, then from what has begun, and from what earlier runs took; with a budget it is the budget."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.planning.made import facts

from headstart.base.events import Event
from headstart.base.journal import Book, Journal
from headstart.planning.facts import Wishes
from headstart.planning.plan import Plan
from headstart.planning.rules import first_plan
from headstart.study.clock import Clock
from headstart.study.forecast import USUAL, Forecast

MODELS, ITEMS, END = 2, 100, 3.0


def plan(wishes: Wishes | None = None) -> Plan:
    return first_plan(facts(), wishes or Wishes())


def begun(heard: list[Event], *, ago: float = 10.0, budget: float | None = None) -> Forecast:
    """A forecast of a run that has worked for ten seconds."""
    made = Forecast(heard.append, Journal(Book(None, time.perf_counter() - ago)), budget)
    made.planned(plan(), MODELS, ITEMS, "image-usual", END)
    return made


def raced(forecast: Forecast, seconds: float, rounds: int) -> None:
    for number in range(rounds):
        forecast(Event("end", f"rank and race in round {number + 1} of 6", seconds=seconds))


def test_before_anything_has_begun_every_part_is_reckoned_from_plan_and_rates(empty_home: Path) -> None:
    heard: list[Event] = []
    left = begun(heard).left()
    races = plan().number("rounds") + (plan().number("rounds") > 1)
    assert left["candidates"] == MODELS * (USUAL["model"] + ITEMS * USUAL["item"]) and left["end"] == END
    assert left["race"] == pytest.approx(races * USUAL["round"] * plan().number("race_seconds"))
    needed = left["candidates"] / MODELS + left["race"]  # one of the models is taken
    assert left["scratch"] == pytest.approx(max(needed * plan().number("scratch_times"), plan().number("scratch_least_seconds")))
    (told,) = heard
    assert told.kind == "forecast" and told.seconds == pytest.approx(sum(left.values()), abs=0.1)
    assert told.data["at"] == pytest.approx(10, abs=1) and told.data["total"] == pytest.approx(told.data["at"] + told.seconds, abs=0.02)


def test_rounds_that_have_ended_tell_what_the_others_take_and_how_long_the_twin_gets(empty_home: Path) -> None:
    forecast = begun([])
    forecast.leaves("candidates", 40.0)
    forecast.enters("race")
    raced(forecast, 70.0, rounds=2)
    left, races = forecast.left(), plan().number("rounds") + (plan().number("rounds") > 1)
    assert "candidates" not in left and left["race"] == pytest.approx(70.0 * races, abs=1), "these rounds have taken no time yet"
    assert left["scratch"] == pytest.approx(40 / MODELS + 70.0 * races)
    forecast.leaves("race", 70.0 * races)
    forecast.twin(33.0, rounds=3)
    assert "race" not in forecast.left() and forecast.left()["scratch"] == 33.0
    forecast.enters("scratch")
    forecast(Event("end", "twin from scratch in round 1 of 3", seconds=40.0))
    assert forecast.left()["scratch"] == pytest.approx(3 * 40, abs=1), "what a round took, its opening and its answers too, tells of the others"


def test_a_first_round_that_measures_for_all_does_not_tell_what_the_others_take(empty_home: Path) -> None:
    forecast = begun([])
    forecast.leaves("candidates", 20.0)
    forecast.enters("race")
    forecast(Event("end", "activations", seconds=480.0))
    raced(forecast, 500.0, rounds=1)
    races = plan().number("rounds") + (plan().number("rounds") > 1)
    assert races > 2 and forecast.left()["race"] == pytest.approx(500 + (races - 1) * 20.0, abs=1)
    forecast(Event("end", "activations", seconds=7.0))
    raced(forecast, 10.0, rounds=1)
    assert forecast.left()["race"] == pytest.approx(500 + (races - 1) * 10.0, abs=1)


def test_a_pass_that_is_under_way_shows_how_long_it_takes(empty_home: Path) -> None:
    forecast = begun([])
    forecast.enters("candidates")
    forecast(Event("start", "open one"))
    time.sleep(0.2)
    forecast(Event("progress", "activations", done=25, total=100))
    assert forecast.left()["candidates"] == pytest.approx(0.6 + 0.8, rel=0.3), "three quarters of this pass, and a whole one of the other model"


def test_a_budget_is_the_forecast(empty_home: Path) -> None:
    heard: list[Event] = []
    begun(heard, budget=60.0).enters("race")
    assert heard[-1].seconds == pytest.approx(50, abs=1) and heard[-1].data["total"] == pytest.approx(60, abs=0.1)


def test_what_a_run_took_is_kept_for_the_next_and_damage_counts_as_nothing(empty_home: Path) -> None:
    first = begun([])
    clock = Clock(first.journal, first)
    with clock("plain"):
        time.sleep(0.3)
    raced(first, 3.0, rounds=1)
    first.enters("race")
    raced(first, 3.0, rounds=1)
    first.keep()
    kept = empty_home / "engines" / "forecast-image-usual.json"
    second = begun([])
    rate = 0.5 * USUAL["round"] + 0.5 * 3.0 / plan().number("race_seconds")
    assert second.left()["race"] == pytest.approx(rate * plan().number("race_seconds") * (plan().number("rounds") + (plan().number("rounds") > 1)), rel=0.01)
    assert 0 < second.left()["plain"] < begun([]).left()["plain"] + 1
    usual = plan().number("race_seconds") * USUAL["round"] * (plan().number("rounds") + (plan().number("rounds") > 1))
    for damage in ("{", "[]", '{"round": "x"}', '{"round": 1e9}', '{"round": -1}'):
        kept.write_text(damage, encoding="utf-8")
        assert begun([]).left()["race"] == pytest.approx(usual)


def test_a_run_that_has_not_been_planned_forecasts_nothing_and_every_event_goes_on(empty_home: Path) -> None:
    heard: list[Event] = []
    forecast = Forecast(heard.append, Journal(Book(None, time.perf_counter())))
    forecast(Event("start", "read"))
    forecast.enters("read")
    forecast.keep()
    assert [event.kind for event in heard] == ["start"] and not (empty_home / "engines").exists()
