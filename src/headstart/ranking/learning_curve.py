"""What more labels would buy: features, labels and folds in; the learning curve, its extrapolation to twice the labels and a sentence out.

Linear heads are fitted to a growing part of each fold's items and judged on the items held out; an error that falls as a power law (``power_law.py``) is drawn
through the scores. The interval resamples folds and, within them, units, and is widened by a quarter. Measured by ``benchmarks/evidence_promises.py`` (40
draws): it held the true gain in 90, 100 and 95 % of them on 100, 200 and 400 digits (the true 4.5, 2.6, 1.6 points against 3.6, 2.5, 1.5), in 90 to 98 % on
breast cancer. Where heads are still often wrong, scores may rise faster than any power law says (clouds in 300 dimensions: 11.3 points where it said 4.7), so
there the interval reaches up to what the last doubling gained and held the truth in 92 to 100 %; the sentence then says "or more". What a head on frozen
features gains is not what fine-tuning gains, but both want labels in the same places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.seeds import seed_for
from headstart.evaluation.bootstrap import sum_by_unit
from headstart.evaluation.intervals import PERCENT, Measured, measure
from headstart.evaluation.metrics import contributions, is_lower_better, statistic
from headstart.evaluation.predictions import Predictions
from headstart.ranking.power_law import USUAL_DECAY, Floats, fit_power_laws
from headstart.ranking.probe import MOST_ITEMS, TOLERANCE, Folds
from headstart.task.linear import balancing, fit, softmax, standardise

Ints = NDArray[np.int64]
SHARES = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)  # of a fold's items
LEAST_PER_CLASS = 2  # items a class, on average, at the smallest size: below it another law holds, and the gain came out a fifth too low
LEAST_SIZES = 3  # a law with floor, scale and decay
RESAMPLES = 500  # laws fitted for the interval; its ends then wobble by a tenth of its half-width
WIDER = 1.25  # measured, see above: the form is not exact, and folds share most of their items
OWN_ITEMS = 20  # held-out items of a class at which its own curve weighs as much as its share of all errors
STEEP = 0.2  # error (log-loss: share of knowing nothing) above which the law's early part may lie ahead
LITTLE = 1.0  # points: an interval wholly below this is not worth the labelling
SEEN = 0.05  # points: a lower end below this prints as 0.0
STANDS_OUT = 1.25  # gain of a class against the mean of all at which it is named


@dataclass(frozen=True)
class Size:
    """The score with some number of labels: n of them, value and 95 % interval on the items held out."""

    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Now:
    """The score with all labels there are, read off the law (a fold's head sees fewer)."""

    n: int
    value: float


@dataclass(frozen=True)
class Doubled:
    """What twice the labels would buy.

    Attributes:
        n: Twice the labels there are.
        gain: Percentage points (log-loss: hundredths of a nat), never negative.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    n: int
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassNeed:
    """What twice the labels would buy one class: its recall now (0..1), and the points that its recall would gain."""

    name: str
    recall: float
    gain: float


@dataclass(frozen=True)
class Law:
    """The error (1 - score; log-loss itself) at n labels is floor + scale · n^-decay."""

    floor: float
    scale: float
    decay: float


@dataclass(frozen=True)
class LearningCurve:
    """The score against the number of labels, and what more would buy: ``learning_curve`` in ``evidence.json``.

    Attributes:
        metric: What the scores are.
        points: Measured, by size.
        law: What was drawn through them.
        now: All labels there are.
        doubled: Twice as many.
        classes: Those that some fold held out, the neediest first.
        sentence: What to do with it, for people.
    """

    metric: str
    points: tuple[Size, ...]
    law: Law
    now: Now
    doubled: Doubled
    classes: tuple[ClassNeed, ...]
    sentence: str


def learning_curve(
    features: NDArray[np.generic],
    labels: Ints,
    units: Ints,
    folds: Folds,
    classes: Sequence[str],
    strength: float,
    metric: str = "accuracy",
    seed: int = 0,
    *,
    balance: bool = False,
) -> LearningCurve | None:
    """Measure scores at about five sizes and say what twice the labels would buy.

    Args:
        features: ``(n, d)`` of all items that the folds speak of.
        labels: ``(n,)`` in ``0 … k - 1``.
        units: ``(n,)``; what is added is whole units, as far as classes allow, and units are what is resampled.
        folds: Pairs of positions (fitted on, held out); no unit on both sides.
        classes: Names of the k classes.
        strength: Of the heads, as ``probe`` found it; the same at every size: it is a prior on the weights, which more labels do not change.
        metric: See ``evaluation.metrics.score``.
        seed: For the order in which items are added, the sample where there are more than 2,000 items, and the resamples.
        balance: Whether classes count alike in the heads' losses, instead of items.

    Returns:
        The curve; None when there are too few labels for one: fewer than three sizes with two items a class.

    Cost: five heads a fold: 0.5 s for 800 items of 1,280 features and five folds on one core.
    """
    n_labels = len(np.unique(np.concatenate([fitted for fitted, _ in folds])))
    sampled = _sampled(folds, seed)
    sizes, judged = _judge(features, labels, units, sampled, tuple(classes), strength, seed, balance=balance)
    if len(sizes) < LEAST_SIZES:
        return None
    scores = [measure(one, metric, seed) for one in judged]
    fold = np.repeat(np.arange(len(sampled)), [len(held) for _, held in sampled])
    steep = _error(scores[-1].value, metric) > STEEP * (math.log(len(classes)) if is_lower_better(metric) else 1)
    law, doubled = _extrapolate(sizes, judged, scores, fold, n_labels, metric, seed, steep)
    worst = law.floor + law.scale * n_labels**-law.decay
    now = Now(n_labels, worst if is_lower_better(metric) else 1 - worst)
    needs = _needs(sizes, judged, n_labels)
    points = tuple(Size(round(float(n)), one.value, one.low, one.high) for n, one in zip(sizes, scores, strict=True))
    return LearningCurve(metric, points, law, now, doubled, needs, sentence(doubled, n_labels, needs, metric, steep))


def sentence(doubled: Doubled, n_labels: int, needs: Sequence[ClassNeed], metric: str = "accuracy", steep: bool = False) -> str:
    """The curve in words: what twice the labels would buy, or that nobody can tell, or that it is little."""
    unit = "points" if metric == "accuracy" else "hundredths of a nat of log-loss" if is_lower_better(metric) else f"points of {metric.replace('_', ' ')}"
    about, ends = f"about {doubled.gain:.1f} {unit}{' or more' if steep else ''}", f"{doubled.low:.1f} to {doubled.high:.1f}"
    if doubled.high < LITTLE:
        return f"Twice the labels would buy little: {about} ({ends}); another model may buy more."
    if doubled.low < SEEN:
        return f"What twice the labels would buy cannot be told from these {n_labels}: {about}, but anything from {ends} is possible."
    mean = float(np.mean([need.gain for need in needs]))
    most = f", and class {needs[0].name} needs them most" if len(needs) > 1 and needs[0].gain > STANDS_OUT * mean else ""
    return f"Twice the labels would buy {about} ({ends}){most}."


def _sampled(folds: Folds, seed: int) -> Folds:
    everything = np.unique(np.concatenate([items for fold in folds for items in fold]))
    if len(everything) <= MOST_ITEMS:
        return folds
    kept = np.random.default_rng(seed_for(seed, "learning curve sample")).choice(everything, MOST_ITEMS, replace=False)
    fewer = [(np.intersect1d(fitted, kept), np.intersect1d(held, kept)) for fitted, held in folds]
    return [(fitted, held) for fitted, held in fewer if len(held)]


def _judge(
    features: NDArray[np.generic], labels: Ints, units: Ints, folds: Folds, classes: tuple[str, ...], strength: float, seed: int, *, balance: bool
) -> tuple[Floats, list[Predictions]]:
    """Sizes (the mean over the folds) and, for each, what heads fitted to so many items say of the items held out."""
    everything = np.unique(np.concatenate([items for fold in folds for items in fold]))
    shares = [share for share in SHARES if share * min(len(fitted) for fitted, _ in folds) >= LEAST_PER_CLASS * len(np.unique(labels[everything]))]
    if len(shares) < LEAST_SIZES:
        return np.zeros(0), []
    standard = standardise(features[everything])
    said: list[list[NDArray[np.float32]]] = [[] for _ in shares]
    sizes = np.zeros(len(shares))
    for n, (fitted, held) in enumerate(folds):
        order = fitted[_in_order(labels[fitted], units[fitted], np.random.default_rng(seed_for(seed, f"learning curve {n}")))]
        inside, outside = standard.inside[np.searchsorted(everything, order)], standard.inside[np.searchsorted(everything, held)]
        weights = standard.nothing(len(classes))
        for place, share in enumerate(shares):
            n_items = max(round(share * len(order)), len(np.unique(labels[fitted])))
            class_weights = balancing(labels[order[:n_items]], len(classes)) if balance else None
            weights = fit(standard, inside[:n_items], labels[order[:n_items]], weights, strength, TOLERANCE, class_weights)
            said[place].append(softmax(outside @ weights[:-1] + weights[-1]))
            sizes[place] += n_items / len(folds)
    judged = np.concatenate([held for _, held in folds])
    names = tuple(str(item) for item in judged)
    return sizes, [Predictions(names, labels[judged], np.concatenate(rows), classes, units[judged]) for rows in said]


def _in_order(labels: Ints, units: Ints, generator: np.random.Generator) -> Ints:
    """An order in which every beginning has the classes' shares and at least one item of each, and the items of a unit stand near each other."""
    _, unit = np.unique(units, return_inverse=True)
    luck = generator.permutation(unit.max() + 1)[unit]
    turn = np.zeros(len(labels))
    for name in np.unique(labels):
        members = np.flatnonzero(labels == name)
        members = members[np.argsort(luck[members], kind="stable")]
        turn[members] = (np.arange(len(members)) + generator.random()) / len(members)
        turn[members[0]] = -1.0
    return np.argsort(turn, kind="stable")


def _extrapolate(
    sizes: Floats, judged: list[Predictions], scores: list[Measured], fold: Ints, n_labels: int, metric: str, seed: int, steep: bool
) -> tuple[Law, Doubled]:
    """The law through the scores, and the gain from n to 2 n with its interval."""
    errors = np.array([_error(one.value, metric) for one in scores])
    rates = _resampled(judged, fold, metric, seed)
    spread = max(float(rates[:, -1].std()), 1 / len(fold)) * np.sqrt(sizes[-1] / sizes)  # fewer items: another draw of them differs more
    law, laws = fit_power_laws(sizes, errors[None], spread), fit_power_laws(sizes, rates, spread)
    gain = float(PERCENT * (law.at(n_labels) - law.at(2 * n_labels))[0])
    low, high = np.quantile(PERCENT * (laws.at(n_labels) - laws.at(2 * n_labels)), [0.025, 0.975])
    high = max(gain, gain + WIDER * (float(high) - gain))
    if steep:  # the size before the last but one is half of the last
        high = max(high, PERCENT * float(np.quantile(rates[:, -3] - rates[:, -1], 0.975)))
    if errors[-1] <= 0:  # no error was seen, so none can be resampled: as many as the score's interval allows, falling as usual
        high = max(high, PERCENT * (1 - scores[-1].low) * (1 - 2**-USUAL_DECAY))
    low = min(gain, max(0.0, gain - WIDER * (gain - float(low))))
    return Law(float(law.floor[0]), float(law.scale[0]), float(law.decay[0])), Doubled(2 * n_labels, gain, low, high)


def _error(value: float, metric: str) -> float:
    return value if is_lower_better(metric) else 1 - value


def _resampled(judged: list[Predictions], fold: Ints, metric: str, seed: int) -> Floats:
    """``(RESAMPLES, sizes)`` errors when folds are drawn, and units within them."""
    by_unit = np.argsort(judged[0].units, kind="stable")
    units = judged[0].units[by_unit]
    fold_of = fold[by_unit][np.unique(units, return_index=True)[1]]
    generator = np.random.default_rng(seed_for(seed, "learning curve interval"))
    n_folds, n_units = int(fold.max()) + 1, len(fold_of)
    drawn = generator.multinomial(n_folds, np.full(n_folds, 1 / n_folds), size=RESAMPLES)[:, fold_of].astype(np.float64)
    drawn[drawn.sum(axis=1) == 0] = 1.0
    counts = generator.multinomial(n_units, drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float64)
    values = [statistic(metric)(counts @ sum_by_unit(contributions(one, metric)[by_unit], units)) for one in judged]
    rates = np.stack(values, axis=1)
    return rates if is_lower_better(metric) else 1 - rates


def _needs(sizes: Floats, judged: list[Predictions], n_labels: int) -> tuple[ClassNeed, ...]:
    """Recall and predicted gain of each class: its own curve with the decay of all, drawn towards its share of all errors where it has few items."""
    truth = judged[0].truth
    wrong = np.stack([1.0 - one.right for one in judged], axis=1)
    n_of = np.bincount(truth, minlength=len(judged[0].classes))
    seen = np.flatnonzero(n_of)
    spread = np.sqrt(0.25 / len(truth) * sizes[-1] / sizes)
    law = fit_power_laws(sizes, wrong.mean(axis=0)[None], spread)
    errors = np.stack([wrong[truth == name].mean(axis=0) for name in seen])
    own = fit_power_laws(sizes, errors, spread, law.decay)
    gain = float((law.at(n_labels) - law.at(2 * n_labels))[0]) / max(float(wrong[:, -1].mean()), 1 / len(truth))
    weight = n_of[seen] / (n_of[seen] + OWN_ITEMS)
    gains = np.minimum(weight * (own.at(n_labels) - own.at(2 * n_labels)) + (1 - weight) * gain * errors[:, -1], errors[:, -1])
    rows = [ClassNeed(judged[0].classes[name], 1 - float(errors[place, -1]), PERCENT * float(gains[place])) for place, name in enumerate(seen)]
    return tuple(sorted(rows, key=lambda row: (-row.gain, row.recall, row.name)))
