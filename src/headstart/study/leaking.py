"""What a split that tears groups apart would have claimed: stored features and groups in, two scores of one probe and a sentence out.

A linear probe on the delivered network's features is judged twice: each speaker (patient, kit) on one side, and items drawn as if there were no groups.
Repeats of an item stay together both times: what they would claim is no matter of groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.events import stage
from headstart.base.records import to_plain
from headstart.base.seeds import seed_for
from headstart.data import folds
from headstart.data.duplicates import units_of
from headstart.evaluation.intervals import Gain, Measured, across_rounds, gain, measure
from headstart.evaluation.predictions import Predictions
from headstart.evaluation.sentence import number
from headstart.ranking.probe import Folds, probe
from headstart.study.problem import NOBODY, Problem


@dataclass(frozen=True)
class Leaking:
    """The same features judged in two ways.

    Attributes:
        grouped: Every group on one side: what a new speaker may expect.
        leaking: Groups on both sides: what would have been claimed.
        claimed_too_much: Points by which the claim exceeds what a new group may expect, over the items that were judged both times; whole groups are drawn.
        sentence: The difference in words.
    """

    grouped: Measured
    leaking: Measured
    claimed_too_much: Gain
    sentence: str


def leaking(problem: Problem, features: NDArray[np.generic]) -> dict[str, Any] | None:
    """Judge a probe with and without regard to groups; None where the data set knows none.

    Args:
        problem: The delivered round's; only what may be learnt from is looked at.
        features: ``(n, d)`` of all items.
    """
    dataset, seed = problem.dataset, problem.seed
    if dataset.groups is None:
        return None
    with stage(problem.sink, "what leaking would have claimed"):
        torn = replace(problem.split, train=problem.pool, validation=NOBODY, units=units_of(dataset.content, dataset.near, None))
        grouped = _judged(problem, features, problem.folds, problem.split.units)
        claimed = _judged(problem, features, folds(dataset, torn, len(problem.folds), seed_for(seed, "leaking")), torn.units)
    both = tuple(item for item in grouped.items if item in set(claimed.items))
    honest, torn_apart = grouped.among(both), replace(claimed.among(both), units=grouped.among(both).units)
    more = across_rounds(gain(torn_apart, honest, problem.metric, seed), len(problem.folds), problem.metric)
    scores = [measure(one, problem.metric, seed) for one in (grouped, claimed)]
    found: dict[str, Any] = to_plain(Leaking(scores[0], scores[1], more, _said(scores[0], scores[1], more, dataset.group_name or "group", problem.metric)))
    return found


def _judged(problem: Problem, features: NDArray[np.generic], parts: Folds, units: NDArray[np.int64]) -> Predictions:
    dataset = problem.dataset
    found = probe(features, dataset.labels, problem.n_classes, parts, problem.seed, balance=problem.balance)
    names = tuple(dataset.sources[n] for n in found.items)
    return Predictions(names, dataset.labels[found.items], found.probabilities, dataset.classes, units[found.items])


def _said(grouped: Measured, claimed: Measured, more: Gain, name: str, metric: str) -> str:
    words = metric.replace("_", " ")
    if metric == "log_loss":
        return f"With each {name} on one side a linear probe has a {words} of {grouped.value:.3f}; torn apart, it would have claimed {claimed.value:.3f}."
    last = (
        f"{number(more.points, signed=True)} points that nobody new would see ({number(more.low, signed=True)} to {number(more.high, signed=True)})"
        if more.low > 0
        else "a difference that these items cannot tell from none"
    )
    return (
        f"With each {name} on one side a linear probe reaches {grouped.value:.1%} {words} ({grouped.low:.1%} to {grouped.high:.1%}); a split that tears them "
        f"apart would have claimed {claimed.value:.1%} ({claimed.low:.1%} to {claimed.high:.1%}), {last}."
    )
