"""Features of labelled items in, out-of-fold probabilities and the strength that suits them out: a cross-validated linear probe.

Every item is judged by a head that has not seen its label (nor any of its unit), so the score needs no validation set. It is
known to follow the accuracy after fine-tuning closely where both exist (Kornblith, Shlens and Le, 2019, section 4).

A strongly held head is right as often as others but says so less loudly, so that of few items, some more of one class, it would name that class always:
what it says of an item is divided by a temperature, how common each class was is not. (The rest of its intercept is: beside a head that is five times as
loud it would weigh nothing, and two sets of clips lost 11 and 17 points by that.) Strengths are compared by the log-loss that each has at its own best
temperature, with one prior for all folds: without an item its class is rarer, so a fold's own speaks against what it holds out. Of the strengths that one
standard error cannot tell apart, the one that holds the weights most wins (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3): with 8
items a class that is 1 to 2 points of accuracy on texts (LOG.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.seeds import seed_for
from headstart.evaluation.temperature import best_temperature, losses
from headstart.task.linear import STRENGTHS, Floats, balancing, fit, log_prior, softmax, standardise

MOST_ITEMS = 2000  # more than this many items are sampled: the probe's interval is then about ±2 points, and two models are compared on the same ones
TOLERANCE = 1e-5  # relative change of the loss at which a fold's fit stops: scores move by less than 0.1 points
PATIENCE = 2  # strengths without a lower loss after which larger ones, which cost the most, are not tried
FREE_SPREAD = 3.0  # of log(temperature) where strengths are compared: held near 1, the one whose answers are loud enough by themselves would look best
PRIOR_SPREAD = 1.0  # of the one that is kept, around answers whose mean square is 1
Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True, eq=False)
class Probe:
    """What a linear probe says of features.

    Attributes:
        items: ``(m,)`` positions of the items that were judged.
        said: ``(m, k)`` out-of-fold logits without the prior.
        prior: ``(m, k)`` how common each class was among what that head learnt from, as a logarithm.
        strength: The smallest whose out-of-fold log-loss cannot be told from the lowest.
        temperature: What the logits are divided by to be as sure as they are right; the prior is not.
        log_loss: Out of fold, at that temperature, nats.
    """

    items: NDArray[np.int64]
    said: Floats
    prior: Floats
    strength: float
    temperature: float
    log_loss: float

    @property
    def probabilities(self) -> Floats:
        """``(m, k)`` out of fold, at that temperature."""
        return softmax(self.said / self.temperature + self.prior)


def probe(
    features: NDArray[np.generic], labels: NDArray[np.int64], n_classes: int, folds: Folds, seed: int = 0, *, alone: bool = False, balance: bool = False
) -> Probe:
    """Cross-validate linear heads over the strengths.

    Args:
        features: ``(n, d)`` of all items that the folds speak of.
        labels: ``(n,)``.
        n_classes: Number of classes.
        folds: Pairs of positions (fitted on, held out).
        seed: For the sample, when there are more than ``MOST_ITEMS`` items.
        alone: Whether each feature is scaled by its own spread, as measurements of different units are.
        balance: Whether classes count alike in every loss, instead of items.

    Cost: some 300 passes over at most 2,000 items: 0.5 s for 500 items of 1,280 features on one core.
    """
    folds = sampled(folds, seed)
    held = np.concatenate([held for _, held in folds])
    everything = _everything(folds)
    place = np.full(len(labels), -1)
    place[everything] = np.arange(len(everything))
    standard, known, truth = standardise(features[everything], alone=alone), labels[everything], labels[held]
    weights = [standard.nothing(n_classes) for _ in folds]
    class_weights = [balancing(labels[fitted], n_classes) if balance else None for fitted, _ in folds]
    counts = balancing(truth, n_classes)[truth] if balance else np.ones(len(truth), np.float32)
    priors = [log_prior(labels[fitted], n_classes, one) for (fitted, _), one in zip(folds, class_weights, strict=True)]
    prior, shared = np.concatenate([np.tile(own, (len(part), 1)) for own, (_, part) in zip(priors, folds, strict=True)]), np.mean(priors, axis=0)
    tried: list[tuple[Floats, NDArray[np.float64]]] = []  # logits, and what each item costs
    risen, lowest = 0, float("inf")
    for strength in STRENGTHS:
        for n, (fitted, _) in enumerate(folds):
            weights[n] = fit(standard, standard.inside[place[fitted]], known[place[fitted]], weights[n], strength, TOLERANCE, class_weights[n])
        said = np.concatenate([standard.inside[place[part]] @ one[:-1] + one[-1] - own for one, own, (_, part) in zip(weights, priors, folds, strict=True)])
        cost = counts * losses(said, truth, _best_temperature(said, shared, truth, counts, FREE_SPREAD), shared)
        tried.append((said, cost))
        risen, lowest = (0, cost.mean()) if cost.mean() < lowest else (risen + 1, lowest)
        if risen == PATIENCE:
            break
    chosen = first_as_good([cost for _, cost in tried])
    said, _ = tried[chosen]
    temperature = _best_temperature(said, prior, truth, counts, PRIOR_SPREAD)
    return Probe(held, said, prior, STRENGTHS[chosen], temperature, float((counts * losses(said, truth, temperature, prior)).mean()))


def _best_temperature(said: Floats, prior: Floats, truth: NDArray[np.int64], counts: Floats, prior_spread: float) -> float:
    """The best temperature, held near that at which the mean square of what was said is 1: a strongly held head says the same less loudly."""
    spread = float(np.sqrt(np.square(said - said.mean(1, keepdims=True)).mean())) or 1.0
    return spread * best_temperature(said / spread, truth, len(truth), prior_spread, prior, counts)


def first_as_good(tried: Sequence[NDArray[np.float64]]) -> int:
    """The first whose mean loss is within one standard error, over the same items, of the lowest.

    Example:
        >>> first_as_good([np.array([2.0, 2.0, 2.0]), np.array([1.4, 0.7, 1.0]), np.array([1.0, 1.0, 1.0])])
        1
    """
    best = tried[int(np.argmin([cost.mean() for cost in tried]))]
    worse = [cost - best for cost in tried]
    return next(n for n, one in enumerate(worse) if one.mean() <= one.std() / np.sqrt(len(one)))


def sampled(folds: Folds, seed: int) -> Folds:
    """The folds with at most `MOST_ITEMS` items in all."""
    everything = _everything(folds)
    if len(everything) <= MOST_ITEMS:
        return folds
    kept = np.zeros(1 + everything[-1], dtype=bool)
    kept[np.random.default_rng(seed_for(seed, "probe sample")).choice(everything, MOST_ITEMS, replace=False)] = True
    return [(fitted[kept[fitted]], held[kept[held]]) for fitted, held in folds]


def _everything(folds: Folds) -> NDArray[np.int64]:
    """All positions, ascending: some may be fitted on and never held out (``headstart.data.folds`` says when)."""
    return np.unique(np.concatenate([items for fold in folds for items in fold]))
