"""What an entrant is worth to the race: losses of held items, without how loudly it speaks, and every class alike where the metric says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.made import made
from tests.study.made import planned, posed, sure

from headstart.study.problem import Problem
from headstart.study.tracks import judged, worth
from headstart.training.race import Heat


def problem_of(labels: list[int], folder: Path) -> Problem:
    dataset = made(labels)
    return posed(dataset, *planned(dataset), folder)


def told(problem: Problem, wrong: list[int], sureness: float = 0.8) -> list[Heat]:
    """Heats of the first fold alone, wrong about its items at some places."""
    labels = problem.dataset.labels[problem.heats[0][1]]
    return [Heat(sure(labels, problem.n_classes, wrong, sureness), 1.0)]


def test_loud_answers_are_worth_as_much_as_quiet_ones_that_say_the_same(tmp_path: Path) -> None:
    problem = problem_of([0, 1] * 60, tmp_path)
    quiet, loud = (worth(problem, told(problem, [0, 1], sureness)).mean() for sureness in (0.8, 0.999))
    assert loud == pytest.approx(quiet, abs=0.02)
    assert worth(problem, told(problem, [0])).mean() > quiet


def test_where_classes_count_alike_a_mistake_about_the_rare_one_costs_more(tmp_path: Path) -> None:
    problem = problem_of([0] * 120 + [1] * 24, tmp_path)
    assert problem.metric == "balanced_accuracy"
    labels = problem.dataset.labels[problem.heats[0][1]]
    common, rare = (int(np.flatnonzero(labels == label)[0]) for label in (0, 1))
    assert worth(problem, told(problem, [rare])).mean() < worth(problem, told(problem, [common])).mean()
    assert judged(problem, told(problem, [rare])).right.sum() == judged(problem, told(problem, [common])).right.sum()
