"""Depth's regret arithmetic: what each rule takes of a record, what that loses, and a best that noise cannot flatter."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from benchmarks.depth_choice import CUTS, SPARED, cells, summary, took_words
from benchmarks.depth_rules import END_RULES, FIXED, RULES, fair_regret, mean, regret, regrets, taken_by, truth
from benchmarks.tasks import TASKS


def cut(place: int, scores: list[float], log_loss: float, test: float, whole: float, crossed: float) -> dict[str, Any]:
    folds = [{"n": 20, "score": score, "accuracy": score, "log_loss": log_loss, "best_epoch": 1, "history": [[log_loss, score]]} for score in scores]
    return {
        "place": place,
        "folds": folds,
        "calibrated_log_loss": log_loss,
        "crossed_score": crossed,
        "crossed_log_loss": log_loss,
        "end_score": crossed,
        "end_log_loss": log_loss,
        "end_calibrated_log_loss": log_loss,
        "test": scored(test),
        "whole": scored(whole),
    }


def scored(every: float, first: float | None = None, second: float | None = None) -> dict[str, float]:
    return {"all": every, "first": every if first is None else first, "second": every if second is None else second}


def record(task: str = "cells", seed: int = 0, **changes: Any) -> dict[str, Any]:
    cuts = {
        "head": cut(9, [0.60, 0.60], 0.9, 0.70, 0.70, 0.60),
        "last": cut(8, [0.60, 0.65], 0.8, 0.72, 0.71, 0.60),
        "all": cut(0, [0.70, 0.70], 0.7, 0.65, 0.74, 0.55),
    }
    race = {"rows": [{"place": 9, "views": 2, "source": "rule"}], "test": scored(0.73)}
    return {"key": {"task": task, "model": "m", "per_class": 5, "seed": seed}, "values": {"cuts": cuts, "race": race, **changes}}


def test_a_folds_value_counts_by_its_items() -> None:
    assert mean(record()["values"], "last", "score") == pytest.approx(0.625)


def test_the_truth_is_the_better_of_all_epochs_and_of_those_that_validation_found_best() -> None:
    assert truth(record()["values"]) == {"head": 0.70, "last": 0.72, "all": 0.74}


def test_every_rule_takes_a_cut_that_there_is() -> None:
    values = record()["values"]
    assert {rule(values) for rule in [*RULES.values(), *END_RULES.values()]} <= set(values["cuts"])


def test_the_rules_differ_where_validation_chose_its_own_epochs() -> None:
    values = record()["values"]
    assert RULES["score, then log-loss"](values) == "all" and RULES["log-loss"](values) == "all"
    assert RULES["crossed score, then crossed log-loss"](values) == "last"
    assert RULES["shallowest within 1 SE of the best crossed score"](values) == "head"
    assert END_RULES["last epoch: log-loss"](values) == "all" and END_RULES["last epoch: shallowest within 1 SE of the best score"](values) == "head"


def test_regret_is_what_the_best_cut_has_more_and_may_be_below_nothing() -> None:
    values = record()["values"]
    assert regret(values, values["race"]["test"]) == pytest.approx(1.0)
    assert regret(values, scored(0.75)) == pytest.approx(-1.0)


def test_the_fair_regret_does_not_let_noise_choose_the_best() -> None:
    values = record()["values"]
    values["cuts"] = {name: {**found, "test": found["whole"]} for name, found in values["cuts"].items()}
    values["cuts"]["head"] |= {"test": scored(0.70, 0.80, 0.60), "whole": scored(0.70, 0.80, 0.60)}
    values["cuts"]["last"] |= {"test": scored(0.70, 0.60, 0.80), "whole": scored(0.70, 0.60, 0.80)}
    values["cuts"]["all"] |= {"test": scored(0.70), "whole": scored(0.70)}
    assert fair_regret(values, scored(0.70)) == pytest.approx(-10.0)


def test_fixed_cuts_are_trained_for_all_epochs_and_one_that_a_run_lacks_is_not_compared() -> None:
    taken = taken_by(record()["values"])
    assert taken["always everything"]["all"] == 0.74 and "always half" not in taken and set(FIXED.values()) == set(CUTS)


def test_regrets_are_means_over_seeds_one_a_task_network_and_number_of_labels() -> None:
    records = [record(), record(seed=1), record("birds")]
    assert regrets(records, regret)["headstart's race"] == [pytest.approx(1.0), pytest.approx(1.0)]


def test_the_summary_names_what_the_race_took_and_renders_without_records() -> None:
    assert took_words(record()["values"]) == "head, 2 views"
    text = summary([record(), record(seed=1)])
    assert "| headstart's race | 1.00 (1.00 to 1.00) | 1.00 |" in text and "The race took: head, 2 views 2 times." in text
    assert "Nothing measured yet." in summary([])


def test_the_cheapest_cells_come_first_and_small_tasks_keep_what_can_be_tested() -> None:
    given = argparse.Namespace(tasks=["digits"], per_class=[100, 5], seeds=[0, 1], models=["m"], cuts=list(CUTS), proposals=0, patience=3, test=1000)
    found, left = cells(given), int(SPARED * TASKS["digits"].most_test(1000))
    assert [(key["n"], key["seed"], key["n_test"]) for key in found] == [(50, 0, 1000), (50, 1, 1000), (1000, 0, left), (1000, 1, left)]
