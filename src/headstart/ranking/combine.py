"""Prior and evidence in, one ranking out: what was published about each model, what its features showed on this data, and which model to take.

Everything is done in log-odds, where an improvement counts the same near 50 % and near 99 %, and where accuracy on ImageNet and accuracy after transfer
lie on a line (Kornblith, Shlens and Le, 2019, *Do better ImageNet models transfer better?*, sections 3 and 4: r = 0.99 for linear heads, 0.96 for
fine-tuning). A model's probe has a sampling variance s²; what its published accuracy predicts, relative to the other candidates, has a spread t². The
expected log-odds are the mean of the two, weighted by the inverse of their variances. Their errors are treated as shared (all candidates are probed
on the same items), so the interval is never narrower than the probe's own: its variance is s² + (1 - w)² t², with w the weight of the probe.

How much published accuracy says depends on how far the data lies from its source (``relatedness``). Slope of the probe's log-odds over the published
ones, five networks with a published accuracy: photographs cut out (distance 0.4) 0.84; Fashion-MNIST (0.8) 0.37; solar cells (1.0) 0.02; MNIST (1.0)
-0.7. So the slope used is 1.3 (1 - distance), and 0 beyond 1; what the probes stray from that line is 0.14, 0.10, 0.03 and 0.27: t = 0.2. Four data
sets are few, MNIST and the spread 0.27 rest on one probe of 300 items: first guesses, which a benchmark of model choice should replace. On 39 draws of
60 to 240 items of the first three data sets (the ones that gave the slope, so this flatters us), judged by a linear head on all items, the mean regret
was 0.6 points (worst 2.0) with the middle cut or without it; 0.8 (2.0) by the probe alone, 0.9 (6.0) by 1-NN, 1.0 (2.0) by LogME, 4.2 (15.4) by
the H-score; 0.4 (1.2) by published accuracy alone, which evidence did not beat there. On MNIST its pick probed 4.4 points behind SqueezeNet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from headstart.evaluation.intervals import Gain, Measured, gain
from headstart.evaluation.predictions import Predictions
from headstart.gallery.card import ModelCard, Prior
from headstart.ranking import words
from headstart.ranking.relatedness import Relatedness

SLOPE = 1.3  # of log-odds here over log-odds published, for data at no distance from the source; measured, see above
SLOPE_UNKNOWN = 0.5  # where no candidate knows the distance: between that of photographs and that of drawings
PUBLISHED_SPREAD = 0.2  # log-odds, around what published accuracy predicts; measured, see above
UNPUBLISHED_SPREAD = 1.0  # log-odds, of models about which nothing is published around the others: 0.2 to 1.4 below them on stamps
Z = 1.959964  # standard deviations from the middle to the end of a 95 % interval
EQUAL = 0.005  # expected scores so near to the best are decided by published accuracy: a few hundred items cannot tell them apart (LOG.md)
UNPUBLISHED_RANK = 0.25  # quantile of the published accuracies that stands for a model's own where nobody published one


@dataclass(frozen=True, eq=False)
class Scores:
    """What was found at one cut of one model.

    Attributes:
        predictions: The probe's, out of fold.
        probe: Their score with its interval.
        nearest: Share of items whose nearest other item has their label.
        logme: Log-evidence an item.
        h_score: H-score with a shrunk covariance.
    """

    predictions: Predictions
    probe: Measured
    nearest: float
    logme: float
    h_score: float


@dataclass(frozen=True, eq=False)
class Scored:
    """One candidate before it is compared with the others."""

    card: ModelCard
    ms_per_item: float | None
    relatedness: Relatedness
    head: Scores
    middle: Scores | None
    seconds: float

    @property
    def best(self) -> Scores:
        """The cut whose probe scored higher: what a model can give when its last blocks are retrained counts, not what they were trained for."""
        return self.middle if self.middle is not None and self.middle.probe.value > self.head.probe.value else self.head


@dataclass(frozen=True)
class Ranked:
    """One row of the ranking.

    Attributes:
        prior: Published accuracy; None where nobody published one.
        bytes: Size of the weight file.
        ms_per_item: On this machine's fastest engine; None when nothing was timed.
        nearest: 1-NN accuracy at the head cut, leaving the item's unit out.
        probe: Cross-validated linear probe at the head cut; ``…_middle`` at the cut near half of the FLOPs, None where none was kept.
        expected: Prior and evidence combined.
        seconds: Wall-clock seconds that this candidate took now.
        tied: Can the paired interval not tell it from the pick?
        chosen: Is it the pick?
        ahead: Does its probe beat the pick's by more than chance, although less is expected of it?
    """

    model: str
    title: str
    prior: Prior | None
    licence: str
    price: str
    bytes: int
    ms_per_item: float | None
    n_parameters: int
    nearest: float
    nearest_middle: float | None
    probe: Measured
    probe_middle: Measured | None
    logme: float
    logme_middle: float | None
    h_score: float
    h_score_middle: float | None
    relatedness: Relatedness
    expected: Measured
    seconds: float
    tied: bool
    chosen: bool
    why: str
    ahead: bool = False


@dataclass(frozen=True)
class LeftOut:
    """A model that did not compete, and why: ``--max-mb: its weight file has 97 MB, more than 50``."""

    model: str
    why: str


@dataclass(frozen=True)
class Ranking:
    """All candidates, the best first: ``ranking.json``.

    Attributes:
        pick: Name of the model to take.
        prior_pick: The model that published accuracy alone would take; None when nothing was published of any.
        why: One sentence.
        metric: What the probes and the expected scores are measured in.
        left_out: Models that did not compete.
    """

    rows: tuple[Ranked, ...]
    pick: str
    prior_pick: str | None
    why: str
    metric: str
    left_out: tuple[LeftOut, ...] = ()

    def row(self, model: str) -> Ranked:
        """The row of a model."""
        return next(one for one in self.rows if one.model == model)


def combine(scored: Sequence[Scored], metric: str, seed: int = 0, left_out: Sequence[LeftOut] = ()) -> Ranking:
    """Rank candidates by what prior and evidence together expect of them.

    Args:
        scored: At least one candidate; all probed on the same items.
        metric: ``accuracy`` or ``balanced_accuracy``.
        seed: Of the bootstrap that looks for ties.
        left_out: Models to be named as not competing.
    """
    distances = [one.relatedness.distance for one in scored if one.relatedness.distance is not None]
    slope = slope_at(median(distances) if distances else None)
    priors = comparable([one.card.prior for one in scored])
    expectations = expect([one.best.probe for one in scored], priors, slope)
    order = _ordered(scored, priors, [one.value for one in expectations])
    pick = scored[order[0]]
    rows = tuple(_row(scored[n], expectations[n], pick, metric, seed) for n in order)
    published = {one.card.name: prior.value for one, prior in zip(scored, priors, strict=True) if prior is not None}
    prior_pick = max(published, key=lambda name: published[name]) if published else None
    ranking = Ranking(rows, pick.card.name, prior_pick, "", metric, tuple(left_out))
    return replace(ranking, why=words.why(ranking))


def comparable(priors: Sequence[Prior | None]) -> list[Prior | None]:
    """The published accuracies that were measured in the same way, the commonest (of equals the first): others say nothing beside them.

    Example:
        >>> mine, theirs = Prior(0.75, "ImageNet-1k top-1", "paper"), Prior(0.99, "CIFAR-10", "blog")
        >>> comparable([theirs, mine, None, mine]) == [None, mine, None, mine]
        True
    """
    metrics = [one.metric for one in priors if one is not None]
    usual = max(metrics, key=metrics.count, default="")
    return [one if one is not None and one.metric == usual else None for one in priors]


def _ordered(scored: Sequence[Scored], priors: Sequence[Prior | None], expected: Sequence[float]) -> list[int]:
    """Places of the candidates: first, of those that are expected to be as good as any, the one of the highest published accuracy; then by expectation."""
    known = [one.value for one in priors if one is not None]
    guess = float(np.quantile(known, UNPUBLISHED_RANK)) if known else 0.0
    cost = [(one.ms_per_item or 0.0, one.card.bytes) for one in scored]
    near = [n for n, value in enumerate(expected) if value >= max(expected) - EQUAL]
    pick = min(near, key=lambda n: (-(prior.value if (prior := priors[n]) else guess), *cost[n]))
    return [pick, *sorted((n for n in range(len(scored)) if n != pick), key=lambda n: (-expected[n], *cost[n]))]


def slope_at(distance: float | None) -> float:
    """How much a difference in published log-odds is worth on data at a distance from the source: the farther, the less; beyond 1 nothing.

    Example:
        >>> slope_at(0.0), slope_at(2.0)
        (1.3, 0.0)
    """
    return SLOPE_UNKNOWN if distance is None else SLOPE * max(0.0, 1.0 - distance)


def expect(probes: Sequence[Measured], priors: Sequence[Prior | None], slope: float = 1.0) -> list[Measured]:
    """The expected score of each candidate: its probe, drawn towards what its published accuracy predicts from the other candidates.

    Args:
        probes: Scores 0..1 with intervals, on the same items.
        priors: Published accuracies.
        slope: What a difference in their log-odds is worth here.

    Example:
        >>> probes = [Measured(0.80, 0.70, 0.88, 60), Measured(0.80, 0.70, 0.88, 60)]
        >>> low, high = expect(probes, [Prior(0.60, "top-1", "paper"), Prior(0.78, "top-1", "paper")])
        >>> low.value < 0.80 < high.value
        True
    """
    found = [_log_odds(probe) for probe in probes]
    offsets = _offsets(priors, slope)
    spreads = [UNPUBLISHED_SPREAD if prior is None else PUBLISHED_SPREAD for prior in priors]
    combined = []
    for n, (probe, (value, variance)) in enumerate(zip(probes, found, strict=True)):
        others = [(found[m][0] - offsets[m], 1 / (found[m][1] + spreads[m] ** 2)) for m in range(len(found)) if m != n]
        if not others:
            combined.append(probe)
            continue
        level = sum(one * weight for one, weight in others) / sum(weight for _, weight in others)
        spread = spreads[n] ** 2 + 1 / sum(weight for _, weight in others)
        weight = spread / (spread + variance)
        middle = weight * value + (1 - weight) * (level + offsets[n])
        half = Z * math.sqrt(variance + (1 - weight) ** 2 * spread)
        combined.append(Measured(_share(middle), _share(middle - half), _share(middle + half), probe.n))
    return combined


def _offsets(priors: Sequence[Prior | None], slope: float) -> list[float]:
    """What the published accuracies predict, relative to their mean; nothing for a model without one."""
    known = {n: _logit(prior.value) for n, prior in enumerate(priors) if prior is not None}
    mean = sum(known.values()) / len(known) if known else 0.0
    return [slope * (known[n] - mean) if n in known else 0.0 for n in range(len(priors))]


def _log_odds(probe: Measured) -> tuple[float, float]:
    """Log-odds of a score and their variance, read off its interval; half an item right and half an item wrong keep them finite."""
    value, low, high = (_logit((share * probe.n + 0.5) / (probe.n + 1)) for share in (probe.value, probe.low, probe.high))
    return value, ((high - low) / (2 * Z)) ** 2


def _logit(share: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _row(one: Scored, expected: Measured, pick: Scored, metric: str, seed: int) -> Ranked:
    card, middle, chosen = one.card, one.middle, one is pick
    behind: Gain | None = None if chosen else gain(one.best.predictions, pick.best.predictions, metric, seed)
    return Ranked(
        model=card.name,
        title=card.title,
        prior=card.prior,
        licence=card.licence,
        price=card.price,
        bytes=card.bytes,
        ms_per_item=None if one.ms_per_item is None else round(one.ms_per_item, 3),
        n_parameters=card.parameters,
        nearest=one.head.nearest,
        nearest_middle=middle.nearest if middle else None,
        probe=one.head.probe,
        probe_middle=middle.probe if middle else None,
        logme=one.head.logme,
        logme_middle=middle.logme if middle else None,
        h_score=one.head.h_score,
        h_score_middle=middle.h_score if middle else None,
        relatedness=one.relatedness,
        expected=expected,
        seconds=round(one.seconds, 3),
        tied=behind is not None and behind.low <= 0 <= behind.high,
        chosen=chosen,
        why=words.why_row(card.title, one.best.probe, behind, at_middle=one.best is middle),
        ahead=behind is not None and behind.low > 0,
    )
