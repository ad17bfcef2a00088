"""Every rule gives a value with a reason; what the user pinned says so; facts and effort change what they should and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from headstart.planning.facts import Effort, Facts, Wishes, threads
from headstart.planning.plan import Plan
from headstart.planning.rules import BALANCED_FROM, DECIDING_ITEMS, first_plan

FACTS = Facts(
    n_train=600,
    n_validation=200,
    n_test=200,
    classes=("a", "b", "c"),
    smallest_class=180,
    imbalance=1.2,
    models=("small", "large"),
    has_bfloat16=True,
    threads=2,
)
PINNED = {"model": "models", "cut": "cuts", "learning_rate": "learning_rate"}
WISHES = {"model": "small", "cut": "last", "learning_rate": 0.003}


def changed(one: Plan, other: Plan) -> set[str]:
    return {a.name for a, b in zip(one.decisions, other.decisions, strict=True) if a.value != b.value}


@pytest.mark.parametrize("wishes", [Wishes(), Wishes(model="small", cut="all", seed=3, effort="thorough", learning_rate=0.1, precision="float32", twins=False)])
@pytest.mark.parametrize("imbalance", [1.0, 9.0])
@pytest.mark.parametrize("has_bfloat16", [True, False])
def test_every_decision_has_a_reason_and_is_made_once(wishes: Wishes, imbalance: float, has_bfloat16: bool) -> None:
    decisions = first_plan(replace(FACTS, imbalance=imbalance, has_bfloat16=has_bfloat16), wishes).decisions
    assert all(len(decision.why) > 5 for decision in decisions)
    assert len({decision.name for decision in decisions}) == len(decisions)
    assert all(decision.unit for decision in decisions if isinstance(decision.value, float)), "a number has a unit"


@pytest.mark.parametrize("wish", sorted(WISHES))
def test_what_was_pinned_stands_as_pinned_and_moves_nothing_else(wish: str) -> None:
    free, pinned = first_plan(FACTS, Wishes()), first_plan(FACTS, Wishes(**{wish: WISHES[wish]}))  # type: ignore[arg-type]
    decision = pinned.decision(PINNED[wish])
    assert decision.source == "pinned" and decision.why == "you asked for it" and WISHES[wish] in (decision.value, *pinned.words(PINNED[wish]))
    assert free.decision(PINNED[wish]).source == "rule"
    assert changed(free, pinned) == {PINNED[wish]}


def test_a_seed_and_an_arithmetic_that_were_asked_for_are_pinned() -> None:
    plan = first_plan(FACTS, Wishes(seed=7, precision="float32"))
    assert [(plan.decision(name).value, plan.decision(name).source) for name in ("seed", "precision")] == [(7, "pinned"), ("float32", "pinned")]
    assert plan["training_precision"] == "float32" == first_plan(replace(FACTS, has_bfloat16=False), Wishes())["training_precision"]


@pytest.mark.parametrize(("imbalance", "metric"), [(1.0, "accuracy"), (BALANCED_FROM - 0.01, "accuracy"), (BALANCED_FROM, "balanced_accuracy")])
def test_imbalance_switches_the_metric_and_is_named_in_the_reason(imbalance: float, metric: str) -> None:
    decision = first_plan(replace(FACTS, imbalance=imbalance), Wishes()).decision("metric")
    assert decision.value == metric and f"{imbalance:.1f} times" in decision.why


def test_more_effort_gives_more_epochs_and_the_scratch_twin_no_less_time() -> None:
    plans = [first_plan(FACTS, Wishes(effort=effort)) for effort in get_args(Effort)]
    epochs, times, least = ([plan.number(name) for plan in plans] for name in ("epochs", "scratch_times", "scratch_least_seconds"))
    assert sorted(set(epochs)) == epochs and sorted(set(least)) == least and sorted(times) == times
    assert changed(plans[0], plans[2]) == {"epochs", "scratch_times", "scratch_least_seconds"}


def test_without_twins_the_plan_says_what_that_costs_and_sets_no_time_for_them() -> None:
    plan = first_plan(FACTS, Wishes(twins=False))
    assert plan.decision("twins").value is False and "nobody will know" in plan.decision("twins").why
    assert not [decision for decision in plan.decisions if decision.name.startswith("scratch")]


def test_no_more_items_decide_than_there_are_or_are_needed() -> None:
    for n, expected in ((50, 50), (10 * DECIDING_ITEMS, DECIDING_ITEMS)):
        assert first_plan(replace(FACTS, n_validation=n), Wishes())["deciding_items"] == expected


def test_every_subscribed_model_competes() -> None:
    assert first_plan(FACTS, Wishes()).words("models") == ("small", "large")


def test_this_process_has_a_thread() -> None:
    assert threads() >= 1
