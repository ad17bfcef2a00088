"""A round's arms look at its test items once; predictions of several rounds join in their order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.made import made
from tests.study.made import Teller, arm, planned, posed

from headstart.evaluation.predictions import Predictions, joined
from headstart.study.evidence import label_errors
from headstart.study.problem import Problem, last_round, rounds
from headstart.study.round import Round, let_others_go, taught
from headstart.study.verdict import places, said

DATASET = made([0, 1, 2] * 20)


def problems(home: Path) -> list[Problem]:
    parts, plan = planned(DATASET)
    return [posed(DATASET, one, plan, home) for one in [*rounds(DATASET, parts, plan), last_round(parts, plan)]]


def a_round(problem: Problem, **arms: Any) -> Round:
    return Round(problem, None, None, arms)  # type: ignore[arg-type]  # what ranked and raced is not asked


def test_every_arm_looks_at_the_test_items_once_also_when_it_comes_later(tmp_path: Path) -> None:
    problem = problems(tmp_path)[0]
    one = a_round(problem, transfer=arm("transfer", problem))
    one.look()
    one.arms["scratch"] = arm("scratch", problem)
    one.look()
    one.look()
    for late in one.arms.values():
        assert isinstance(late.answer, Teller) and late.answer.asked == [problem.split.test.tolist()]
    assert one.on_test["transfer"] == one.on_test["scratch"] and one.on_test["transfer"].right.all()


def test_where_there_is_no_test_nobody_looks(tmp_path: Path) -> None:
    problem = problems(tmp_path)[-1]
    one = a_round(problem, transfer=arm("transfer", problem))
    one.look()
    assert one.on_test == {} and isinstance(one.arms["transfer"].answer, Teller) and one.arms["transfer"].answer.asked == []


def test_rounds_join_into_predictions_of_every_item(tmp_path: Path) -> None:
    played = [a_round(problem, transfer=arm("transfer", problem, wrong=[4])) for problem in problems(tmp_path)[:-1]]
    for one in played:
        one.look()
    whole = joined([one.on_test["transfer"] for one in played])
    assert sorted(whole.items) == sorted(DATASET.sources) and whole.classes == DATASET.classes
    assert [whole.items[place] for place in np.flatnonzero(~whole.right)] == ["4.png"]
    place = {source: n for n, source in enumerate(DATASET.sources)}
    assert whole.truth.tolist() == [int(DATASET.labels[place[item]]) for item in whole.items]
    assert whole.units.tolist() == [int(played[0].problem.split.units[place[item]]) for item in whole.items]


def test_one_part_is_itself() -> None:
    only = Predictions(("a",), np.array([0]), np.array([[1.0, 0.0]], np.float32), ("x", "y"), np.array([0]))
    assert joined([only]) is only
    with pytest.raises(IndexError):
        joined([])


def test_labels_are_doubted_also_where_the_network_from_scratch_is_chosen_and_only_one_round_judged(tmp_path: Path) -> None:
    """It is trained in judged rounds only: the round that is delivered has none."""
    judged, *_, last = [a_round(problem, transfer=arm("transfer", problem)) for problem in problems(tmp_path)]
    judged.arms["scratch"] = arm("scratch", judged.problem)
    judged.look()
    found = label_errors(last, [judged], "scratch")
    assert found["n_judged"] == len(judged.problem.split.test) + len(judged.problem.held()) and found["rows"] == []


def test_a_network_from_scratch_that_was_trained_in_one_of_several_rounds_and_asked_about_some_items_is_matched_with_these(tmp_path: Path) -> None:
    played = [a_round(problem, transfer=arm("transfer", problem)) for problem in problems(tmp_path)]
    judged, last = played[:-1], played[-1]
    first = judged[0]
    some = first.problem.split.test[1::2]
    first.arms["scratch"] = replace(arm("scratch", first.problem, wrong=[int(some[1])]), test_items=some)
    for one in judged:
        one.look()
    told = said(judged, "scratch")
    assert told is not None and [DATASET.sources[place] for place in places(judged, "scratch")] == list(told.items)
    assert label_errors(last, judged, "scratch")["n_judged"] == len(some)


def test_doubted_labels_of_items_that_chose_a_twins_epoch_are_those_of_these_items_and_nobody_is_judged_twice(tmp_path: Path) -> None:
    """The twin was judged on some held items only, not the first ones; one of their labels is wrong in its eyes."""
    judged, *_, last = [a_round(problem, transfer=arm("transfer", problem)) for problem in problems(tmp_path)]
    held = judged.problem.held()
    some = held[1::2]
    doubted = int(some[-1])
    judged.arms["scratch"] = arm("scratch", judged.problem, wrong=[doubted], judged=some)
    judged.look()
    found = label_errors(last, [judged], "scratch")
    assert found["n_judged"] == len(judged.problem.split.test) + len(some)
    assert {row["position"] for row in found["rows"]} <= {doubted}
    everything = label_errors(last, [judged], "transfer")
    assert everything["n_judged"] == len(set(judged.on_test["transfer"].items) | set(last.arms["transfer"].validation.items))


def test_the_twin_that_is_delivered_is_one_of_the_delivered_network_and_only_its_weights_are_kept(tmp_path: Path) -> None:
    """Found as bugs: always the first round's, whose network may be another, and which a budget may have left no time."""
    played = [a_round(problem, transfer=arm("transfer", problem)) for problem in problems(tmp_path)]
    for one, model in zip(played[1:4], ("other", "net", "net"), strict=True):
        one.arms["scratch"] = replace(arm("scratch", one.problem), model=model, weights={})
        one.look()
    assert taught(played, "net") is played[2] and taught(played, "other") is taught(played, "neither") is played[1]
    let_others_go(played, "net")
    assert [one.arms["scratch"].weights is None for one in played[1:4]] == [True, False, True]
