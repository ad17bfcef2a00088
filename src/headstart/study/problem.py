"""What every stage of a study looks at: the data, its division, the metric, the seed, the store, and where events go; and the rounds it is posed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headstart.activations.store import Store
from headstart.backbone.cuda import has_cuda
from headstart.base.events import Sink
from headstart.base.processor import has_bfloat16, threads
from headstart.base.seeds import seed_for
from headstart.data import Dataset, Split, folds
from headstart.evaluation.metrics import score
from headstart.evaluation.predictions import Predictions
from headstart.modality import get
from headstart.planning.facts import Facts
from headstart.planning.plan import Plan
from headstart.planning.rules import LONGER_FROM
from headstart.ranking.probe import Folds
from headstart.task.linear import Floats
from headstart.training.keeping import NOWHERE, Keeping

NOBODY = np.zeros(0, dtype=np.int64)
UNWEIGHED = ("accuracy", "log_loss")  # metrics for which every item counts the same


@dataclass(frozen=True, eq=False)
class Problem:
    """A data set, divided, with the question that is asked of it.

    Attributes:
        split: Who may be learnt from (train and validation) and who is tested.
        folds: Positions of items that may be learnt from (fitted on, held out), for the ranking.
        heats: The same for the race: as many folds as a finalist is judged on.
        metric: What is compared.
        keeping: Where what was decided and trained in this round is kept.
    """

    dataset: Dataset
    split: Split
    folds: Folds
    heats: Folds
    metric: str
    seed: int
    store: Store
    sink: Sink
    keeping: Keeping = NOWHERE

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.dataset.classes)

    @property
    def balance(self) -> bool:
        """Do classes count alike, instead of items?"""
        return self.metric not in UNWEIGHED

    @property
    def everything(self) -> NDArray[np.int64]:
        """Positions of all items."""
        return np.arange(len(self.dataset.content))

    @property
    def pool(self) -> NDArray[np.int64]:
        """Positions of the items that may be learnt from, ascending."""
        return np.union1d(self.split.train, self.split.validation)

    def held(self, n_heats: int | None = None) -> NDArray[np.int64]:
        """Positions of the items that the first so many heats hold out, heat after heat."""
        return np.concatenate([held for _, held in self.heats[:n_heats]])

    def longer(self, fitted: NDArray[np.int64]) -> float:
        """How many times as many epochs a heat trains, to take about as many steps as a fit to the whole pool: with fewer, a deep cut looks worse than it is.

        One heat alone is what is delivered, and trains as it is. So few items as are one or two batches are not seen more often either: that made deep cuts
        surer of themselves, not better judged (18 cells of ``benchmarks/depth_choice.py``: 0.8 points more were lost, 0.6 the standard error).
        """
        return len(self.pool) / len(fitted) if len(self.heats) > 1 and len(self.pool) >= LONGER_FROM else 1.0

    def predictions(self, items: NDArray[np.int64], probabilities: Floats) -> Predictions:
        """Join the probabilities of items with their truth."""
        dataset = self.dataset
        return Predictions(tuple(dataset.sources[n] for n in items), dataset.labels[items], probabilities, dataset.classes, self.split.units[items])

    def score(self, predictions: Predictions) -> float:
        """The metric's value."""
        return score(predictions, self.metric)


def known_facts(dataset: Dataset, split: Split, models: Sequence[str]) -> Facts:
    """What the plan's rules look at."""
    counts = np.bincount(dataset.labels[split.train], minlength=len(dataset.classes))
    return Facts(
        n_train=len(split.train),
        n_validation=len(split.validation),
        n_test=len(split.test),
        classes=dataset.classes,
        smallest_class=int(counts.min()),
        imbalance=float(counts.max() / max(1, counts.min())),
        models=tuple(models),
        has_bfloat16=has_bfloat16(),
        has_cuda=has_cuda(),
        threads=threads(),
        given=tuple(sorted(set(dataset.given_split or ()))),
        modality=dataset.modality,
        varies=get(dataset.modality).varies,
        plain_model=get(dataset.modality).description,
    )


def pose(dataset: Dataset, split: Split, plan: Plan, store: Store, sink: Sink, keeping: Keeping = NOWHERE) -> Problem:
    """Pose the problem as the plan says."""
    seed, n_heats = int(plan.number("seed")), int(plan.number("race_folds"))
    everybody = replace(split, train=np.union1d(split.train, split.validation), validation=NOBODY)
    ranking = folds(dataset, everybody, int(plan.number("folds")), seed)
    if n_heats == 1 and len(split.validation):
        deciding = np.random.default_rng(seed_for(seed, "deciding items")).permutation(split.validation)[: int(plan.number("deciding_items"))]
        heats = [(split.train, np.sort(deciding))]
    else:
        heats = folds(dataset, everybody, max(2, n_heats), seed_for(seed, "race"))
    return Problem(dataset, split, ranking, heats, str(plan["metric"]), seed, store, sink, keeping)


def rounds(dataset: Dataset, split: Split, plan: Plan) -> list[Split]:
    """The divisions in which transfer and its twins are judged: the split itself, or those of a nested cross-validation, each item tested in one."""
    if plan.number("rounds") == 1:
        return [split]
    everything = np.arange(len(dataset.content))
    whole = replace(split, train=everything, validation=NOBODY, test=NOBODY)
    parts = folds(dataset, whole, int(plan.number("rounds")), seed_for(int(plan.number("seed")), "rounds"))
    return [replace(whole, train=rest, test=held) for rest, held in parts]


def last_round(split: Split, plan: Plan) -> Split:
    """The division whose model is delivered: after a nested cross-validation, everything may be learnt from."""
    if plan.number("rounds") == 1:
        return split
    return replace(split, train=np.sort(np.concatenate([split.train, split.validation, split.test])), validation=NOBODY, test=NOBODY)
