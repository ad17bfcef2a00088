"""The bootstrap under every interval: resample units, expanded percentiles, and a few imagined units against false certainty.

What flows in: sums per unit and a statistic of sums; what flows out: a 95 % interval. Three choices, measured in
``benchmarks/interval_coverage.py``:

* Units (patients, families of near-duplicates) are drawn, not items, so that what belongs together stays together. Units that add
  the same are drawn together, by one multinomial count: the same distribution, and thousands of resamples take milliseconds.
* Percentiles are *expanded* (T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015,
  section 5.3): with few units the plain percentile interval is too narrow by sqrt((m - 1) / m) and by normal instead of t.
* A sample in which nothing varies (all right; no difference between two models) would get an interval of width 0. So a few imagined
  units join the draw: two right and two wrong for one model (A. Agresti and B. Coull, The American Statistician 52, 1998), one win and one
  loss for a pair (D. Bonett and R. Price, Journal of Educational and Behavioral Statistics 37, 2012). Within clusters, an imagined unit is as
  heavy as the items that count as one (the design effect: E. Korn and B. Graubard, Survey Methodology 24, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.seeds import seed_for
from headstart.evaluation.metrics import Floats, Statistic

RESAMPLES = 4000  # the 2.5 % point then wobbles by about a twentieth of the interval's half-width
CONFIDENCE = 0.95
CHUNK_ENTRIES = 4_000_000  # counts in memory at a time: 32 MB
FEW_KINDS = 0.3  # above this share of kinds among units, and this many kinds, drawing units is quicker than drawing kinds
MANY_KINDS = 500


@dataclass(frozen=True)
class Imagined:
    """Units that were not seen and stand for what might have been.

    Attributes:
        rows: (p, d) what each kind adds when it is drawn.
        mass: (p,) how many of each kind there are; fractions are fine.
    """

    rows: Floats
    mass: Floats


def sum_by_unit(rows: Floats, units: NDArray[np.int64]) -> Floats:
    """(m, d) sums over the items of each of the m units."""
    ids, places = np.unique(units, return_inverse=True)
    if len(ids) == len(units):
        return rows
    sums = np.zeros((len(ids), rows.shape[1]))
    np.add.at(sums, places, rows)
    return sums


def interval(rows: Floats, statistic: Statistic, imagined: Imagined, seed: int) -> tuple[float, float]:
    """The 95 % interval of a statistic of the sums over units.

    Args:
        rows: (m, d) what each unit adds.
        statistic: (r, d) sums -> (r,) scores.
        imagined: Units that join the draw.
        seed: The draw's seed.

    Returns:
        Lower and upper end; (-inf, inf) when there is one unit only, because one unit says nothing about others.

    Cost: 4,000 resamples of 10,000 units take about 5 ms when few units differ, about half a second when all do.
    """
    if len(rows) < 2:
        return -np.inf, np.inf
    kinds, n_of_kind = _group(rows)
    everything = np.concatenate([kinds, imagined.rows])
    generator = np.random.default_rng(seed_for(seed, "bootstrap"))
    chunk = max(1, CHUNK_ENTRIES // len(everything))
    scores: list[Floats] = []
    for start in range(0, RESAMPLES, chunk):
        counts = _draw(generator, n_of_kind, imagined.mass, min(chunk, RESAMPLES - start))
        scores.append(statistic(counts @ everything))
    return _expanded_percentiles(np.concatenate(scores), len(rows))


def design_effect(values: Floats, weights: Floats, units: NDArray[np.int64]) -> float:
    """How many items of a unit count as one: 1 when items of a unit are independent, the mean size of a unit when they all agree.

    Args:
        values: (n,) what is averaged (right or wrong, a difference), times weight.
        weights: (n,) weight of each item.
        units: (n,) unit of each item.
    """
    mean_size = len(units) / len(np.unique(units))
    rest = (values - weights * values.sum() / max(float(weights.sum()), 1e-12))[:, None]
    alone = float((rest**2).sum())
    if alone <= 1e-12 or mean_size == 1:
        return mean_size  # nothing varies, so nothing says that items of a unit are independent
    together = float((sum_by_unit(rest, units) ** 2).sum())
    return float(np.clip(together / alone, 1.0, mean_size))


def _group(rows: Floats) -> tuple[Floats, Floats]:
    """Rows that are alike, once, and how many there are of each; rows as they are when hardly any are alike."""
    kinds, n_of_kind = np.unique(rows, axis=0, return_counts=True)
    if len(kinds) > max(MANY_KINDS, FEW_KINDS * len(rows)):
        return rows, np.ones(len(rows))
    return kinds, n_of_kind.astype(np.float64)


def _draw(generator: np.random.Generator, n_of_kind: Floats, imagined: Floats, size: int) -> Floats:
    """(size, kinds + imagined) how often each is drawn in each of ``size`` resamples of all units, seen and imagined."""
    mass = np.concatenate([n_of_kind, imagined])
    n_draws = round(float(mass.sum()))
    if len(n_of_kind) <= MANY_KINDS or n_of_kind.max() > 1:
        return generator.multinomial(n_draws, mass / mass.sum(), size=size).astype(np.float64)
    # Every unit is its own kind: drawing indices is ten times as quick as a binomial for each kind
    n_imagined = generator.binomial(n_draws, imagined.sum() / mass.sum(), size=size)
    counts, n_kinds = np.empty((size, len(mass))), len(n_of_kind)
    counts[:, n_kinds:] = generator.multinomial(n_imagined, imagined / imagined.sum())
    for row, absent in zip(counts, n_imagined, strict=True):
        row[:n_kinds] = np.bincount(generator.integers(0, n_kinds, n_draws - absent), minlength=n_kinds)
    return counts


def _expanded_percentiles(scores: Floats, n_units: int) -> tuple[float, float]:
    from scipy import special

    tail = (1 - CONFIDENCE) / 2
    expanded = special.ndtr(np.sqrt(n_units / (n_units - 1)) * special.stdtrit(n_units - 1, tail))
    known = scores[~np.isnan(scores)]
    if len(known) == 0:
        return -np.inf, np.inf
    low, high = np.quantile(known, [expanded, 1 - expanded])
    return float(low), float(high)
