"""Full fine-tuning of one backbone on one task: the truth that a choice of model is measured against.

In: a folder with train/ and test/, a card's name. Out: accuracy on the test part before and after. A loop of its own, so that what is measured does not
change with headstart's training: linear head on the frozen features first, then every block with AdamW; normalisation keeps its statistics. The first
steps of AdamW move every weight by its rate however small the gradient is, and far from the source (digits of 8 pixels) that alone undoes a network at
1e-4, so each model is tuned at several rates and the best one counts: the same freedom for all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart import gallery
from headstart.backbone.build import build
from headstart.backbone.cuda import has_cuda
from headstart.base.processor import has_bfloat16
from headstart.base.seeds import seed_for
from headstart.data import load
from headstart.evaluation.intervals import Measured, measure
from headstart.evaluation.predictions import Predictions
from headstart.ranking.probe import probe
from headstart.study.items import prepared_for
from headstart.task.linear import fit_path, standardise
from headstart.training.network import Classifier, head_from
from headstart.training.settings import rate_factor

DECAY, WARMUP = 0.01, 0.1
BATCH = 16
FOLDS = 5
FORMATS = (torch.float32, torch.bfloat16) if has_bfloat16() or has_cuda() else (torch.float32,)
DEVICE = torch.device("cuda" if has_cuda() else "cpu")


@dataclass(frozen=True)
class Tuned:
    """What came of it.

    Attributes:
        accuracy: On the test part after the last epoch, at the best rate.
        head_accuracy: On the test part with the linear head on the frozen features.
        by_rate: Accuracy at each rate.
        head_cpu: Processor seconds of the features of the train part and of the head.
        device: What trained: ``cpu`` or ``cuda``.
        train_seconds: Wall-clock of head and fine-tuning at one rate, without the test part: what brute force costs at the least.
        train_cpu: The same in processor seconds, which other work on the machine does not lengthen.
        test_cpu: Processor seconds of one pass over the test part.
        number_format: Of the training steps, the faster of two.
        losses: Mean training loss of each epoch, by rate.
    """

    accuracy: Measured
    head_accuracy: float
    by_rate: dict[str, float]
    head_cpu: float
    train_seconds: float
    train_cpu: float
    test_cpu: float
    number_format: str
    device: str
    losses: dict[str, list[float]]


class Clock:
    """Wall-clock and processor seconds of a block."""

    def __enter__(self) -> Clock:
        self._started = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._started[0], time.process_time() - self._started[1]


class Features(nn.Module):
    """A network as the part that a classifier takes: its features in a tuple."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        return (self.network(pixels),)


def fine_tune(data: Path, model: str, *, seed: int, epochs: int, rates: Sequence[float]) -> Tuned:
    """Train every block of a model on ``data/train``, test on ``data/test``."""
    card, dataset = gallery.card(model), load(data)
    items = prepared_for(card, dataset)
    pixels = torch.from_numpy(np.stack([items.prepare(n) for n in range(len(dataset.content))])).to(DEVICE)
    is_test = np.array([Path(source).parts[0] == "test" for source in dataset.sources])
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    network = build(card, gallery.weights(model)).to(DEVICE)
    with Clock() as head:
        linear = head_of(network, pixels[train], dataset.labels[train], len(dataset.classes), seed)
    classifier = Classifier(Features(network), linear, keep_statistics=True).to(DEVICE, memory_format=torch.channels_last)
    start = {name: value.clone() for name, value in classifier.state_dict().items()}
    truth, number_format = dataset.labels[test], faster(classifier, pixels[train], dataset.labels[train])
    with Clock() as judging:
        before = answers(classifier, pixels[test])
    said, losses, clocks = {}, {}, []
    for rate in rates:
        classifier.load_state_dict(start)
        with Clock() as clock:
            losses[str(rate)] = descend(classifier, pixels, dataset.labels, train, number_format, seed, epochs, rate)
        clocks.append(clock)
        after = answers(classifier, pixels[test])
        said[str(rate)] = Predictions(tuple(dataset.sources[n] for n in test), truth, after, dataset.classes, np.arange(len(test)))
    by_rate = {rate: float(one.right.mean()) for rate, one in said.items()}
    return Tuned(
        measure(said[max(by_rate, key=by_rate.__getitem__)]),
        float((before.argmax(1) == truth).mean()),
        by_rate,
        round(head.cpu, 3),
        round(head.wall + float(np.mean([clock.wall for clock in clocks])), 3),
        round(head.cpu + float(np.mean([clock.cpu for clock in clocks])), 3),
        round(judging.cpu, 3),
        str(number_format).removeprefix("torch."),
        DEVICE.type,
        losses,
    )


def seconds_of_a_step(model: str, data: Path, steps: int) -> tuple[float, float]:
    """Wall-clock and processor seconds of one step of such a training on this machine's processor or card, the mean over steps after a first one."""
    card, dataset = gallery.card(model), load(data)
    items = prepared_for(card, dataset)
    pixels = torch.from_numpy(np.stack([items.prepare(n) for n in range(BATCH)])).to(DEVICE)
    network = build(card, gallery.weights(model)).to(DEVICE)
    with torch.inference_mode():
        width = network(pixels[:1]).flatten(1).shape[1]
    linear = nn.Linear(width, len(dataset.classes))
    classifier = Classifier(Features(network), linear, keep_statistics=True).to(DEVICE, memory_format=torch.channels_last)
    number_format = faster(classifier, pixels, dataset.labels[:BATCH])
    batch = np.arange(BATCH)
    descend(classifier, pixels, dataset.labels[:BATCH], batch, number_format, 0, 1, 1e-5)
    with Clock() as clock:
        descend(classifier, pixels, dataset.labels[:BATCH], batch, number_format, 0, steps, 1e-5)
    return clock.wall / steps, clock.cpu / steps


def head_of(network: nn.Module, pixels: Tensor, labels: NDArray[np.int64], n_classes: int, seed: int) -> nn.Linear:
    """A linear head on the frozen features, its strength cross-validated."""
    with torch.inference_mode():
        features = torch.cat([network(batch) for batch in pixels.split(BATCH)]).flatten(1).cpu().numpy()
    order = np.random.default_rng(seed_for(seed, "folds of the head")).permutation(len(labels))
    part = np.empty(len(labels), np.int64)
    part[order[np.argsort(labels[order], kind="stable")]] = np.arange(len(labels)) % FOLDS
    folds = [(np.flatnonzero(part != n), np.flatnonzero(part == n)) for n in range(FOLDS)]
    strength = probe(features, labels, n_classes, folds, seed).strength
    return head_from(fit_path(standardise(features), labels, n_classes, (strength,))[0])


def faster(classifier: Classifier, pixels: Tensor, labels: NDArray[np.int64]) -> torch.dtype:
    """The number format in which a step is shorter on this machine; the weights do not move."""
    seconds = {}
    for one in FORMATS:
        for _ in range(2):  # the first warms up
            started = time.perf_counter()
            loss = loss_of(classifier, pixels[:BATCH], labels[:BATCH], one)
            loss.backward()
            float(loss.detach())  # waits for a card
            seconds[one] = time.perf_counter() - started
    classifier.zero_grad(set_to_none=True)
    return min(FORMATS, key=seconds.__getitem__)


def loss_of(classifier: Classifier, batch: Tensor, labels: NDArray[np.int64], number_format: torch.dtype) -> Tensor:
    """Mean cross-entropy of a batch."""
    classifier.train()
    with torch.autocast(DEVICE.type, torch.bfloat16, enabled=number_format is torch.bfloat16):
        logits = classifier(batch)
    return nn.functional.cross_entropy(logits.float(), torch.from_numpy(labels).to(DEVICE))


def descend(
    classifier: Classifier, pixels: Tensor, labels: NDArray[np.int64], train: NDArray[np.int64], number_format: torch.dtype, seed: int, epochs: int, rate: float
) -> list[float]:
    """Train; the mean loss of each epoch."""
    torch.manual_seed(seed_for(seed, "fine-tuning"))
    order = np.random.default_rng(seed_for(seed, "order of the fine-tuning"))
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=rate, weight_decay=DECAY)
    steps, done, history = epochs * -(-len(train) // BATCH), 0, []
    for _ in range(epochs):
        shuffled, losses = order.permutation(train), []
        for begin in range(0, len(shuffled), BATCH):
            for group in optimiser.param_groups:
                group["lr"] = rate * rate_factor((done + 1) / (steps + 1), WARMUP)
            batch = shuffled[begin : begin + BATCH]
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(classifier, pixels[batch], labels[batch], number_format)
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
            done += 1
        history.append(round(float(np.mean(losses)), 4))
    return history


def answers(classifier: Classifier, pixels: Tensor) -> NDArray[np.float32]:
    """Class probabilities of pictures, in bfloat16 where the machine is quick at it."""
    classifier.eval()
    with torch.inference_mode(), torch.autocast(DEVICE.type, torch.bfloat16, enabled=torch.bfloat16 in FORMATS):
        said: NDArray[np.float32] = torch.cat([torch.softmax(classifier(batch).float(), dim=1) for batch in pixels.split(2 * BATCH)]).cpu().numpy()
    return said
