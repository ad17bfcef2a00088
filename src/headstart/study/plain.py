"""The plain model, which transfer has to beat: a linear model on what can be said of an item without a network; dense vectors or counts in, an arm out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.activations.described import describe
from headstart.base.events import stage
from headstart.evaluation.predictions import Predictions
from headstart.modality import Modality, get
from headstart.modality.words import COLUMNS
from headstart.ranking.probe import sampled
from headstart.study.arms import Arm, linear_arm
from headstart.study.problem import Problem
from headstart.task import sparse
from headstart.task.linear import Floats, balancing

CHUNK_ITEMS = 1024  # items between two reports of progress


def plain_features(problem: Problem) -> Any:
    """What describes every item without any network: ``(n, d)``, from the store; or sparse counts ``(n, all)``, which are made anew as fast as read."""
    dataset, modality = problem.dataset, get(problem.dataset.modality)
    if modality.counts:
        return _counted(problem, modality)
    name = f"{modality.name} plain features {modality.version}"
    return describe(name, dataset.content, lambda n: modality.plain_features(dataset.read(n)), problem.store, sink=problem.sink, unit=modality.unit)


def plain_arm(features: Any, problem: Problem) -> Arm:
    """A linear model on those features: judged on the heats, then fitted to all that may be learnt from; test items take no part in anything."""
    if isinstance(features, np.ndarray):
        return linear_arm("plain", features, problem)
    started = time.perf_counter()
    labels, n_classes = problem.dataset.labels, problem.n_classes

    def weights(items: NDArray[np.int64]) -> Floats | None:
        return balancing(labels[items], n_classes) if problem.balance else None

    strength = sparse.strength_by_folds(features, labels, n_classes, sampled(problem.folds, problem.seed), weights(problem.pool))
    heads = [sparse.head_on(features[fitted], labels[fitted], n_classes, strength, weights(fitted)) for fitted, _ in problem.heats]
    judged = [head.probabilities(features[held]) for head, (_, held) in zip(heads, problem.heats, strict=True)]
    head = sparse.head_on(features[problem.pool], labels[problem.pool], n_classes, strength, weights(problem.pool))
    validation: Predictions = problem.predictions(problem.held(), np.concatenate(judged))
    return Arm("plain", validation, lambda items: head.probabilities(features[items]), time.perf_counter() - started, counting=head)


def counting_answer(modality: Modality, head: sparse.SparseHead) -> Callable[[Sequence[bytes]], Floats]:
    """From the contents of items to probabilities, by a head on counts."""
    return lambda contents: head.probabilities(sparse.stacked([modality.plain_features(content) for content in contents], COLUMNS))


def _counted(problem: Problem, modality: Modality) -> Any:
    n = len(problem.dataset)
    found: list[NDArray[np.float32]] = []
    with ThreadPoolExecutor() as pool, stage(problem.sink, "describe", n, modality.unit) as advance:
        for begin in range(0, n, CHUNK_ITEMS):
            found += pool.map(lambda place: modality.plain_features(problem.dataset.read(place)), range(begin, min(begin + CHUNK_ITEMS, n)))
            advance(len(found))
    return sparse.stacked(found, COLUMNS)
