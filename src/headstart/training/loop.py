"""The one loop: a classifier, a way to read batches and labels in; trained weights, their history and their predictions out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.base.events import Sink, silence, stage
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.task.linear import Floats, balancing, softmax
from headstart.training.arithmetic import autocast, device_of
from headstart.training.keeping import NOWHERE, TrainingPlace
from headstart.training.network import Classifier
from headstart.training.settings import Settings
from headstart.training.stepper import Stepper, laid_out, lay_out
from headstart.training.way import Best, Epoch, Lengths, Pace, Trained, Way, batches, ended

__all__ = ["Epoch", "Read", "Trained", "batches", "describe", "predict", "train"]

Read = Callable[[NDArray[np.int64], int | None], tuple[Tensor, ...]]  # (positions, epoch; None when judging) -> what crosses the cut
NOBODY = np.zeros(0, dtype=np.int64)


def train(
    classifier: Classifier,
    read: Read,
    labels: NDArray[np.int64],
    train_items: NDArray[np.int64],
    validation_items: NDArray[np.int64],
    settings: Settings,
    *,
    seed: int,
    name: str,
    sink: Sink = silence,
    place: TrainingPlace | None = None,
    lengths: Lengths | None = None,
) -> Trained:
    """Train with AdamW; where there are validation items, judge before the first epoch and after every one.

    Args:
        classifier: What trains; every parameter of it that requires a gradient.
        read: Gives a batch of what crosses the cut.
        labels: ``(n,)`` class of every item.
        train_items: Positions that train.
        validation_items: Positions that judge; with none, nothing stops early and nobody chooses an epoch.
        settings: How.
        seed: Order, dropout, mixing and augmentation follow from it.
        name: The stage's name in events.
        sink: Receives progress.
        place: Where its state is kept while it trains, so that it goes on after a kill as if there had been none; nowhere when not given.
        lengths: Of items that vary in length: they are read side by side with their like.
    """
    place = (place or NOWHERE.training(name)).of(repr(settings), str(seed), digest(train_items.tobytes(), validation_items.tobytes()))
    kept = place.find()
    lay_out(classifier, settings)
    if kept is not None and kept.plain["ended"]:
        if settings.seconds is not None:
            place.paced(kept.plain["shares"])
        return ended(classifier, kept)
    weights = balancing(labels[train_items], classifier.head.out_features) if settings.balance else None
    stepper = Stepper(classifier, settings, class_weights=weights, seed=seed)
    clock = Pace(settings, len(train_items), None if settings.seconds is None else place.pace())
    judge, looks_first = partial(predict, classifier, read, validation_items, settings, lengths), settings.seconds is None
    best = Best(classifier, judge, labels[validation_items], looks_first=looks_first, chooses=settings.chooses_epoch)
    way = Way(np.random.default_rng(seed_for(seed, f"{name} order")), clock, stepper, best)
    place.weighs(way.state_bytes())
    torch.manual_seed(seed_for(seed, f"{name} dropout"))
    if kept is not None:
        way.restore(kept)
    else:
        best.begin()
    with stage(sink, name, clock.total, clock.unit) as advance:
        while way.losses or not (clock.is_over() or way.is_stale(settings.patience if len(validation_items) else None, settings.epochs)):
            for batch in way.epoch(train_items, settings.batch_items, lengths):
                if way.losses and clock.is_over():
                    break  # an epoch that has begun takes one step, even if the time ran out since
                began, done = time.perf_counter(), clock.share()
                way.losses.append(stepper(read(batch, len(way.history)), labels[batch], done))
                if len(batch) == settings.batch_items:
                    way.took.append(time.perf_counter() - began)
                advance(clock.step(done))
                if place.due():
                    place.save(*way.state())
            loss, accuracy = best.consider(len(way.history) + 1)
            way.end_epoch(Epoch(len(way.history) + 1, clock.elapsed, float(np.mean(way.losses)), loss, accuracy, way.passes))
    stepper.release()
    best.restore()
    if settings.seconds is not None:
        place.paced(clock.shares)
    trained = way.trained()
    if place.worth(trained.seconds):
        place.save(*way.end(trained))
    return trained


def describe(classifier: Classifier, read: Read, items: NDArray[np.int64], settings: Settings, lengths: Lengths | None = None) -> Floats:
    """Features ``(len(items), d)`` in front of the head."""
    return _passed(classifier, classifier.features, read, items, settings, lengths)


def predict(classifier: Classifier, read: Read, items: NDArray[np.int64], settings: Settings, lengths: Lengths | None = None) -> Floats:
    """Class probabilities ``(len(items), k)``; weights that have run away to infinity say nothing: every class is as probable."""
    said = _passed(classifier, classifier, read, items, settings, lengths)
    return softmax(np.where(np.isfinite(said).all(axis=1, keepdims=True), said, np.float32(0)))


def _passed(
    classifier: Classifier, told: Callable[..., Tensor], read: Read, items: NDArray[np.int64], settings: Settings, lengths: Lengths | None
) -> NDArray[np.float32]:
    """What a part says of items; those that vary in length go through side by side with their like: the longest of a batch pads all of it."""
    order = np.arange(len(items)) if lengths is None else np.argsort(lengths(items), kind="stable")
    classifier.to(device_of(settings.precision)).eval()
    with torch.inference_mode(), autocast(settings.precision):
        said = np.concatenate([told(*laid_out(read(batch, None), settings)).float().cpu().numpy() for batch in batches(items[order], settings.passing)])
    found = np.empty_like(said)
    found[order] = said
    return found
