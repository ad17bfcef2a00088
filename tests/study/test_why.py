"""What is said of a race compares like with like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.cli.test_rank import RANKING
from tests.data.made import made
from tests.planning.made import USUAL as FACTS
from tests.study.made import arm, planned, posed, sure

from headstart.planning.entrants import Entrant
from headstart.planning.facts import Wishes
from headstart.planning.rules import first_plan
from headstart.study.problem import Problem
from headstart.study.round import Round
from headstart.study.tracks import judged, worth
from headstart.study.transfer import Raced
from headstart.study.why import competed, overruled, setting_words, this_cut, this_setting
from headstart.training.race import Heat, Result

HEAD, LAST = Entrant("net", 9, "head", 0, 0.3), Entrant("net", 8, "blocks.8", 1, 1.0)


def result(problem: Problem, entrant: Entrant, wrong: list[list[int]]) -> Result:
    """It is wrong about items at some places of each fold that it ran."""
    labels = [problem.dataset.labels[held] for _, held in problem.heats]
    heats = [Heat(sure(labels[fold], 2, places), 1.0) for fold, places in enumerate(wrong)]
    return Result(entrant, heats, (float(worth(problem, heats).mean()), problem.score(judged(problem, heats))), "finalist")


def played(problem: Problem, first: Result, winner: Result) -> Round:
    raced = Raced(arm("transfer", problem), (winner, first), (), winner, 1.0, 1.0, first.entrant, 1.0)
    return Round(problem, RANKING, raced, {})


def test_what_the_rule_would_have_taken_is_compared_on_the_folds_that_it_ran(tmp_path: Path) -> None:
    """Found as a bug: 95 % over one fold stood beside the winner's 90 % over two, as if the better had lost."""
    dataset = made([0, 1] * 30)
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    n = len(problem.heats[0][1])
    head = result(problem, HEAD, [[0, 1]])
    last = result(problem, LAST, [[0], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]])
    said = overruled(played(problem, head, last), Wishes())
    losses = [-float(worth(problem, one.heats[:1]).mean()) for one in (head, last)]
    expected = (
        f"over 1 fold it reached {100 * (1 - 2 / n):.1f} % at a log-loss of {losses[0]:.3f}, the last block {100 * (1 - 1 / n):.1f} % at {losses[1]:.3f}."
    )
    assert said == f"The rule would have begun with the head alone; {expected}" and losses[0] > losses[1]


def test_a_setting_is_put_down_to_what_chose_it() -> None:
    search = Entrant("net", 0, "blocks.0", None, 1.0, {"learning_rate": 1e-4}, source="search")
    assert "search" in this_setting(search)
    for changes, word in (({"learning_rate": 3e-5}, "range test"), ({"contrastive": 0.1, "epochs": 9.0}, "contrastive"), ({"lora_rank": 8}, "adapters")):
        said = this_setting(Entrant("net", 0, "blocks.0", None, 1.0, changes))
        assert word in said and "search" not in said
    assert setting_words(search) == " with learning rate 0.0001" and setting_words(LAST) == ""


def test_what_is_a_mean_of_finalists_is_said_behind_what_it_retrained_and_entrants_stand_apart(tmp_path: Path) -> None:
    """Found as a bug: "the mean of two finalists, down to the last block 97.5 % at 0.109" stood in a row of commas."""
    dataset = made([0, 1] * 30)
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    head, mean = result(problem, HEAD, [[0]]), result(problem, replace(LAST, source="average"), [[0, 1]])
    why = this_cut(played(problem, mean, head), Wishes()).why
    assert "; the last block (the mean of two finalists): " in why and "down to" not in why


def test_another_network_is_called_by_its_title(tmp_path: Path) -> None:
    dataset = made([0, 1] * 30)
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    other = result(problem, Entrant("resnet50_thin", 8, "blocks.8", 1, 1.0), [[0, 1]])
    assert "; Resnet50_Thin's last block: " in this_cut(played(problem, other, result(problem, HEAD, [[0]])), Wishes()).why


def test_nothing_is_overruled_where_the_rule_agreed_or_the_cut_was_asked_for(tmp_path: Path) -> None:
    dataset = made([0, 1] * 30)
    parts, plan = planned(dataset)
    problem = posed(dataset, parts, plan, tmp_path)
    head, last = result(problem, HEAD, [[0]]), result(problem, LAST, [[]])
    assert overruled(played(problem, head, head), Wishes()) == "" == overruled(played(problem, head, last), Wishes(cut="last"))


def test_the_plan_says_how_many_models_and_rounds_there_really_were() -> None:
    plan = first_plan(replace(FACTS, models=("a", "b", "c"), n_test=50), Wishes())
    assert competed(plan, ("a", "b", "c"), 5, 5) == plan
    short = competed(plan, ("a", "c"), 3, 5)
    assert short["models"] == ("a", "c") and "2 of 3 subscribed models competed" in short.decision("models").why
    assert short.number("rounds") == 3 and short.decision("rounds").why.endswith("5 were planned, 3 judged: --budget left the others no time")
    assert "no more groups" in competed(plan, ("a", "b", "c"), 4, 4).decision("rounds").why
    pinned = first_plan(replace(FACTS, models=("a", "b", "c"), n_test=50), Wishes(model="b"))
    assert competed(pinned, ("b",), 5, 5) == pinned
