"""Successive halving over folds, on known tables of scores: who goes on, who is asked when, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.planning.entrants import REFIT, Entrant, admit, race_seconds
from headstart.training.race import Heat, Result, clearly_better, race, steadied

Table = dict[str, Sequence[float]]  # by name: the score on each fold


def entrant(name: str, seconds: float = 1.0) -> Entrant:
    return Entrant(name, 3, "block", 1, seconds)


class Course:
    """Runs entrants by a table and keeps who ran which fold."""

    def __init__(self, table: Table) -> None:
        self.table, self.ran = table, list[tuple[str, int]]()

    def run(self, one: Entrant, fold: int) -> Heat:
        self.ran.append((one.model, fold))
        return Heat(np.full((1, 1), self.table[one.model][fold], np.float32), one.seconds, weights={"head.weight": torch.zeros(1)})

    def stand(self, heats: Sequence[Heat]) -> tuple[float, float]:
        return float(np.mean([heat.probabilities[0, 0] for heat in heats])), 0.0


def raced(table: Table, n_folds: int, **options: object) -> tuple[list[Result], Course]:
    course = Course(table)
    return race([entrant(name) for name in table], n_folds, course.run, course.stand, **options), course  # type: ignore[arg-type]


SIX: Table = {"a": [0.5] * 5, "b": [0.9, 0.1, 0.1, 0.1, 0.1], "c": [0.8] * 5, "d": [0.7, 0.9, 0.9, 0.9, 0.9], "e": [0.6] * 5, "f": [0.4] * 5}


def test_the_better_half_goes_on_and_then_the_best_two() -> None:
    results, course = raced(SIX, 5)
    assert course.ran[:6] == [(name, 0) for name in "abcdef"]
    assert course.ran[6:9] == [("b", 1), ("c", 1), ("d", 1)]
    assert sorted(course.ran[9:]) == sorted((name, fold) for name in "cd" for fold in (2, 3, 4))
    assert [(one.entrant.model, one.outcome) for one in results] == [
        ("d", "won"),
        ("c", "finalist"),
        ("b", "dropped after fold 2"),
        ("e", "dropped after fold 1"),
        ("a", "dropped after fold 1"),
        ("f", "dropped after fold 1"),
    ]
    assert results[0].seconds == 5.0 and results[0].standing[0] == pytest.approx(0.86)


def test_weights_of_finalists_are_kept_and_those_of_the_dropped_go_while_their_answers_stay() -> None:
    results, _ = raced(SIX, 5)
    assert all(heat.weights for one in results[:2] for heat in one.heats)
    assert all(heat.weights is None and len(heat.probabilities) == 1 for one in results[2:] for heat in one.heats)


@pytest.mark.parametrize(("n_folds", "n_heats"), [(1, 6), (2, 8), (3, 11)])
def test_few_folds_halve_less(n_folds: int, n_heats: int) -> None:
    results, course = raced(SIX, n_folds)
    assert len(course.ran) == n_heats and len(results[0].heats) == n_folds


def test_one_fold_decides_alone_and_drops_nobody() -> None:
    results, _ = raced(SIX, 1)
    assert [one.entrant.model for one in results] == list("bcdeaf")
    assert [one.outcome for one in results] == ["won", *["finalist"] * 5]


def test_equal_standings_keep_the_starting_order() -> None:
    results, _ = raced({name: [0.5] * 3 for name in "abcd"}, 3)
    assert [one.entrant.model for one in results] == list("abcd") and results[0].outcome == "won"


def test_a_single_entrant_runs_all_folds_and_wins() -> None:
    results, course = raced({"a": [0.1] * 5}, 5)
    assert course.ran == [("a", fold) for fold in range(5)] and results[0].outcome == "won"


def test_without_time_the_first_of_the_order_runs_its_first_fold_and_the_others_are_not_tried() -> None:
    results, course = raced(SIX, 5, has_time=lambda one: False)
    assert course.ran == [("a", 0)]
    assert results[0].entrant.model == "a" and results[0].outcome == "won"
    assert {one.outcome for one in results[1:]} == {"not tried: no time was left for it"}


@pytest.mark.parametrize("n_heats", range(1, 13))
def test_when_the_time_runs_out_the_winner_is_one_of_those_with_most_folds(n_heats: int) -> None:
    course = Course(SIX)
    results = race([entrant(name) for name in SIX], 5, course.run, course.stand, has_time=lambda one: len(course.ran) < n_heats)
    assert len(course.ran) == n_heats
    assert len(results[0].heats) == max(len(one.heats) for one in results) and results[0].outcome == "won"
    assert all(one.outcome for one in results) and [one.outcome for one in results].count("won") == 1
    out = [one for one in results if one.outcome.startswith("out of time")]
    assert all(one.outcome == f"out of time after fold {len(one.heats)}" and 0 < len(one.heats) < 5 for one in out)


def test_an_entrant_that_cannot_be_afforded_is_passed_over_and_the_others_run() -> None:
    results, course = raced(SIX, 3, has_time=lambda one: one.model != "b")
    assert ("b", 0) not in course.ran and results[0].entrant.model == "d"
    assert next(one for one in results if one.entrant.model == "b").outcome.startswith("not tried")


class Listed:
    """Proposes what stands in a list and keeps what it was shown and told."""

    def __init__(self, course: Course, names: Sequence[str]) -> None:
        self.course, self.names = course, list(names)
        self.shown, self.told = list[tuple[list[tuple[str, int]], int]](), list[tuple[str, int]]()

    def ask(self, results: Sequence[Result]) -> Entrant | None:
        self.shown.append((list(self.course.ran), len(results)))
        return entrant(self.names.pop(0)) if self.names else None

    def tell(self, result: Result) -> None:
        self.told.append((result.entrant.model, len(result.heats)))


def test_a_proposer_is_asked_after_the_first_rung_and_its_proposals_race_on() -> None:
    table = {**SIX, "x": [0.95] * 5, "y": [0.2] * 5}
    course = Course(table)
    proposer = Listed(course, ["x", "y"])
    results = race([entrant(name) for name in SIX], 5, course.run, course.stand, proposer=proposer)
    first = [(name, 0) for name in SIX]
    assert [ran for ran, _ in proposer.shown] == [first, [*first, ("x", 0)], [*first, ("x", 0), ("y", 0)]]
    assert [n for _, n in proposer.shown] == [6, 7, 8] and proposer.told == [("x", 1), ("y", 1)]
    assert results[0].entrant.model == "x" and len(results) == 8


def test_a_proposal_without_time_is_told_as_such() -> None:
    course = Course({**SIX, "x": [0.95] * 5})
    proposer = Listed(course, ["x"])
    race([entrant(name) for name in SIX], 5, course.run, course.stand, proposer=proposer, has_time=lambda one: one.model != "x")
    assert proposer.told == [("x", 0)]


TABLES = st.integers(1, 5).flatmap(
    lambda n_folds: st.lists(st.tuples(st.lists(st.integers(0, 4), min_size=n_folds, max_size=n_folds), st.integers(1, 9)), min_size=1, max_size=9).map(
        lambda rows: (n_folds, rows)
    )
)


def allowance(seconds: int) -> Callable[[Course, Sequence[Entrant]], Callable[[Entrant], bool]]:
    """Time that is spent by what ran."""

    def has_time(course: Course, entrants: Sequence[Entrant]) -> Callable[[Entrant], bool]:
        price = {one.model: one.seconds for one in entrants}
        return lambda one: sum(price[name] for name, _ in course.ran) + one.seconds <= seconds

    return has_time


@settings(max_examples=150, deadline=None)
@given(TABLES, st.integers(0, 120))
def test_the_winner_has_run_all_folds_that_anybody_ran_and_the_race_costs_no_more_than_promised(
    rows: tuple[int, list[tuple[list[int], int]]], seconds: int
) -> None:
    n_folds, drawn = rows
    entrants = [entrant(str(number), price) for number, (_, price) in enumerate(drawn)]
    table = {one.model: scores for one, (scores, _) in zip(entrants, drawn, strict=True)}
    for has_time in (lambda course, them: lambda one: True, allowance(seconds)):
        outcomes = []
        for _ in range(2):
            course = Course(table)
            results = race(entrants, n_folds, course.run, course.stand, has_time=has_time(course, entrants))
            outcomes.append([(one.entrant.model, one.standing, one.outcome) for one in results])
            assert outcomes[0] == outcomes[-1], "everything is deterministic"
        folds = {one.entrant.model: [fold for name, fold in course.ran if name == one.entrant.model] for one in results}
        assert all(ran == list(range(len(ran))) for ran in folds.values()), "folds are run in their order, each once"
        assert len(folds[results[0].entrant.model]) == max(map(len, folds.values()))
        assert sum(one.seconds for one in results) + REFIT * results[0].entrant.seconds <= race_seconds([one.seconds for one in entrants], n_folds) + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 500), st.integers(1, 5))
def test_those_who_are_admitted_finish_in_time_unless_it_is_the_first_alone(prices: list[int], seconds: int, n_folds: int) -> None:
    entered, left_out = admit([entrant(str(number), price) for number, price in enumerate(prices)], seconds, n_folds)
    course = Course({one.model: [0.5] * n_folds for one in entered})
    results = race(entered, n_folds, course.run, course.stand)
    took = sum(one.seconds for one in results) + REFIT * results[0].entrant.seconds
    assert took <= seconds or len(entered) == 1
    assert len(entered) + len(left_out) == len(prices)


@given(st.integers(4, 400), st.integers(0, 2**32 - 1))
def test_nobody_is_clearly_better_than_himself_nor_both_of_two_than_each_other(n: int, seed: int) -> None:
    one, other = np.random.default_rng(seed).random((2, n)) < 0.7
    assert not clearly_better(one, one)
    assert not (clearly_better(one, other) and clearly_better(other, one))


def test_one_answer_more_counts_where_nothing_speaks_against_it() -> None:
    worse = np.ones(16, dtype=bool)
    worse[3] = False
    assert clearly_better(np.ones(16, dtype=bool), worse)  # nobody else disagrees: one standard error
    one, other = np.arange(17) < 9, np.arange(17) >= 9  # 9 and 8 right, and they never agree: less than a quarter of a standard error
    assert not clearly_better(one, other)


def test_losses_are_compared_item_by_item() -> None:
    noise = np.random.default_rng(0).normal(size=100)
    assert clearly_better(noise + 0.01, noise) and not clearly_better(noise, noise + 0.01)


def test_what_a_speaker_says_counts_once_however_often_it_is_said() -> None:
    """Two of three speakers are told better: 30 items look like much, three speakers are little."""
    speakers = np.repeat(np.arange(3), 10)
    ahead = np.array([0.5, 0.4, -0.3])[speakers] + 0.05 * np.random.default_rng(0).normal(size=30)
    assert clearly_better(ahead, np.zeros(30), 1.645) and not clearly_better(ahead, np.zeros(30), 1.645, speakers)
    alone = np.random.default_rng(1).permutation(30)
    assert all(clearly_better(ahead, np.zeros(30), errors) == clearly_better(ahead, np.zeros(30), errors, alone) for errors in (1.0, 2.0, 3.0, 5.0))


def finalist(name: str, cut: int, n_right: int, begin: int = 0, *, n: int = 16, folds: int = 2) -> Result:
    """Of 2 n items it is told n_right right, beginning with a certain one."""
    right = np.zeros(n * folds, np.float32)
    right[begin : begin + n_right] = 1
    heats = [Heat(part[:, None], 1.0, weights={}) for part in np.split(right, folds)]
    return Result(Entrant(name, cut, "block", 1, 1.0), heats, (n_right / (n * folds), 0.0), "finalist")


def told_right(heats: Sequence[Heat]) -> np.ndarray:
    return np.concatenate([heat.probabilities[:, 0] for heat in heats]) > 0


def test_one_answer_more_does_not_retrain_more_of_a_network() -> None:
    deep, head, views = finalist("net", 3, 17, 15), finalist("net", 9, 16), finalist("net", 9, 15)
    ordered = steadied([deep, head, views], told_right)
    assert ordered == [head, deep, views] and (head.outcome, deep.outcome) == ("won", "finalist")


def test_what_is_clearly_better_stays_first_and_so_does_another_network_and_who_was_judged_on_more() -> None:
    deep = finalist("net", 3, 31)
    for other in (finalist("net", 9, 20), finalist("other", 9, 30), finalist("net", 9, 16, folds=1), finalist("net", 1, 31)):
        assert steadied([deep, other], told_right)[0] is deep


def test_of_those_that_retrain_least_the_best_is_taken() -> None:
    deep, middle, head, worse = finalist("net", 3, 17, 15), finalist("net", 5, 17, 14), finalist("net", 9, 16), finalist("net", 9, 15)
    assert steadied([deep, middle, head, worse], told_right)[0] is head
