"""The one loop: a classifier, a way to read batches and labels in; trained weights, their history and their predictions out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.base.events import Sink, silence, stage
from headstart.base.seeds import seed_for
from headstart.task.linear import Floats, softmax
from headstart.training.network import Classifier
from headstart.training.settings import Settings, n_steps
from headstart.training.stepper import Stepper, balancing, laid_out, lay_out, precision_of

Read = Callable[[NDArray[np.int64], int | None], tuple[Tensor, ...]]  # (positions, epoch; None when judging) -> what crosses the cut
NOBODY = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Epoch:
    """One row of the history; what was not judged is None."""

    epoch: int
    seconds: float
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True)
class Trained:
    """What the loop gives back; the classifier holds the best epoch's weights, or the last one's where nothing judged.

    Attributes:
        history: One row an epoch.
        best_epoch: The epoch with the lowest validation loss; 0 is the state before training.
        probabilities: ``(n_validation, k)`` of that epoch.
        seconds: Wall-clock seconds.
        still_improving: Was the last epoch the best one?
        by_epoch: Probabilities ``(n_validation, k)`` after every epoch, the state before training first; empty where nothing judged.
        seconds_per_step: Median over the steps of whole batches, reading included; None when every batch was smaller.
    """

    history: tuple[Epoch, ...]
    best_epoch: int
    probabilities: Floats
    seconds: float
    still_improving: bool
    by_epoch: tuple[Floats, ...] = ()
    seconds_per_step: float | None = None


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
    stop_after: int | None = None,
) -> Trained:
    """Train with AdamW; where there are validation items, judge after every epoch and keep the best epoch (the start counts as one).

    Args:
        classifier: What trains; every parameter of it that requires a gradient.
        read: Gives a batch of what crosses the cut.
        labels: ``(n,)`` class of every item.
        train_items: Positions that train.
        validation_items: Positions that judge; with none, the last weights stay and nothing stops early.
        settings: How.
        seed: Order, dropout, mixing and augmentation follow from it.
        name: The stage's name in events.
        sink: Receives progress.
        stop_after: Leave after so many epochs of the schedule: what other items have shown to be best.
    """
    started = time.perf_counter()
    torch.manual_seed(seed_for(seed, f"{name} dropout"))
    order = np.random.default_rng(seed_for(seed, f"{name} order"))
    lay_out(classifier, settings)
    weights = balancing(labels[train_items], classifier.head.out_features) if settings.balance else None
    stepper = Stepper(classifier, settings, class_weights=weights, seed=seed)
    clock = _Clock(settings, len(train_items), stop_after, started)
    best = _Best(classifier, read, labels, validation_items, settings)
    history: list[Epoch] = []
    took: list[float] = []
    with stage(sink, name, clock.total, clock.unit) as advance:
        while not clock.is_over() and (settings.patience is None or not len(validation_items) or len(history) - best.epoch < settings.patience):
            losses = []
            for batch in batches(order.permutation(train_items), settings.batch_items):
                began = time.perf_counter()
                losses.append(stepper(read(batch, len(history)), labels[batch], clock.done))
                if len(batch) == settings.batch_items:
                    took.append(time.perf_counter() - began)
                advance(clock.step())
                if clock.is_over():
                    break  # behind the step: an epoch that has begun takes one, even if the time ran out since
            loss, accuracy = best.consider(len(history) + 1)
            history.append(Epoch(len(history) + 1, time.perf_counter() - started, float(np.mean(losses)), loss, accuracy))
    stepper.release()
    best.restore()
    step = float(np.median(took)) if took else None
    seconds, still_improving = time.perf_counter() - started, best.epoch == len(history)
    return Trained(tuple(history), best.epoch, best.probabilities, seconds, still_improving, tuple(best.by_epoch), step)


def predict(classifier: Classifier, read: Read, items: NDArray[np.int64], settings: Settings) -> Floats:
    """Class probabilities ``(len(items), k)``."""
    classifier.eval()
    with torch.inference_mode(), precision_of(settings):
        logits = [classifier(*laid_out(read(batch, None), settings)).float().numpy() for batch in batches(items, settings.batch_items)]
    return softmax(np.concatenate(logits))


def batches(items: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Items in their order, ``size`` at a time."""
    return [items[n : n + size] for n in range(0, len(items), size)]


class _Clock:
    """How much of the training is done: by steps, or by seconds where the settings give them."""

    def __init__(self, settings: Settings, n_items: int, stop_after: int | None, started: float) -> None:
        self._steps, self._seconds, self._started, self._taken = n_steps(n_items, settings), settings.seconds, started, 0
        an_epoch = self._steps / settings.epochs
        self._last = self._steps if stop_after is None else min(self._steps, round(stop_after * an_epoch))
        self.total, self.unit = (self._last, "steps") if self._seconds is None else (max(1, round(self._seconds)), "s")

    @property
    def done(self) -> float:
        """The share of the training that is done in the middle of the next step: at its beginning the rate of the first one would be 0."""
        if self._seconds is None:
            return (self._taken + 1 / 2) / self._steps
        return (time.perf_counter() - self._started) / self._seconds if self._seconds > 0 else 1.0

    def is_over(self) -> bool:
        """Is there nothing left? One step is taken in any case, where any is asked for."""
        if self._seconds is None:
            return self._taken >= self._last
        return self._taken > 0 and self.done >= 1

    def step(self) -> int:
        """Count one step; return the progress in the clock's unit."""
        self._taken += 1
        return self._taken if self._seconds is None else min(self.total, round(time.perf_counter() - self._started))


class _Best:
    """The weights of the epoch with the lowest validation loss so far."""

    def __init__(self, classifier: Classifier, read: Read, labels: NDArray[np.int64], items: NDArray[np.int64], settings: Settings) -> None:
        self._classifier, self._read, self._labels, self._items, self._settings = classifier, read, labels, items, settings
        self.epoch, self.probabilities, self._loss = 0, np.zeros((0, classifier.head.out_features), dtype=np.float32), float("inf")
        self.by_epoch: list[Floats] = []
        self._weights: dict[str, Tensor] = {}
        if settings.seconds is None:  # by the clock, a look at what has not learnt anything yet is time lost
            self.consider(0)

    def consider(self, epoch: int) -> tuple[float | None, float | None]:
        """Judge the weights as they are: loss and accuracy, or None where nobody judges."""
        if not len(self._items):
            self.epoch = epoch
            return None, None
        probabilities, right = predict(self._classifier, self._read, self._items, self._settings), self._labels[self._items]
        self.by_epoch.append(probabilities)
        chances = np.maximum(probabilities[np.arange(len(right)), right], np.finfo(np.float32).tiny)
        loss = float(-np.log(chances).mean())
        if loss < self._loss or not self._weights:
            self.epoch, self.probabilities, self._loss = epoch, probabilities, loss
            self._weights = {name: value.detach().clone() for name, value in self._classifier.state_dict().items()}
        return loss, float((probabilities.argmax(1) == right).mean())

    def restore(self) -> None:
        """Put the best weights back."""
        if self._weights:
            self._classifier.load_state_dict(self._weights)
