"""How a question is posed: who may be learnt from, who is held out when, and that every item is tested once where a test would be small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.made import made
from tests.study.made import planned, posed

from headstart.base.errors import InputError
from headstart.data import Dataset, Split
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision, Plan
from headstart.study.problem import known_facts, last_round, rounds
from headstart.study.scratch import _parts

LABELS = [0, 1, 2] * 30


def disjoint(*parts: np.ndarray) -> bool:
    return len(np.unique(np.concatenate(parts))) == sum(map(len, parts))


def grouped() -> Dataset:
    """90 items of 30 patients with three items each, one patient with two classes; two pairs that look alike across patients."""
    return made(LABELS, groups=[str(n // 3 % 30) for n in range(90)], near=[(0, 4), (40, 50)])


NEAR = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=30, max_size=80), NEAR, st.integers(0, 99))
def test_every_item_is_tested_at_most_once_and_no_unit_is_torn(
    tmp_path_factory: pytest.TempPathFactory, labels: list[int], near: list[tuple[int, int]], seed: int
) -> None:
    dataset = made([*[0, 1, 2] * 5, *labels], near=[pair for pair in near if pair[0] != pair[1]])
    try:
        parts, plan = planned(dataset, Wishes(seed=seed))
    except InputError:
        return  # look-alikes bind a class together: refused at the door
    home = tmp_path_factory.mktemp("store")
    divisions = rounds(dataset, parts, plan)
    assert len(divisions) == 5 and disjoint(*(one.test for one in divisions))
    for one in divisions:
        problem = posed(dataset, one, plan, home)
        units = one.units
        assert disjoint(problem.pool, one.test) and len(problem.pool) + len(one.test) == len(dataset)
        assert not np.isin(units[one.test], units[problem.pool]).any()
        assert set(dataset.labels[problem.pool]) == set(dataset.labels), "every class is learnt"
        for held_out in (problem.heats, problem.folds):
            assert disjoint(*(held for _, held in held_out))
            for fitted, held in held_out:
                assert disjoint(fitted, held) and np.isin(np.concatenate([fitted, held]), problem.pool).all()
                assert not np.isin(units[held], units[fitted]).any()


def test_the_twin_is_never_fitted_to_a_unit_that_chooses_its_epoch(tmp_path: Path) -> None:
    """With so many items that some of the validation part decide: the others, of the same patients, are not learnt from either."""
    dataset = made([n % 2 for n in range(12_000)], groups=[str(n // 40) for n in range(12_000)])
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    fitted, deciding = _parts(problem, len(dataset))
    assert len(deciding) > 100 and not np.isin(parts.units[deciding], parts.units[fitted]).any() and np.isin(fitted, problem.pool).all()


def test_groups_stay_whole_in_rounds_heats_and_folds(tmp_path: Path) -> None:
    dataset = grouped()
    parts, plan = planned(dataset)
    groups = np.array(dataset.groups)
    tested: list[int] = []
    for one in rounds(dataset, parts, plan):
        problem = posed(dataset, one, plan, tmp_path)
        tested += one.test.tolist()
        assert not set(groups[one.test]) & set(groups[problem.pool])
        assert all(not set(groups[held]) & set(groups[fitted]) for fitted, held in (*problem.heats, *problem.folds))
    assert sorted(tested) == list(range(90))


def test_rounds_follow_from_the_seed_and_the_heats_of_a_round_are_not_its_folds(tmp_path: Path) -> None:
    dataset = made(LABELS)

    def tests(seed: int) -> list[list[int]]:
        return [one.test.tolist() for one in rounds(dataset, *planned(dataset, Wishes(seed=seed)))]

    assert tests(0) == tests(0) != tests(1)
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    assert {tuple(held) for _, held in problem.heats}.isdisjoint(tuple(held) for _, held in problem.folds)
    assert len(problem.heats) == plan.number("race_folds") and len(problem.folds) == plan.number("folds")


def test_after_rounds_the_delivered_model_may_learn_from_everything() -> None:
    dataset = made(LABELS)
    parts, plan = planned(dataset)
    last = last_round(parts, plan)
    assert last.train.tolist() == list(range(90)) and not len(last.test) and not len(last.validation)


def test_a_test_that_is_large_enough_stays_the_only_one() -> None:
    dataset = made([0, 1] * 800)
    parts, plan = planned(dataset)
    assert plan["rounds"] == 1 and rounds(dataset, parts, plan) == [parts] and last_round(parts, plan) is parts


def test_parts_that_the_data_set_names_are_kept(tmp_path: Path) -> None:
    given = ["train"] * 60 + ["validation"] * 15 + ["test"] * 15
    dataset = made(LABELS, given=given)
    parts, plan = planned(dataset)
    assert rounds(dataset, parts, plan) == [parts] and known_facts(dataset, parts, []).given == ("test", "train", "validation")
    problem = posed(dataset, parts, plan, tmp_path)
    ((fitted, held),) = problem.heats
    assert (fitted.tolist(), held.tolist(), parts.test.tolist()) == (list(range(60)), list(range(60, 75)), list(range(75, 90)))
    assert problem.pool.tolist() == list(range(75))


def test_no_more_validation_items_decide_than_the_plan_says(tmp_path: Path) -> None:
    dataset = made(LABELS, given=["train"] * 60 + ["validation"] * 15 + ["test"] * 15)
    parts, plan = planned(dataset)
    fewer = plan.decide(replace(plan.decision("deciding_items"), value=6))
    ((fitted, held),) = posed(dataset, parts, fewer, tmp_path).heats
    assert len(held) == 6 and set(held) <= set(parts.validation) and fitted.tolist() == list(range(60))


def test_held_items_come_heat_after_heat(tmp_path: Path) -> None:
    dataset = made(LABELS)
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    assert problem.held(2).tolist() == [*problem.heats[0][1], *problem.heats[1][1]]
    assert sorted(problem.held()) == problem.pool.tolist() == np.union1d(parts.train, parts.validation).tolist()


def test_the_facts_count_the_training_items_of_each_class() -> None:
    parts = Split(np.arange(8), np.arange(8, 10), np.arange(10, 12), "made", "digest", 0, np.arange(12))
    facts = known_facts(made([0] * 6 + [1] * 2 + [0, 1, 0, 1]), parts, ["a", "b"])
    assert (facts.n_train, facts.n_validation, facts.n_test, facts.smallest_class, facts.imbalance) == (8, 2, 2, 2, 3.0)
    assert facts.models == ("a", "b") and facts.given == () and facts.n_pool == 10


def test_a_plan_that_wants_one_round_gets_the_split_itself() -> None:
    dataset = made(LABELS)
    parts, plan = planned(dataset)
    assert rounds(dataset, parts, Plan((*(one for one in plan.decisions if one.name != "rounds"), Decision("rounds", 1, "", "why", "pinned")))) == [parts]
