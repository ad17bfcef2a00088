"""Does the evidence keep its promises? Learning curves against what twice the labels really give, and likely label errors against labels that were changed.

Prints two tables (Markdown). Data: scikit-learn's digits and breast cancer, and clouds in 300 dimensions of known classes.
Run: ``OMP_NUM_THREADS=1 python benchmarks/evidence_promises.py --repeats 60`` (some minutes).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits

from headstart.ranking.label_errors import likely_label_errors
from headstart.ranking.learning_curve import learning_curve
from headstart.ranking.probe import Folds, probe
from headstart.task.linear import fit_path, standardise

MOST_JUDGED = 1500  # items that the truth is measured on
TRUTH_SEED = 1000  # the truth is drawn from other items than the curves


@dataclass(frozen=True, eq=False)
class Task:
    name: str
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    strength: float
    sizes: tuple[int, ...]

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1


def tasks() -> list[Task]:
    pixels, digit = load_digits(return_X_y=True)
    cells, kind = load_breast_cancer(return_X_y=True)
    random = np.random.default_rng(0)
    cloud = random.integers(0, 5, 3000)
    points = random.normal(size=(3000, 300)) + 0.17 * random.normal(size=(5, 300))[cloud]
    noisy = np.where(random.random(3000) < 0.2, random.integers(0, 5, 3000), cloud)
    return [
        Task("digits", (pixels / 16).astype(np.float32), digit.astype(np.int64), 0.1, (100, 200, 400)),
        Task("breast cancer", cells.astype(np.float32), kind.astype(np.int64), 1.0, (50, 100, 200)),
        Task("clouds", points.astype(np.float32), cloud, 10.0, (50, 100, 200, 400)),
        Task("clouds, 20 % of labels drawn", points.astype(np.float32), noisy, 30.0, (100, 400)),
    ]


def folds(n: int) -> Folds:
    return [(np.flatnonzero(np.arange(n) % 5 != one), np.flatnonzero(np.arange(n) % 5 == one)) for one in range(5)]


def accuracy(task: Task, n: int, repeats: int) -> float:
    found = []
    for seed in range(repeats):
        order = np.random.default_rng(TRUTH_SEED + seed).permutation(len(task.labels))
        fitted, others = order[:n], order[n:][:MOST_JUDGED]
        (head,) = fit_path(standardise(task.features[fitted]), task.labels[fitted], task.n_classes, [task.strength])
        found.append((head.probabilities(task.features[others]).argmax(axis=1) == task.labels[others]).mean())
    return float(np.mean(found))


def curve_row(task: Task, n: int, repeats: int) -> str:
    truth = 100 * (accuracy(task, 2 * n, repeats) - accuracy(task, n, repeats))
    gains, widths, held = [], [], 0
    for seed in range(repeats):
        items = np.random.default_rng(seed).permutation(len(task.labels))[:n]
        names = [str(one) for one in range(task.n_classes)]
        found = learning_curve(task.features[items], task.labels[items], np.arange(n), folds(n), names, task.strength, seed=seed)
        assert found is not None
        gains.append(found.doubled.gain)
        widths.append(found.doubled.high - found.doubled.low)
        held += found.doubled.low <= truth <= found.doubled.high
    return f"| {task.name} | {n} | {truth:.1f} | {np.mean(gains):.1f} ± {np.std(gains):.1f} | {np.mean(widths):.1f} | {100 * held / repeats:.0f} % |"


def errors_row(task: Task, n: int, share: float, repeats: int) -> str:
    named = hits = changed = 0
    for seed in range(repeats):
        random = np.random.default_rng(seed)
        items = random.permutation(len(task.labels))[:n]
        labels, flipped = task.labels[items].copy(), random.choice(n, round(share * n), replace=False)
        labels[flipped] = (labels[flipped] + random.integers(1, task.n_classes, len(flipped))) % task.n_classes
        probed = probe(task.features[items], labels, task.n_classes, folds(n))
        found = likely_label_errors(probed.probabilities, labels[probed.items], probed.items, most=n)
        named, changed = named + len(found), changed + len(flipped)
        hits += int(np.isin([error.position for error in found], flipped).sum())
    precision, recall = (f"{hits / whole:.2f}" if whole else "–" for whole in (named, changed))
    return f"| {task.name} | {n} | {100 * share:.0f} % | {named / repeats:.1f} | {precision} | {recall} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=60)
    repeats = parser.parse_args().repeats
    everything = tasks()
    print(f"| task | labels | true gain of twice | promised (mean ± sd of {repeats}) | width | held the truth |\n|---|---|---|---|---|---|")
    for task in everything:
        for n in task.sizes:
            print(curve_row(task, n, repeats), flush=True)
    print("\n| task | items | changed | named, mean | precision | recall |\n|---|---|---|---|---|---|")
    for n in (150, 600, 1797):
        for share in (0.0, 0.05, 0.15):
            print(errors_row(everything[0], n, share, max(4, repeats // 10)), flush=True)


if __name__ == "__main__":
    main()
