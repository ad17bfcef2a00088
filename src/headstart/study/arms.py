"""The arms of the comparison: one record for each trained way to answer, and those arms that a linear head makes: frozen random, majority."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from headstart.activations.collect import Activations, collect
from headstart.backbone.cut import Backbone
from headstart.base.seeds import seed_for
from headstart.evaluation.predictions import Predictions
from headstart.ranking.probe import probe
from headstart.study.candidates import Candidate, open_backbone
from headstart.study.problem import Problem
from headstart.task.linear import Floats, LinearHead, balancing, fit_path, log_prior, standardise
from headstart.task.sparse import SparseHead
from headstart.training.loop import Epoch

Features = NDArray[np.generic]
RANDOM_WEIGHTS = "frozen random network"  # the purpose that their seed is derived for


@dataclass(frozen=True, eq=False)
class Arm:
    """One trained way to answer.

    Attributes:
        name: ``transfer``, ``scratch``, ``random``, ``plain`` or ``majority``.
        validation: Its predictions on items that it was not fitted to, by which arms are compared.
        answer: From positions of items to probabilities.
        seconds: Wall-clock seconds it took now.
        history: One row an epoch, where there were epochs.
        still_improving: Was the last epoch the best one?
        head: Its linear head, where it is linear.
        weights: Its trained weights by name in the network, where it is not.
        model: Name of its network's card, where it has one.
        cut: Number of frozen blocks, for the transfer arm.
        frozen: For the scratch twin: is it a head on frozen random features, because training everything did no better?
        counting: Its linear head on counts, where it is one.
        test_items: Those test items for which it answers; None for all of them.
    """

    name: str
    validation: Predictions
    answer: Callable[[NDArray[np.int64]], Floats]
    seconds: float
    history: tuple[Epoch, ...] = ()
    still_improving: bool = False
    head: LinearHead | None = None
    weights: dict[str, Tensor] | None = None
    model: str = ""
    cut: int = 0
    test_items: NDArray[np.int64] | None = None
    frozen: bool = False
    counting: SparseHead | None = None


def random_backbone(candidate: Candidate, seed: int) -> Backbone:
    """The same network with random weights, the same whenever a run asks."""
    return open_backbone(candidate.card, candidate.items, seed=seed_for(seed, RANDOM_WEIGHTS))


def random_activations(candidate: Candidate, problem: Problem) -> Activations:
    """What the same network says of every item with random weights, frozen, in front of its head."""
    backbone = random_backbone(candidate, problem.seed)
    name = f"{candidate.card.name} with random weights"
    unit = f"items · {name}"
    cut, items, recall = backbone.depth, candidate.items, problem.keeping.journal.recall
    return collect(backbone, [cut], items, candidate.engine, problem.store, label=name, sink=problem.sink, unit=unit, recall=recall)[cut]


def linear_arm(name: str, features: Features, problem: Problem, *, model: str = "") -> Arm:
    """A linear head on features that are known of every item: judged on the heats, then fitted to all that may be learnt from.

    Features of no network are measurements of different units: each is scaled by its own spread.
    """
    started = time.perf_counter()
    labels, balance = problem.dataset.labels, problem.balance
    found = probe(features, labels, problem.n_classes, problem.folds, problem.seed, alone=not model, balance=balance)

    def fitted_to(items: NDArray[np.int64]) -> LinearHead:
        return head_on(features[items], labels[items], problem.n_classes, found.strength, found.temperature, balance=balance, alone=not model)

    heads = [fitted_to(items) for items, _ in problem.heats]
    judged = [head.probabilities(features[held]) for head, (_, held) in zip(heads, problem.heats, strict=True)]
    head = fitted_to(problem.pool)
    validation = problem.predictions(problem.held(), np.concatenate(judged))
    return Arm(name, validation, lambda items: head.probabilities(features[items]), time.perf_counter() - started, head=head, model=model)


def head_on(
    features: Features,
    labels: NDArray[np.int64],
    n_classes: int,
    strength: float,
    temperature: float = 1.0,
    *,
    balance: bool,
    alone: bool = False,
) -> LinearHead:
    """A linear head at one strength, as loud as a probe's temperature makes it; with ``balance`` every class weighs the same."""
    weights, standard = balancing(labels, n_classes) if balance else None, standardise(features, alone=alone)
    (head,) = fit_path(standard, labels, n_classes, (strength,), weights)
    return head.heard(temperature, log_prior(labels, n_classes, weights))


def majority(problem: Problem) -> Arm:
    """The shares of the classes among the items that may be learnt from, whatever the item."""
    counts = np.bincount(problem.dataset.labels[problem.pool], minlength=problem.n_classes)
    shares = (counts / counts.sum()).astype(np.float32)

    def answer(items: NDArray[np.int64]) -> Floats:
        return np.tile(shares, (len(items), 1))

    return Arm("majority", problem.predictions(problem.held(), answer(problem.held())), answer, 0.0)
