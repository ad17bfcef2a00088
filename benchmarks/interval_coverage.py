"""How often do the 95 % intervals of headstart.evaluation hold the truth? Prints a table (Markdown) of coverage and mean width.

Simulated models whose true score or gain is known, also of classes that count alike; each row repeats the draw ``--repeats`` times. Beside ours stand
the plain percentile bootstrap and BCa (scipy.stats.bootstrap) over the same units, which break down near 0 and 1.

Run: ``python benchmarks/interval_coverage.py --repeats 1000``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation import Predictions, gain, measure

Ends = tuple[float, float]
SURE = 0.9  # probability that the simulated models give their choice
RESAMPLES = 1000  # of the two rival methods, which are slow


@dataclass(frozen=True)
class Draw:
    """One simulated test set: rightness of two models on the same items (one model: b is None), the truth in points, and classes where they count alike."""

    a: NDArray[np.bool_]
    b: NDArray[np.bool_] | None
    units: NDArray[np.int64]
    truth: float
    classes: NDArray[np.int64] | None = None


Maker = Callable[[np.random.Generator], Draw]


def one_model(n: int, accuracy: float) -> Maker:
    """Independent items, one model of known accuracy."""
    return lambda generator: Draw(generator.random(n) < accuracy, None, np.arange(n), 100 * accuracy)


def two_models(n: int, wins: float, losses: float) -> Maker:
    """Independent items; ``wins`` and ``losses`` are the shares that only a, or only b, gets right."""

    def make(generator: np.random.Generator) -> Draw:
        luck, agreed = generator.random(n), generator.random(n) < 0.8
        a = np.where(luck < wins, True, np.where(luck < wins + losses, False, agreed))
        b = np.where(luck < wins, False, np.where(luck < wins + losses, True, agreed))
        return Draw(a, b, np.arange(n), 100 * (wins - losses))

    return make


def clustered(n_units: int, mean_size: int, accuracy: float, correlation: float) -> Maker:
    """Units of uneven size whose own accuracy varies (beta) with the given correlation of items within a unit."""

    def make(generator: np.random.Generator) -> Draw:
        units = np.repeat(np.arange(n_units), 1 + generator.poisson(mean_size - 1, n_units))
        spread = 1 / correlation - 1
        own = generator.beta(accuracy * spread, (1 - accuracy) * spread, n_units)
        return Draw(generator.random(len(units)) < own[units], None, units, 100 * accuracy)

    return make


def clustered_pair(n_units: int, mean_size: int, wins: float, losses: float, correlation: float) -> Maker:
    """As ``clustered``, for wins and losses of a pair (Dirichlet per unit)."""

    def make(generator: np.random.Generator) -> Draw:
        units = np.repeat(np.arange(n_units), 1 + generator.poisson(mean_size - 1, n_units))
        own = generator.dirichlet(np.array([wins, losses, 1 - wins - losses]) * (1 / correlation - 1), n_units)
        luck = generator.random(len(units))
        won = luck < own[units, 0]
        lost = ~won & (luck < own[units, :2].sum(axis=1))
        return Draw(~lost, ~won, units, 100 * (wins - losses))

    return make


def by_class(counts: Sequence[int], own: Sequence[float], others: Sequence[float] | None = None) -> Maker:
    """Independent items of classes that count alike, whatever their number; the accuracy of one model in each class, or of two."""
    classes = np.repeat(np.arange(len(counts)), counts)

    def make(generator: np.random.Generator) -> Draw:
        a = generator.random(len(classes)) < np.repeat(own, counts)
        b = None if others is None else generator.random(len(classes)) < np.repeat(others, counts)
        return Draw(a, b, np.arange(len(classes)), 100 * float(np.mean(own) - (0 if others is None else np.mean(others))), classes)

    return make


def predictions(right: NDArray[np.bool_], draw: Draw) -> Predictions:
    """Two classes of which the truth is always the first, or the draw's own; a wrong answer is the class after it."""
    truth = np.zeros(len(right), np.int64) if draw.classes is None else draw.classes
    n_classes = max(2, int(truth.max()) + 1)
    probabilities = np.full((len(right), n_classes), (1 - SURE) / (n_classes - 1))
    probabilities[np.arange(len(right)), np.where(right, truth, (truth + 1) % n_classes)] = SURE
    return Predictions(tuple(str(item) for item in range(len(right))), truth, probabilities, tuple(map(str, range(n_classes))), draw.units)


def ours(draw: Draw, seed: int) -> Ends:
    """The interval of the library, in points."""
    a, metric = predictions(draw.a, draw), "accuracy" if draw.classes is None else "balanced_accuracy"
    if draw.b is None:
        measured = measure(a, metric, seed)
        return 100 * measured.low, 100 * measured.high
    gained = gain(a, predictions(draw.b, draw), metric, seed)
    return gained.low, gained.high


def rival(method: str) -> Callable[[Draw, int], Ends]:
    """The textbook bootstrap over units, in points; not for classes that count alike."""

    def ends(draw: Draw, seed: int) -> Ends:
        if draw.classes is not None:
            return np.nan, np.nan
        from scipy import stats

        values = draw.a.astype(float) - (0 if draw.b is None else draw.b)
        sums, sizes = np.bincount(draw.units, values), np.bincount(draw.units).astype(float)
        if np.ptp(sums / sizes) == 0:
            return 100 * values.mean(), 100 * values.mean()
        found = stats.bootstrap(
            (sums, sizes),
            lambda top, bottom, axis: top.sum(axis=axis) / bottom.sum(axis=axis),
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            method=method,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        return 100 * found.low, 100 * found.high

    return ends


METHODS: dict[str, Callable[[Draw, int], Ends]] = {"ours": ours, "percentile": rival("percentile"), "BCa": rival("BCa")}


def cases() -> Iterator[tuple[str, Maker]]:
    """Name and maker of every row."""
    for n in (10, 20, 50, 200):
        for accuracy in (0.5, 0.9, 0.98):
            yield f"accuracy {accuracy}, n = {n}", one_model(n, accuracy)
    for n in (10, 20, 50, 200):
        for wins, losses in ((0.02, 0.02), (0.1, 0.1), (0.25, 0.05), (0.05, 0.0)):
            yield f"gain, wins {wins}, losses {losses}, n = {n}", two_models(n, wins, losses)
    for n_units in (5, 10, 30):
        for accuracy, correlation in ((0.7, 0.1), (0.9, 0.3)):
            yield f"accuracy {accuracy}, {n_units} units of ~10, correlation {correlation}", clustered(n_units, 10, accuracy, correlation)
        yield f"gain, wins 0.15, losses 0.05, {n_units} units of ~10, correlation 0.2", clustered_pair(n_units, 10, 0.15, 0.05, 0.2)

    for name, counts, own, others in (
        ("200 and 3", (200, 3), (0.95, 0.7), (0.9, 0.3)),
        ("300 and 10", (300, 10), (0.9, 0.8), (0.9, 0.6)),
        ("100 and 6", (100, 6), (0.9, 0.7), (0.85, 0.6)),
        ("50 and 3 of 8", (50, 8, 8, 8), (0.9, 0.7, 0.7, 0.7), (0.9, 0.5, 0.5, 0.5)),
        ("60 and 9 of 12", (60, *[12] * 9), (0.9, *[0.8] * 9), (0.8, *[0.7] * 9)),
    ):
        yield f"balanced accuracy, {name} items", by_class(counts, own)
        yield f"gain in balanced accuracy, {name} items", by_class(counts, own, others)
        yield f"gain of 0 in balanced accuracy, {name} items", by_class(counts, own, own)


def main() -> None:
    """Print one row per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    repeats = parser.parse_args().repeats
    print(f"| case ({repeats} repeats) | " + " | ".join(f"{name}: coverage %, width, above 0 %" for name in METHODS) + " |\n|---|" + "---|" * len(METHODS))
    for name, make in cases():
        generator = np.random.default_rng(0)
        draws = [make(generator) for _ in range(repeats)]
        cells = []
        for method in METHODS.values():
            with np.errstate(all="ignore"):
                ends = np.array([method(draw, seed) for seed, draw in enumerate(draws)])
            held = np.mean([low - 1e-9 <= draw.truth <= high + 1e-9 for (low, high), draw in zip(ends, draws, strict=True)])
            known = not np.isnan(ends).all()
            cells.append(f"{100 * held:.1f}, {np.nanmean(ends[:, 1] - ends[:, 0]):.1f}, {100 * np.mean(ends[:, 0] > 0):.1f}" if known else "–")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
