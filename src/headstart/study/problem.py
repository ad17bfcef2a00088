"""What every stage of a study looks at: the data, its division, the metric, the seed, the store, and where events go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.activations.store import Store
from headstart.base.events import Sink
from headstart.base.seeds import seed_for
from headstart.data import Dataset, Split, folds
from headstart.evaluation.metrics import score
from headstart.evaluation.predictions import Predictions
from headstart.planning.facts import Facts, has_bfloat16, threads
from headstart.planning.plan import Plan
from headstart.ranking.probe import Folds
from headstart.task.linear import Floats


@dataclass(frozen=True, eq=False)
class Problem:
    """A data set, divided, with the question that is asked of it.

    Attributes:
        deciding: Validation items that choose: all of them, or a sample when there are more than decisions need.
        folds: Positions of training items (fitted on, held out), for cross-validation.
        metric: What is compared.
    """

    dataset: Dataset
    split: Split
    deciding: NDArray[np.int64]
    folds: Folds
    metric: str
    seed: int
    store: Store
    sink: Sink

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.dataset.classes)

    @property
    def everything(self) -> NDArray[np.int64]:
        """Positions of all items."""
        return np.arange(len(self.dataset.content))

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
        threads=threads(),
    )


def pose(dataset: Dataset, split: Split, plan: Plan, store: Store, sink: Sink) -> Problem:
    """Pose the problem as the plan says."""
    seed, most = int(plan.number("seed")), int(plan.number("deciding_items"))
    deciding = np.sort(np.random.default_rng(seed_for(seed, "deciding items")).permutation(split.validation)[:most])
    return Problem(dataset, split, deciding, folds(dataset, split, int(plan.number("folds")), seed), str(plan["metric"]), seed, store, sink)
