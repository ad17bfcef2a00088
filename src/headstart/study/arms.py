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
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import machine
from headstart.base.events import stage
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.evaluation.predictions import Predictions
from headstart.modality import get
from headstart.planning.plan import Plan
from headstart.ranking.probe import probe
from headstart.study.candidates import Probed, open_backbone
from headstart.study.problem import Problem
from headstart.task.linear import Floats, LinearHead, fit_path, standardise
from headstart.training.loop import Epoch, Read, Settings, n_steps, predict, train
from headstart.training.network import Classifier, head_from, new_head
from headstart.training.pixels import Pixels
from headstart.training.speed import PRECISIONS, Speed, fastest

HALVED_SHARE = 0.7  # of the scratch twin's time
JUDGING_COST = 1 / 3  # of training on the same item: forward alone, where training goes forward and backward


@dataclass(frozen=True, eq=False)
class Arm:
    """One trained way to answer.

    Attributes:
        name: ``transfer``, ``scratch``, ``plain`` or ``majority``.
        validation: Its predictions on the validation items that decide.
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
    cut: int = 0


def try_cuts(best: Probed, plan: Plan, problem: Problem) -> list[Arm]:
    """A new head on the frozen network, then each deeper cut, started from that head."""
    backbone = best.candidate.backbone
    cuts = sorted({backbone.cut_at(name) for name in plan.words("cuts")}, reverse=True)
    head = _linear("transfer", best.features, best.probe.penalty, problem, cut=backbone.depth)
    deeper = [_tuned(best, cut, head, plan, problem) for cut in cuts if cut < backbone.depth]
    return [head, *deeper] if backbone.depth in cuts else deeper


def from_scratch(best: Probed, seconds: float, plan: Plan, problem: Problem) -> Arm:
    """The same network from random weights, everything trained, for about the given seconds.

    Most of the time goes to pictures of half the size, where the network allows it: a quarter of the work a picture, so four times
    the epochs; the rest to full size, at which it is judged. Source: Tan and Le, EfficientNetV2, 2021, section 4 (progressive learning).
    """
    candidate, split = best.candidate, problem.split
    backbone = open_backbone(candidate.card, candidate.items, seed=seed_for(problem.seed, "scratch"))
    classifier = Classifier(backbone.part(0, backbone.depth), new_head(best.features.shape[1], problem.n_classes, problem.seed), keep_statistics=False)
    pixels = Pixels(candidate.items, seed=problem.seed)
    settings = replace(tuning_settings(plan), learning_rate=plan.number("scratch_learning_rate"), patience=None)
    phases = [(True, HALVED_SHARE), (False, 1 - HALVED_SHARE)] if takes_half_size(classifier, pixels, split.train) else [(False, 1.0)]
    history: tuple[Epoch, ...] = ()
    for halved, share in phases:
        pixels.halved = halved
        name = f"scratch at {'half' if halved else 'full'} size"
        one = _speed(f"{candidate.card.name} {name}", classifier, pixels.read, backbone, plan, problem, settings)
        epochs = affordable_epochs(one.seconds_per_step, share * seconds, len(split.train), len(problem.deciding), settings)
        arm = _trained("scratch", name, classifier, pixels.read, replace(settings, epochs=epochs, precision=one.precision), problem)
        history += tuple(replace(row, epoch=row.epoch + len(history), seconds=row.seconds + (history[-1].seconds if history else 0.0)) for row in arm.history)
    return replace(arm, history=history)


def takes_half_size(network: torch.nn.Module, pixels: Pixels, items: NDArray[np.int64]) -> bool:
    """Does the network take pictures of half its size? Transformers with fixed positions do not."""
    pixels.halved = True
    try:
        with torch.inference_mode():
            network.eval()(*pixels.read(items[:2], None))
    except (RuntimeError, AssertionError):
        return False
    return True


def plain(problem: Problem) -> Arm:
    """A linear model on features that need no network."""
    started = time.perf_counter()
    dataset, modality = problem.dataset, get(problem.dataset.modality)
    name = f"{modality.name} plain features {modality.version}"
    features = describe(name, dataset.content, lambda n: modality.plain_features(dataset.read(n)), problem.store, sink=problem.sink)
    penalty = probe(features, dataset.labels, problem.n_classes, problem.folds, problem.seed).penalty
    arm = _linear("plain", features, penalty, problem)
    return replace(arm, seconds=time.perf_counter() - started)


def majority(problem: Problem) -> Arm:
    """The shares of the classes among the training items, whatever the item."""
    counts = np.bincount(problem.dataset.labels[problem.split.train], minlength=problem.n_classes)
    shares = (counts / counts.sum()).astype(np.float32)

    def answer(items: NDArray[np.int64]) -> Floats:
        return np.tile(shares, (len(items), 1))

    return Arm("majority", problem.predictions(problem.deciding, answer(problem.deciding)), answer, 0.0)


def affordable_epochs(seconds_per_step: float, seconds: float, n_train: int, n_deciding: int, settings: Settings) -> float:
    """Epochs that fill the seconds: an epoch is its steps and one look at the deciding items."""
    steps = n_steps(n_train, replace(settings, epochs=1.0))
    epoch = seconds_per_step * (steps + n_deciding / settings.batch_items * JUDGING_COST)
    return max(1.0 / steps, seconds / epoch)


def tuning_settings(plan: Plan) -> Settings:
    """The plan's values for the loop."""
    return Settings(
        learning_rate=plan.number("learning_rate"),
        weight_decay=plan.number("weight_decay"),
        batch_items=int(plan.number("batch_items")),
        epochs=plan.number("epochs"),
        patience=int(plan.number("patience")),
        warmup_fraction=plan.number("warmup"),
        precision="float32",
        channels_last=plan["training_precision"] != "float32",
    )


def stored_reader(kept: Activations) -> Read:
    """Read what crosses the cut out of the store, as float32."""

    def read(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:  # noqa: ARG001 - stored items have one view
        return tuple(torch.from_numpy(rows).float() for rows in kept.rows(index))

    return read


def _tuned(best: Probed, cut: int, start: Arm, plan: Plan, problem: Problem) -> Arm:
    """The blocks behind a cut and the head retrained together, from the head that the linear probe left."""
    candidate = best.candidate
    kept = best.activations.get(cut)
    if kept is None and cut > 0:
        kept = collect(candidate.backbone, [cut], candidate.items, candidate.engine, problem.store, label=candidate.card.name, sink=problem.sink)[cut]
    if start.head is None:
        raise TypeError("fine-tuning starts from a linear head")
    part = copy.deepcopy(candidate.backbone.part(cut, candidate.backbone.depth))  # the next cut starts from the pretrained weights too
    read = stored_reader(kept) if kept is not None else Pixels(candidate.items, seed=problem.seed).read
    classifier = Classifier(part, head_from(start.head), keep_statistics=True)
    settings, blocks = tuning_settings(plan), candidate.backbone.depth - cut
    name = f"tune the last {blocks} blocks" if blocks > 1 else "tune the last block"
    one = _speed(f"{candidate.card.name} {name}", classifier, read, candidate.backbone, plan, problem, settings)
    return _trained("transfer", name, classifier, read, replace(settings, precision=one.precision), problem, cut=cut)


def _linear(name: str, features: NDArray[np.generic], penalty: float, problem: Problem, cut: int = 0) -> Arm:
    started, train_items = time.perf_counter(), problem.split.train
    head = fit_path(standardise(features[train_items]), problem.dataset.labels[train_items], problem.n_classes, (penalty,))[0]
    validation = problem.predictions(problem.deciding, head.probabilities(features[problem.deciding]))
    return Arm(name, validation, lambda items: head.probabilities(features[items]), time.perf_counter() - started, head=head, cut=cut)


def _speed(name: str, classifier: Classifier, read: Read, backbone: Backbone, plan: Plan, problem: Problem, settings: Settings) -> Speed:
    key = digest(name, backbone.chain[0], machine(), str(settings.batch_items))
    precisions = ("float32",) if plan["training_precision"] == "float32" else PRECISIONS
    with stage(problem.sink, "time a step"):
        return fastest(key, classifier, read, problem.dataset.labels, problem.split.train, settings, precisions)


def _trained(arm: str, name: str, classifier: Classifier, read: Read, settings: Settings, problem: Problem, *, cut: int = 0) -> Arm:
    started, dataset = time.perf_counter(), problem.dataset
    done = train(classifier, read, dataset.labels, problem.split.train, problem.deciding, settings, seed=problem.seed, name=name, sink=problem.sink)
    weights = {key.removeprefix("part."): value for key, value in classifier.state_dict().items()}
    return Arm(
        arm,
        problem.predictions(problem.deciding, done.probabilities),
        lambda items: predict(classifier, read, items, settings),
        time.perf_counter() - started,
        done.history,
        done.still_improving,
        weights=weights,
        cut=cut,
    )
