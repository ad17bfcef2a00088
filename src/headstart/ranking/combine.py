"""Prior and evidence in, one ranking out: what was published about each model, what its features showed on this data, and which model to take.

Everything is done in log-odds, where an improvement counts the same near 50 % and near 99 %, and where accuracy on ImageNet and accuracy after transfer
lie on a line (Kornblith, Shlens and Le, 2019, *Do better ImageNet models transfer better?*, sections 3 and 4: r = 0.99 for linear heads, 0.96 for
fine-tuning). The evidence of a model is its probe and its LogME, which has no unit of its own and is laid over the candidates' probes: the same mean, the
same spread. A probe has a sampling variance s², LogME an error l of its own that more items do not take away; their mean is weighted by the inverse of
these, so that it is LogME that speaks for a hundred items and the probe for thousands. What published accuracy predicts, relative to the other candidates,
has a spread t². The expected log-odds are the mean of evidence and prediction, weighted in the same way. Errors are treated as shared (all candidates are
probed on the same items), so the interval is never narrower than the probe's own: its variance is s² + (1 - w)² t², with w the weight of the evidence.

Measured on eight networks fine-tuned on 100 pictures of eight tasks, five draws each (``benchmarks/model_choice.py``, LOG.md of 2026-11-27). Slope of
the tuned log-odds over the published ones, five networks with a published accuracy, by distance from the source (``relatedness``): cut-out photographs
(0.3) 1.0; emoji (0.5, 0.6) 0.35, 0.29; garments (0.8) 0.44; digits, MNIST and solar cells (1.0 to 1.1) -0.35 to 0.65, mean 0.1. The slope used is
1.3 (1 - distance), and 0 beyond 1. They stray from their line by 0.04 to 0.12; networks of other families stray more: t = 0.2. The three about which
nothing is published end 0.5 below the others, with a spread of 0.5: before that was said, the luckiest of three noisy probes was often the pick.
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
UNPUBLISHED_BELOW, UNPUBLISHED_SPREAD = 0.5, 0.5  # log-odds, of models about which nothing is published among others; measured, see above
LOGME_SPREAD = 0.2  # log-odds, of LogME on the probes' scale around what a model is worth; 0.15 to 0.3 lost the same (LOG.md)
Z = 1.959964  # standard deviations from the middle to the end of a 95 % interval


@dataclass(frozen=True, eq=False)
class Scores:
    """What was found at one cut of one model.

    Attributes:
        predictions: The probe's, out of fold.
        probe: Their score with its interval.
        nearest: Share of items whose nearest other item has their label.
        logme: Log-evidence an item; not a number where it was not asked for.
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
    ms_per_item: float
    relatedness: Relatedness
    head: Scores
    middle: Scores | None
    seconds: float

    @property
    def best(self) -> Scores:
        """The cut whose probe scored higher: what a model can give when its last blocks are retrained counts, not what they were trained for."""
        return self.middle if self.middle is not None and self.middle.probe.value > self.head.probe.value else self.head

    @property
    def logme(self) -> float:
        """LogME at the cut where it is higher."""
        return self.head.logme if self.middle is None else max(self.head.logme, self.middle.logme)


@dataclass(frozen=True)
class Ranked:
    """One row of the ranking.

    Attributes:
        prior: Published accuracy; None where nobody published one.
        bytes: Size of the weight file.
        ms_per_item: On this machine's engine; None in older runs, where nothing had been timed.
        nearest: 1-NN accuracy at the head cut, leaving the item's unit out.
        probe: Cross-validated linear probe at the head cut; ``…_middle`` at the cut near half of the FLOPs, None where none was kept.
        expected: Prior, probe and LogME combined.
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
    expectations = expect([one.best.probe for one in scored], priors, slope, [one.logme for one in scored])
    order = sorted(range(len(scored)), key=lambda n: (-expectations[n].value, scored[n].ms_per_item, scored[n].card.bytes))
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


def slope_at(distance: float | None) -> float:
    """How much a difference in published log-odds is worth on data at a distance from the source: the farther, the less; beyond 1 nothing.

    Example:
        >>> slope_at(0.0), slope_at(2.0)
        (1.3, 0.0)
    """
    return SLOPE_UNKNOWN if distance is None else SLOPE * max(0.0, 1.0 - distance)


def expect(probes: Sequence[Measured], priors: Sequence[Prior | None], slope: float = 1.0, logmes: Sequence[float] = ()) -> list[Measured]:
    """The expected score of each candidate: its probe and its LogME, drawn towards what its published accuracy predicts from the other candidates.

    Args:
        probes: Scores 0..1 with intervals, on the same items.
        priors: Published accuracies.
        slope: What a difference in their log-odds is worth here.
        logmes: LogME of each, on the same items; nothing, or something that is not a number, where it was not computed.

    Example:
        >>> probes = [Measured(0.80, 0.70, 0.88, 60), Measured(0.80, 0.70, 0.88, 60)]
        >>> low, high = expect(probes, [Prior(0.60, "top-1", "paper"), Prior(0.78, "top-1", "paper")])
        >>> low.value < 0.80 < high.value
        True
    """
    if len(probes) == 1:
        return list(probes)
    found = _with_logme([_log_odds(probe) for probe in probes], logmes)
    offsets = _offsets(priors, slope)
    spreads = [UNPUBLISHED_SPREAD if prior is None else PUBLISHED_SPREAD for prior in priors]
    combined = []
    for n, (probe, (value, variance)) in enumerate(zip(probes, found, strict=True)):
        others = [(found[m][0] - offsets[m], 1 / (found[m][1] + spreads[m] ** 2)) for m in range(len(found)) if m != n]
        level = sum(one * weight for one, weight in others) / sum(weight for _, weight in others)
        spread = spreads[n] ** 2 + 1 / sum(weight for _, weight in others)
        weight = spread / (spread + variance)
        middle = weight * value + (1 - weight) * (level + offsets[n])
        half = Z * math.sqrt(variance + (1 - weight) ** 2 * spread)
        combined.append(Measured(_share(middle), _share(middle - half), _share(middle + half), probe.n))
    return combined


def _with_logme(found: Sequence[tuple[float, float]], logmes: Sequence[float]) -> list[tuple[float, float]]:
    """Log-odds of probes and their variances, the former drawn towards LogME on their scale: its mean and spread over the candidates are made theirs."""
    known, values = np.asarray(logmes, np.float64), np.array([value for value, _ in found])
    if len(known) != len(values) or not np.isfinite(known).all() or not known.std():
        return list(found)
    placed = values.mean() + (known - known.mean()) / known.std() * values.std()
    own = LOGME_SPREAD**2
    return [((own * value + variance * float(place)) / (own + variance), variance) for (value, variance), place in zip(found, placed, strict=True)]


def _offsets(priors: Sequence[Prior | None], slope: float) -> list[float]:
    """What the published accuracies predict, relative to their mean; a model without one is expected below those that have one."""
    known = {n: _logit(prior.value) for n, prior in enumerate(priors) if prior is not None}
    if not known:
        return [0.0] * len(priors)
    mean = sum(known.values()) / len(known)
    return [slope * (known[n] - mean) if n in known else -UNPUBLISHED_BELOW for n in range(len(priors))]


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
        ms_per_item=round(one.ms_per_item, 3),
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
