"""Features of labelled items in, out-of-fold probabilities and the best penalty out: a cross-validated linear probe.

Every item is judged by a head that has not seen its label (nor any of its unit), so the score needs no validation set. It is
known to follow the accuracy after fine-tuning closely where both exist (Kornblith, Shlens and Le, 2019, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.seeds import seed_for
from headstart.task.linear import PENALTIES, Floats, path, softmax, standardise

MOST_ITEMS = 4000  # more than this many items are sampled: the probe's interval is then below ±1.5 points
LEAST_PROBABILITY = 1e-7
Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True, eq=False)
class Probe:
    """What a linear probe says of features.

    Attributes:
        items: ``(m,)`` positions of the items that were judged.
        probabilities: ``(m, k)`` out-of-fold, at the best penalty.
        penalty: The penalty with the lowest out-of-fold log-loss.
        log_loss: That log-loss, nats.
    """

    items: NDArray[np.int64]
    probabilities: Floats
    penalty: float
    log_loss: float


def probe(features: NDArray[np.generic], labels: NDArray[np.int64], n_classes: int, folds: Folds, seed: int = 0) -> Probe:
    """Cross-validate linear heads over the penalties.

    Args:
        features: ``(n, d)`` of all items that the folds speak of.
        labels: ``(n,)``.
        n_classes: Number of classes.
        folds: Pairs of positions (fitted on, held out).
        seed: For the sample, when there are more than ``MOST_ITEMS`` items.

    Cost: about ``5 × 7 × 15`` passes over at most 4,000 items: 1 s for 500 items of 1,280 features on one core.
    """
    folds = _sampled(folds, seed)
    held = np.concatenate([held for _, held in folds])
    everything = _everything(folds)
    place = np.full(len(labels), -1)
    place[everything] = np.arange(len(everything))
    standard, known = standardise(features[everything]), labels[everything]
    out = np.zeros((len(PENALTIES), len(held), n_classes), dtype=np.float32)
    begin = 0
    for fitted, part in folds:
        inside = standard.inside[place[part]]
        for n, weights in enumerate(path(standard, known, n_classes, rows=place[fitted])):
            out[n, begin : begin + len(part)] = softmax(inside @ weights[:-1] + weights[-1])
        begin += len(part)
    losses = [_log_loss(probabilities, labels[held]) for probabilities in out]
    best = int(np.argmin(losses))
    return Probe(held, out[best], PENALTIES[best], losses[best])


def _sampled(folds: Folds, seed: int) -> Folds:
    everything = _everything(folds)
    if len(everything) <= MOST_ITEMS:
        return folds
    kept = np.zeros(1 + everything[-1], dtype=bool)
    kept[np.random.default_rng(seed_for(seed, "probe sample")).choice(everything, MOST_ITEMS, replace=False)] = True
    return [(fitted[kept[fitted]], held[kept[held]]) for fitted, held in folds]


def _everything(folds: Folds) -> NDArray[np.int64]:
    """All positions, ascending: some may be fitted on and never held out (``headstart.data.folds`` says when)."""
    return np.unique(np.concatenate([items for fold in folds for items in fold]))


def _log_loss(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    right = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(right, LEAST_PROBABILITY)).mean())
