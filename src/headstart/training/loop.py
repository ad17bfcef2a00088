"""The one loop: a classifier, a way to read batches and labels in; the best epoch's weights, its history and its predictions out."""

from __future__ import annotations

import math
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

IMAGE_AXES = 4  # items, channels, rows, columns
Read = Callable[[NDArray[np.int64], int | None], tuple[Tensor, ...]]  # (positions, epoch; None when judging) -> what crosses the cut


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        learning_rate: Peak of AdamW's rate, per step.
        weight_decay: AdamW's decay, per unit of rate.
        batch_items: Items a step.
        epochs: Most passes over the training items; the last one may be cut short: 2.5 is two passes and a half.
        patience: Epochs without a lower validation loss after which it stops; None never stops early.
        warmup_fraction: Share of the steps in which the rate rises from 0; then it falls along a cosine to 0.
        precision: ``bfloat16`` (autocast) or ``float32``.
        channels_last: Lay pictures out with channels last: 1.5 to 4 times faster for convolutions, in other last bits.
    """

    learning_rate: float
    weight_decay: float
    batch_items: int
    epochs: float
    patience: int | None
    warmup_fraction: float
    precision: str
    channels_last: bool = False


@dataclass(frozen=True)
class Epoch:
    """One row of the history."""

    epoch: int
    seconds: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Trained:
    """What the loop gives back; the classifier holds the best epoch's weights.

    Attributes:
        history: One row an epoch.
        best_epoch: The epoch with the lowest validation loss; 0 is the state before training.
        probabilities: ``(n_validation, k)`` of that epoch.
        seconds: Wall-clock seconds.
        still_improving: Was the last epoch the best one?
    """

    history: tuple[Epoch, ...]
    best_epoch: int
    probabilities: Floats
    seconds: float
    still_improving: bool


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
) -> Trained:
    """Train with AdamW, judge on validation after every epoch, and keep the best epoch (the start counts as one).

    Args:
        classifier: What trains; every parameter of it that requires a gradient.
        read: Gives a batch of what crosses the cut.
        labels: ``(n,)`` class of every item.
        train_items: Positions that train.
        validation_items: Positions that judge.
        settings: How.
        seed: Order, dropout and augmentation follow from it.
        name: The stage's name in events.
        sink: Receives progress.
    """
    started = time.perf_counter()
    torch.manual_seed(seed_for(seed, f"{name} dropout"))
    order = np.random.default_rng(seed_for(seed, f"{name} order"))
    lay_out(classifier, settings)
    optimiser = optimiser_for(classifier, settings)
    steps = n_steps(len(train_items), settings)
    best = _Best(classifier, *_judge(classifier, read, labels, validation_items, settings))
    history: list[Epoch] = []
    done = 0
    with stage(sink, name, steps, "steps") as advance:
        while done < steps and (settings.patience is None or len(history) - best.epoch < settings.patience):
            losses = []
            for batch in _batches(order.permutation(train_items), settings.batch_items)[: steps - done]:
                losses.append(step(classifier, optimiser, read(batch, len(history)), labels[batch], settings, done / steps))
                done += 1
                advance(done)
            probabilities, loss = _judge(classifier, read, labels, validation_items, settings)
            accuracy = float((probabilities.argmax(1) == labels[validation_items]).mean())
            history.append(Epoch(len(history) + 1, time.perf_counter() - started, float(np.mean(losses)), loss, accuracy))
            best.consider(len(history), probabilities, loss)
    classifier.load_state_dict(best.weights)
    return Trained(tuple(history), best.epoch, best.probabilities, time.perf_counter() - started, best.epoch == len(history))


def n_steps(n_items: int, settings: Settings) -> int:
    """How many steps the epochs come to; at least one."""
    return max(1, round(settings.epochs * math.ceil(n_items / settings.batch_items)))


def optimiser_for(classifier: Classifier, settings: Settings) -> torch.optim.Optimizer:
    """AdamW over what trains."""
    parameters = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def predict(classifier: Classifier, read: Read, items: NDArray[np.int64], settings: Settings) -> Floats:
    """Class probabilities ``(len(items), k)``."""
    classifier.eval()
    with torch.inference_mode(), _precision(settings):
        logits = [classifier(*_laid_out(read(batch, None), settings)).float().numpy() for batch in _batches(items, settings.batch_items)]
    return softmax(np.concatenate(logits))


class _Best:
    """The weights of the epoch with the lowest validation loss so far."""

    def __init__(self, classifier: Classifier, probabilities: Floats, loss: float) -> None:
        self._classifier, self.epoch, self.probabilities, self.loss = classifier, 0, probabilities, loss
        self.weights = self._copy()

    def consider(self, epoch: int, probabilities: Floats, loss: float) -> None:
        if loss < self.loss:
            self.epoch, self.probabilities, self.loss = epoch, probabilities, loss
            self.weights = self._copy()

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._classifier.state_dict().items()}


def step(
    classifier: Classifier, optimiser: torch.optim.Optimizer, crossing: tuple[Tensor, ...], labels: NDArray[np.int64], settings: Settings, done: float
) -> float:
    """One step when a share ``done`` of all steps is done; returns the batch's loss."""
    for group in optimiser.param_groups:
        group["lr"] = settings.learning_rate * rate_factor(done, settings.warmup_fraction)
    classifier.train()
    optimiser.zero_grad(set_to_none=True)
    with _precision(settings):
        logits = classifier(*_laid_out(crossing, settings))
    loss = torch.nn.functional.cross_entropy(logits.float(), torch.from_numpy(labels))
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def rate_factor(done: float, warmup: float) -> float:
    """The rate as a fraction of its peak when a share ``done`` of the steps is done: a straight rise, then half a cosine.

    Source: Loshchilov and Hutter, SGDR, 2017, equation 5; the warm-up is Goyal et al., 2017, section 2.2.

    Example:
        >>> rate_factor(0.05, 0.1), rate_factor(0.1, 0.1)
        (0.5, 1.0)
    """
    if done < warmup:
        return done / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (done - warmup) / (1.0 - warmup)))


def _judge(classifier: Classifier, read: Read, labels: NDArray[np.int64], items: NDArray[np.int64], settings: Settings) -> tuple[Floats, float]:
    probabilities = predict(classifier, read, items, settings)
    right = np.maximum(probabilities[np.arange(len(items)), labels[items]], np.finfo(np.float32).tiny)
    return probabilities, float(-np.log(right).mean())


def _batches(items: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [items[n : n + size] for n in range(0, len(items), size)]


def _precision(settings: Settings) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16")


def lay_out(classifier: Classifier, settings: Settings) -> None:
    """Bring the weights into the order of axes that the settings ask for."""
    if settings.channels_last:
        classifier.to(memory_format=torch.channels_last)


def _laid_out(crossing: tuple[Tensor, ...], settings: Settings) -> tuple[Tensor, ...]:
    if not settings.channels_last:
        return crossing
    return tuple(tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == IMAGE_AXES else tensor for tensor in crossing)
