"""Depth's regret arithmetic: what each rule takes of a record, what that loses, and a best that noise cannot flatter."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from benchmarks.depth_choice import CUTS, SPARED, cells, summary, took_words
from benchmarks.depth_rules import FIXED, RULES, fair_regret, regret, regrets, taken_by, truth
from benchmarks.tasks import TASKS


def cut(place: int, losses: list[float], right: list[int], test: float) -> dict[str, Any]:
    return {"place": place, "losses": losses, "right": right, "score": sum(right) / len(right), "test": scored(test)}


def scored(every: float, first: float | None = None, second: float | None = None) -> dict[str, float]:
    return {"all": every, "first": every if first is None else first, "second": every if second is None else second}


def record(task: str = "cells", seed: int = 0, *, raced: bool = True) -> dict[str, Any]:
    """The last block is a little surer than the head on every item; everything is right on one item more, but sure of what is wrong."""
    cuts = {
        "head": cut(9, [0.7, 0.3, 0.5, 0.9], [0, 1, 1, 0], 0.70),
        "last": cut(8, [0.6, 0.2, 0.4, 0.8], [0, 1, 1, 0], 0.72),
        "all": cut(0, [0.3, 0.1, 0.1, 2.5], [1, 1, 1, 0], 0.74),
    }
    race = {"rows": [{"place": 9, "views": 2, "source": "rule"}], "test": scored(0.73)} if raced else None
    return {"key": {"task": task, "model": "m", "per_class": 5, "seed": seed}, "values": {"cuts": cuts, "race": race}}


def test_the_truth_is_what_a_fit_to_everything_scores() -> None:
    assert truth(record()["values"]) == {"head": 0.70, "last": 0.72, "all": 0.74}


def test_the_rules_differ_in_what_they_look_at_and_in_how_sure_they_want_to_be() -> None:
    values = record()["values"]
    assert RULES["log-loss"](values) == "last" and RULES["score, then log-loss"](values) == "all"
    assert RULES["log-loss, the shallower within 1 SE"](values) == "last"  # better on every item by the same: there is no doubt
    assert RULES["score, the shallower within 0.25 SE"](values) == "all"


def test_regret_is_what_the_best_cut_has_more_and_may_be_below_nothing() -> None:
    values = record()["values"]
    assert regret(values, values["race"]["test"]) == pytest.approx(1.0)
    assert regret(values, scored(0.75)) == pytest.approx(-1.0)


def test_the_fair_regret_does_not_let_noise_choose_the_best() -> None:
    values = record()["values"]
    values["cuts"]["head"]["test"] = scored(0.70, 0.80, 0.60)
    values["cuts"]["last"]["test"] = scored(0.70, 0.60, 0.80)
    values["cuts"]["all"]["test"] = scored(0.70)
    assert fair_regret(values, scored(0.70)) == pytest.approx(-10.0)


def test_a_cut_that_a_run_lacks_is_not_compared_nor_a_race_that_was_not_run() -> None:
    taken = taken_by(record()["values"])
    assert taken["always everything"]["all"] == 0.74 and "always half" not in taken and set(FIXED.values()) == set(CUTS)
    assert "headstart's race" not in taken_by(record(raced=False)["values"])


def test_regrets_are_means_over_seeds_one_a_task_network_and_number_of_labels() -> None:
    records = [record(), record(seed=1), record("birds")]
    assert regrets(records, regret)["headstart's race"] == [pytest.approx(1.0), pytest.approx(1.0)]
    assert regrets([record(raced=False), record(seed=1), record("birds", raced=False)], regret)["headstart's race"] == [pytest.approx(1.0)]


def test_the_summary_names_what_the_race_took_and_renders_without_records() -> None:
    assert took_words(record()["values"]) == "head, 2 views" and took_words(record(raced=False)["values"]) == "–"
    text = summary([record(), record(seed=1)])
    assert "| headstart's race | 1.00 (1.00 to 1.00) | 1.00 |" in text and "The race took: head, 2 views 2 times." in text
    assert "Nothing measured yet." in summary([])


def test_the_cheapest_cells_come_first_and_small_tasks_keep_what_can_be_tested() -> None:
    given = argparse.Namespace(tasks=["digits"], per_class=[100, 5], seeds=[0, 1], models=["m"], cuts=list(CUTS), proposals=0, patience=3, test=1000)
    found, left = cells(given), int(SPARED * TASKS["digits"].most_test(1000))
    assert [(key["n"], key["seed"], key["n_test"]) for key in found] == [(50, 0, 1000), (50, 1, 1000), (1000, 0, left), (1000, 1, left)]
