"""Problems about labels only: data sets without pictures, posed as a plan says, and arms that say what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.data.made import made

from headstart.activations.store import Store
from headstart.base.events import silence
from headstart.data import Dataset, Split, split
from headstart.planning.facts import Wishes
from headstart.planning.plan import Plan
from headstart.planning.rules import first_plan
from headstart.study.arms import Arm
from headstart.study.problem import Problem, known_facts, pose


def planned(dataset: Dataset, wishes: Wishes | None = None) -> tuple[Split, Plan]:
    """The data set's division and plan."""
    wishes = wishes or Wishes()
    parts = split(dataset, seed=wishes.seed)
    return parts, first_plan(known_facts(dataset, parts, ["net"]), wishes)


def posed(dataset: Dataset, parts: Split, plan: Plan, home: Path) -> Problem:
    """The problem, with an empty store."""
    return pose(dataset, parts, plan, Store(home), silence)


def sure(labels: NDArray[np.int64], n_classes: int, wrong: Sequence[int] = (), sureness: float = 0.8) -> NDArray[np.float32]:
    """Probabilities that are right about every item but those at some places."""
    said = labels.copy()
    said[list(wrong)] = (said[list(wrong)] + 1) % n_classes
    rest = (1 - sureness) / (n_classes - 1)
    return np.where(np.arange(n_classes) == said[:, None], sureness, rest).astype(np.float32)


class Teller:
    """Answers by the truth, wrong about some items, and keeps how often it was asked."""

    def __init__(self, problem: Problem, wrong: Sequence[int] = ()) -> None:
        self.problem, self.wrong, self.asked = problem, set(wrong), list[list[int]]()

    def __call__(self, items: NDArray[np.int64]) -> NDArray[np.float32]:
        self.asked.append(items.tolist())
        places = [place for place, item in enumerate(items.tolist()) if item in self.wrong]
        return sure(self.problem.dataset.labels[items], self.problem.n_classes, places)


def arm(name: str, problem: Problem, wrong: Sequence[int] = (), judged: NDArray[np.int64] | None = None) -> Arm:
    """An arm that is right about every item but some, judged on all held items or on some."""
    teller, held = Teller(problem, wrong), problem.held() if judged is None else judged
    validation = problem.predictions(held, Teller(problem, wrong)(held))
    return Arm(name, validation, teller, 1.0)


__all__ = ["Teller", "arm", "made", "planned", "posed", "sure"]
