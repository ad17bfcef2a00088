"""The arms of the comparison: transfer at one cut, the same network from scratch, a plain model, the commonest class."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.activations.collect import Activations, collect
from headstart.activations.described import describe
from headstart.activations.store import Store
from headstart.base.events import Sink, stage
from headstart.base.seeds import seed_for
from headstart.data import Dataset
from headstart.evaluation.predictions import Predictions
from headstart.modality import get
from headstart.planning.plan import Plan
from headstart.ranking.probe import Folds, probe
from headstart.study.candidates import Probed, open_backbone
from headstart.task.linear import Floats, LinearHead, fit_path, standardise
from headstart.training.loop import Epoch, Settings, Trained, n_steps, predict, seconds_per_step, train
from headstart.training.network import Classifier, head_from, new_head
from headstart.training.pixels import Pixels


@dataclass(frozen=True)
class Sides:
    """Positions of the items: those that train, those that choose (a sample of validation when it is large), those that judge once."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    units: NDArray[np.int64]

    def predictions(self, dataset: Dataset, items: NDArray[np.int64], probabilities: Floats) -> Predictions:
        """Join probabilities with the truth."""
        return Predictions(tuple(dataset.sources[n] for n in items), dataset.labels[items], probabilities, dataset.classes, self.units[items])


@dataclass(frozen=True)
class Arm:
    """One trained way to answer.

    Attributes:
        name: ``transfer``, ``scratch``, ``plain`` or ``majority``.
        validation: Its predictions on the validation items that choose.
        answer: From positions of items to probabilities.
        seconds: Wall-clock seconds it took now.
        history: One row an epoch, where there were epochs.
        still_improving: Was the last epoch the best one?
        head: Its linear head, where it is linear.
        weights: Its trained weights by name in the network, where it is not.
        cut: Number of frozen blocks, for the transfer arm.
    """

    name: str
    validation: Predictions
    answer: Callable[[NDArray[np.int64]], Floats]
    seconds: float
    history: tuple[Epoch, ...] = ()
    still_improving: bool = False
    head: LinearHead | None = None
    weights: dict[str, Tensor] | None = None
    cut: int = -1


def head_only(probed: Probed, dataset: Dataset, sides: Sides) -> Arm:
    """A new head on the frozen network, at the penalty that the probe found best."""
    started = time.perf_counter()
    head = fitted_head(probed.features, dataset.labels, len(dataset.classes), sides.train, probed.probe.penalty)
    validation = sides.predictions(dataset, sides.validation, head.probabilities(probed.features[sides.validation]))
    seconds = time.perf_counter() - started
    return Arm("transfer", validation, lambda items: head.probabilities(probed.features[items]), seconds, head=head, cut=probed.candidate.backbone.depth)


def tuned(probed: Probed, cut: int, start: Arm, dataset: Dataset, sides: Sides, plan: Plan, store: Store, *, seed: int, sink: Sink) -> Arm:
    """The blocks behind a cut and the head retrained together, from the head that the linear probe left."""
    started = time.perf_counter()
    candidate = probed.candidate
    kept = probed.activations.get(cut)
    if kept is None and cut > 0:
        kept = collect(candidate.backbone, [cut], candidate.items, candidate.engine, store, label=candidate.card.name, sink=sink)[cut]
    settings = tuning_settings(plan)
    assert start.head is not None  # noqa: S101 - head_only always leaves one
    part = copy.deepcopy(candidate.backbone.part(cut, candidate.backbone.depth))
    classifier = Classifier(part, head_from(start.head), keep_statistics=True)
    if settings.precision == "bfloat16":
        classifier = classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pixels = Pixels(candidate.items, seed=seed) if kept is None else None
    read = stored_reader(kept, settings) if kept is not None else pixels.read if pixels is not None else None
    assert read is not None  # noqa: S101 - one of the two exists
    name = f"tune {candidate.backbone.depth - cut} blocks"
    done = train(classifier, read, dataset.labels, sides.train, sides.validation, settings, seed=seed, name=name, sink=sink)
    return _network_arm("transfer", classifier, read, done, settings, dataset, sides, started, cut)


def from_scratch(probed: Probed, cut: int, seconds: float, dataset: Dataset, sides: Sides, plan: Plan, *, seed: int, sink: Sink) -> Arm:
    """The same network from random weights, everything trained, for at least the given seconds."""
    started = time.perf_counter()
    candidate = probed.candidate
    backbone = open_backbone(candidate.card, candidate.items, seed=seed_for(seed, "scratch"))
    width = probed.features.shape[1]
    classifier = Classifier(backbone.part(0, backbone.depth), new_head(width, len(dataset.classes), seed), keep_statistics=False)
    settings = replace(tuning_settings(plan), learning_rate=plan.number("scratch_learning_rate"), patience=None)
    if settings.precision == "bfloat16":
        classifier = classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pixels = Pixels(candidate.items, seed=seed)
    with stage(sink, "time a step from scratch"):
        one = seconds_per_step(classifier, pixels.read, dataset.labels, sides.train, settings)
    settings = replace(settings, epochs=affordable_epochs(one, seconds, len(sides.train), len(sides.validation), settings))
    done = train(classifier, pixels.read, dataset.labels, sides.train, sides.validation, settings, seed=seed, name="scratch", sink=sink)
    return _network_arm("scratch", classifier, pixels.read, done, settings, dataset, sides, started, 0)


def affordable_epochs(seconds_per_step: float, seconds: float, n_train: int, n_validation: int, settings: Settings) -> float:
    """Epochs that fill the seconds: an epoch is its steps and one look at validation, which costs a third of training per item."""
    steps = n_steps(n_train, replace(settings, epochs=1.0))
    epoch = seconds_per_step * (steps + n_validation / settings.batch_items / 3)
    return max(1.0 / steps, seconds / epoch)


def plain(dataset: Dataset, sides: Sides, folds: Folds, store: Store, *, seed: int, sink: Sink) -> Arm:
    """A linear model on features that need no network."""
    started = time.perf_counter()
    modality = get(dataset.modality)
    name = f"{modality.name} plain features {modality.version}"
    features = describe(name, dataset.content, lambda n: modality.plain_features(dataset.read(n)), store, sink=sink)
    penalty = probe(features, dataset.labels, len(dataset.classes), folds, seed).penalty
    head = fitted_head(features, dataset.labels, len(dataset.classes), sides.train, penalty)
    validation = sides.predictions(dataset, sides.validation, head.probabilities(features[sides.validation]))
    return Arm("plain", validation, lambda items: head.probabilities(features[items]), time.perf_counter() - started, head=head)


def majority(dataset: Dataset, sides: Sides) -> Arm:
    """The shares of the classes among the training items, whatever the item."""
    counts = np.bincount(dataset.labels[sides.train], minlength=len(dataset.classes))
    shares = (counts / counts.sum()).astype(np.float32)

    def answer(items: NDArray[np.int64]) -> Floats:
        return np.tile(shares, (len(items), 1))

    return Arm("majority", sides.predictions(dataset, sides.validation, answer(sides.validation)), answer, 0.0)


def fitted_head(features: NDArray[np.generic], labels: NDArray[np.int64], n_classes: int, items: NDArray[np.int64], penalty: float) -> LinearHead:
    """A head on the items' features at one penalty."""
    return fit_path(standardise(features[items]), labels[items], n_classes, (penalty,))[0]


def tuning_settings(plan: Plan) -> Settings:
    """The plan's values for the loop."""
    return Settings(
        learning_rate=plan.number("learning_rate"),
        weight_decay=plan.number("weight_decay"),
        batch_items=int(plan.number("batch_items")),
        epochs=plan.number("epochs"),
        patience=int(plan.number("patience")),
        warmup_fraction=plan.number("warmup"),
        precision=str(plan["training_precision"]),
    )


def stored_reader(kept: Activations, settings: Settings) -> Callable[[NDArray[np.int64], int | None], tuple[Tensor, ...]]:
    """Read what crosses the cut out of the store, as float32."""

    def read(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:  # noqa: ARG001 - stored items have one view
        tensors = [torch.from_numpy(rows).float() for rows in kept.rows(index)]
        if settings.precision == "bfloat16":
            tensors = [t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t for t in tensors]  # noqa: PLR2004 - n, c, h, w
        return tuple(tensors)

    return read


def _network_arm(
    name: str,
    classifier: Classifier,
    read: Callable[[NDArray[np.int64], int | None], tuple[Tensor, ...]],
    done: Trained,
    settings: Settings,
    dataset: Dataset,
    sides: Sides,
    started: float,
    cut: int,
) -> Arm:
    weights = {key.removeprefix("part."): value for key, value in classifier.state_dict().items()}
    return Arm(
        name,
        sides.predictions(dataset, sides.validation, done.probabilities),
        lambda items: predict(classifier, read, items, settings),
        time.perf_counter() - started,
        done.history,
        done.still_improving,
        weights=weights,
        cut=cut,
    )
