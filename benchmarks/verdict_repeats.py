"""One repetition of the verdict: features of two arms and labelled items drawn from a pool in, what the product says and what is true out.

Divisions, heads, intervals and the rule are the product's own (``study.problem``, ``study.arms``, ``evaluation``). Two things are left out for speed: heads
of the heats, which set temperatures and so move no answer, and, unless a case says ``chosen``, the choice of the strength, which is the one that the
product's probe prefers on other items. The truth is measured with the very heads that were judged, on all items of the pool that were not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headstart.activations.store import Store
from headstart.base.events import silence
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.data import Dataset, split
from headstart.data.rows import FileRows
from headstart.evaluation.intervals import gain
from headstart.evaluation.predictions import Predictions, joined
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import ROUNDS, first_plan
from headstart.ranking.probe import probe
from headstart.study.arms import Features, head_on
from headstart.study.problem import Problem, known_facts, pose, rounds
from headstart.task.linear import LinearHead

How = Literal["nested", "held-out"]
Metric = Literal["accuracy", "balanced_accuracy"]
Price = tuple[float, float]  # strength and temperature of a head
Integers = NDArray[np.int64]
LEAST_PER_CLASS = 4  # what `headstart.data.load` asks for
TRIES = 1000


@dataclass(frozen=True, eq=False)
class Arms:
    """Features of every item of a pool for the arm in transfer's place and for its twin, and the strengths of their heads.

    Attributes:
        transfer: ``(n, d)``.
        twin: ``(n, e)``.
        labels: ``(n,)``.
        strengths: And temperatures, of both heads; None = chosen anew in every round, as the product does.
    """

    transfer: Features
    twin: Features
    labels: Integers
    strengths: tuple[Price, Price] | None

    @property
    def swapped(self) -> Arms:
        """The same with the places exchanged."""
        return Arms(self.twin, self.transfer, self.labels, None if self.strengths is None else self.strengths[::-1])


@dataclass(frozen=True)
class Repeat:
    """What one repetition gave, in points.

    Attributes:
        points: The gain that the verdict states; ``low`` and ``high`` are the ends of its bootstrap interval, before ``across_rounds``.
        truth: The gain of the same heads on all items that were not drawn.
        rounds: Of each round, items that only the arm in transfer's place got right, items that only its twin got right, items.
    """

    points: float
    low: float
    high: float
    truth: float
    rounds: tuple[tuple[int, int, int], ...]


def repeat(arms: Arms, n: int, seed: int, how: How, metric: Metric = "accuracy") -> Repeat:
    """Draw n items, judge on them as ``fit`` would, and look up the truth."""
    drawn = draw(arms.labels, n, seed)
    dataset = light(arms.labels[drawn], seed)
    judged = [judge(arms, drawn, problem, balance=metric == "balanced_accuracy") for problem in problems(dataset, seed, how, probed=arms.strengths is None)]
    transfer, twin = (joined([getattr(one, name) for one in judged]) for name in ("transfer", "twin"))
    found = gain(transfer, twin, metric, seed)
    rest = np.setdiff1d(np.arange(len(arms.labels)), drawn)
    scores = [rightness([one.heads[n] for one in judged], features, arms.labels, rest, metric) for n, features in enumerate((arms.transfer, arms.twin))]
    truth = 100 * (scores[0] - scores[1])
    return Repeat(found.points, found.low, found.high, truth, tuple(wins_and_losses(one) for one in judged))


def draw(labels: Integers, n: int, seed: int) -> Integers:
    """Places of n items of a pool, at random, every class at least four times; ascending."""
    generator, n_classes = np.random.default_rng(seed_for(seed, "verdict draw")), int(labels.max()) + 1
    for _ in range(TRIES):
        chosen = np.sort(generator.choice(len(labels), n, replace=False))
        if np.bincount(labels[chosen], minlength=n_classes).min() >= LEAST_PER_CLASS:
            return np.asarray(chosen, np.int64)
    raise SystemExit(f"{n} items are too few for {n_classes} classes")


def light(labels: Integers, seed: int) -> Dataset:
    """A data set of drawn items that knows labels and names, and no picture."""
    n = len(labels)
    content = tuple(digest("verdict item", str(seed), str(number)) for number in range(n))
    return Dataset(
        root=Path("drawn"),
        modality="image",
        classes=tuple(str(name) for name in range(int(labels.max()) + 1)),
        sources=tuple(str(number) for number in range(n)),
        labels=labels,
        groups=None,
        group_name=None,
        given_split=None,
        content=content,
        faults=(),
        near=np.zeros((0, 2), np.int64),
        sizes=np.zeros((n, 2), np.int64),
        modes=("L",) * n,
        digest=digest(*content),
        rows=FileRows(()),
    )


def problems(dataset: Dataset, seed: int, how: How, *, probed: bool = True) -> list[Problem]:
    """The rounds in which ``fit`` would judge this data set, or the one held-out test; without a probe their inner folds are not drawn."""
    parts = split(dataset, seed=seed)
    facts = known_facts(dataset, parts, ["a"])
    plan: Plan = first_plan(facts, Wishes(seed=seed)).decide(Decision("rounds", ROUNDS if how == "nested" else 1, "rounds", "the benchmark says so", "pinned"))
    found = rounds(dataset, parts, plan)
    if not probed:
        return [Problem(dataset, one, (), (), "accuracy", seed, STORE, silence) for one in found]
    return [pose(dataset, one, plan, STORE, silence) for one in found]


STORE = Store(Path("nowhere"))


@dataclass(frozen=True, eq=False)
class Judged:
    """One round: what both arms say of its test items, and their heads."""

    transfer: Predictions
    twin: Predictions
    heads: tuple[LinearHead, LinearHead]


def judge(arms: Arms, drawn: Integers, problem: Problem, *, balance: bool = False) -> Judged:
    """Fit both heads to all that may be learnt from and let them answer for the test items, as ``study.arms.linear_arm`` does."""
    said, heads = [], []
    for features, strength in zip((arms.transfer[drawn], arms.twin[drawn]), arms.strengths or (None, None), strict=True):
        price = chosen(features, problem) if strength is None else strength
        head = head_on(features[problem.pool], problem.dataset.labels[problem.pool], problem.n_classes, *price, balance=balance)
        test = problem.split.test
        said.append(problem.predictions(test, head.probabilities(features[test])))
        heads.append(head)
    return Judged(said[0], said[1], (heads[0], heads[1]))


def wins_and_losses(judged: Judged) -> tuple[int, int, int]:
    """Items of a round that only one of the two arms got right, and all of them."""
    transfer, twin = judged.transfer.right, judged.twin.right
    return int((transfer & ~twin).sum()), int((twin & ~transfer).sum()), len(transfer)


def chosen(features: Features, problem: Problem) -> Price:
    """The strength and the temperature that the product would choose."""
    found = probe(features, problem.dataset.labels, problem.n_classes, problem.folds, problem.seed)
    return found.strength, found.temperature


def rightness(heads: Sequence[LinearHead], features: Features, labels: Integers, places: Integers, metric: Metric = "accuracy") -> float:
    """Mean accuracy of several heads on the items at these places, or the mean over classes of it: one product for all heads."""
    weight, bias = np.concatenate([head.weight for head in heads]), np.concatenate([head.bias for head in heads])
    logits = (features @ weight.T + bias).reshape(len(features), len(heads), -1)
    hits = (logits.argmax(axis=2) == labels[:, None]).mean(axis=1)[places]
    if metric == "accuracy":
        return float(hits.mean())
    return float(np.mean([hits[labels[places] == name].mean() for name in np.unique(labels)]))
