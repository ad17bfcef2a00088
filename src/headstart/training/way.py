"""A training on its way: every value that its next step depends on, gathered, so that it can be put down as a piece and taken up again bit for bit.

These are: the weights and statistics, the optimiser's moments, the generators of order, mixing and dropout, the steps taken and their place in the
schedule, the losses of the epoch that is under way, and what the epochs before it showed. Which blocks are frozen follows from the schedule's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.backbone.cuda import has_cuda
from headstart.evaluation.temperature import calm_losses
from headstart.task.linear import Floats
from headstart.training.keeping import Piece
from headstart.training.network import Classifier
from headstart.training.settings import Settings, n_steps
from headstart.training.stepper import Stepper

ALIKE_BATCHES = 4  # batches whose items are put together by length: shuffled before and after, so that no two epochs see the same batches
DIGITS = 6  # of a share of the training: finer than a step
CLASSIFIER, BEST, OPTIMISER = "classifier.", "best.", "optimiser."
Lengths = Callable[[NDArray[np.int64]], NDArray[np.int64]]  # positions -> how long each item is
State = tuple[dict[str, Any], dict[str, Any]]  # tensors, plain values


@dataclass(frozen=True)
class Epoch:
    """One row of the history; what was not judged is None.

    Attributes:
        passes: The share of its batches that were trained on: less than 1 where the clock cut it short.
    """

    epoch: int
    seconds: float
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    passes: float = 1.0


@dataclass(frozen=True)
class Trained:
    """What the loop gives back; the classifier holds the weights of the chosen epoch, the last one unless the settings let validation items choose.

    Attributes:
        history: One row an epoch.
        best_epoch: The epoch whose weights these are; 0 is the state before training.
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


def batches(items: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Items in their order, ``size`` at a time."""
    return [items[n : n + size] for n in range(0, len(items), size)]


def never_alone(parts: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The same batches, but that a single item joins the batch before it: normalisation over a batch has nothing to go by with one item.

    Example:
        >>> [part.tolist() for part in never_alone(batches(np.arange(5), 2))]
        [[0, 1], [2, 3, 4]]
    """
    joined: list[NDArray[np.int64]] = []
    for part in parts:
        if joined and len(part) == 1 < len(joined[-1]):
            joined[-1] = np.concatenate([joined[-1], part])
        else:
            joined.append(part)
    return joined


def alike(shuffled: NDArray[np.int64], size: int, lengths: Lengths) -> list[NDArray[np.int64]]:
    """Batches of items of about one length: the longest of a batch pads all of it. Few items are taken as they come, or every epoch would be the same.

    Example:
        >>> [part.tolist() for part in alike(np.arange(9), 2, lambda items: items % 3)]
        [[0, 3], [6, 1], [4, 7], [2, 5], [8]]
    """
    window = ALIKE_BATCHES * size
    if len(shuffled) <= window:
        return batches(shuffled, size)
    windows = batches(shuffled, window)
    return [batch for some in windows for batch in batches(some[np.argsort(lengths(some), kind="stable")], size)]


class Pace:
    """How much of the training is done: by steps, or by seconds where the settings give them; then what the clock said is kept, and can be said again.

    Attributes:
        shares: The share that was done at each step so far.
    """

    def __init__(self, settings: Settings, n_items: int, known: Sequence[float] | None = None) -> None:
        """Begin; ``known`` are the shares of a training by the clock that was recorded."""
        self._steps, self._seconds, self._started, self._known = n_steps(n_items, settings), settings.seconds, time.perf_counter(), known
        self.total, self.unit = (self._steps, "steps") if self._seconds is None else (max(1, round(self._seconds)), "s")
        self.shares: list[float] = []

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, those before an interruption among them."""
        return time.perf_counter() - self._started

    def share(self) -> float:
        """The share of the training that is done in the middle of the next step: at its beginning the rate of the first one would be 0."""
        if self._seconds is None:
            return (len(self.shares) + 1 / 2) / self._steps
        if self._known is not None:
            return self._known[len(self.shares)]
        return round(self.elapsed / self._seconds, DIGITS) if self._seconds > 0 else 1.0

    def is_over(self) -> bool:
        """Is there nothing left? One step is taken in any case, where any is asked for."""
        if self._seconds is None:
            return len(self.shares) >= self._steps
        if self._known is not None:
            return len(self.shares) >= len(self._known)
        return len(self.shares) > 0 and self.share() >= 1

    def step(self, share: float) -> int:
        """Count one step that was taken at a share; return the progress in the clock's unit."""
        self.shares.append(share)
        return len(self.shares) if self._seconds is None else min(self.total, round(self.elapsed))

    def go_on(self, shares: Sequence[float], elapsed: float) -> None:
        """Take up the count and the clock where they were put down."""
        self.shares, self._started = list(shares), time.perf_counter() - elapsed


class Best:
    """Which weights a training ends with: the last ones, or those of the epoch with the lowest validation loss; and what the items were told after each."""

    def __init__(self, classifier: Classifier, judge: Callable[[], Floats], truth: NDArray[np.int64], *, looks_first: bool, chooses: bool) -> None:
        """Take who is judged; nothing is judged yet.

        Args:
            classifier: Whose weights.
            judge: Gives the probabilities of the validation items under the weights as they are.
            truth: Their classes; with none, the last weights are the best.
            looks_first: Judge before anything has been learnt? By the clock, that is time lost.
            chooses: Keep the epoch with the lowest validation loss?
        """
        self.classifier, self._judge, self._truth, self._looks_first, self._chooses = classifier, judge, truth, looks_first, chooses
        self.epoch, self.probabilities, self.loss = 0, np.zeros((0, classifier.head.out_features), dtype=np.float32), float("inf")
        self.by_epoch: list[Floats] = []
        self.weights: dict[str, Tensor] = {}

    def begin(self) -> None:
        """The state before training."""
        if self._looks_first:
            self.consider(0)

    def consider(self, epoch: int) -> tuple[float | None, float | None]:
        """Judge the weights as they are: loss and accuracy, or None where nobody judges."""
        if not len(self._truth):
            self.epoch = epoch
            return None, None
        probabilities, right = self._judge(), self._truth
        self.by_epoch.append(probabilities)
        chances = np.maximum(probabilities[np.arange(len(right)), right], np.finfo(np.float32).tiny)
        loss = float(-np.log(chances).mean())
        if not self._chooses or loss < self.loss or not self.weights:
            self.epoch, self.probabilities, self.loss = epoch, probabilities, loss
        if self._chooses and self.epoch == epoch:
            self.weights = {name: value.detach().clone() for name, value in self.classifier.state_dict().items()}
        return loss, float((probabilities.argmax(1) == right).mean())

    def is_worse(self, epoch: int) -> bool:
        """Were the items told worse after an epoch than before training, by a standard error of the difference?"""
        before, after = (calm_losses(self.by_epoch[n], self._truth) for n in (0, epoch))
        lost = after - before
        return bool(lost.mean() > lost.std() / np.sqrt(len(lost)))

    def restore(self) -> None:
        """Put the chosen weights back."""
        if self.weights:
            self.classifier.load_state_dict(self.weights)


@dataclass(eq=False)
class Way:
    """The training so far.

    Attributes:
        order: Shuffles the items of every epoch.
        losses: Of the steps of the epoch that is under way.
        took: Seconds of the steps of whole batches, since it was last taken up.
    """

    order: np.random.Generator
    pace: Pace
    stepper: Stepper
    best: Best
    history: list[Epoch] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    _before: Any = None  # the generator's state before it shuffled for this epoch
    _n_batches: int = 1  # of this epoch

    def epoch(self, items: NDArray[np.int64], size: int, lengths: Lengths | None = None) -> Iterator[NDArray[np.int64]]:
        """The batches of the epoch that is under way which have not been trained on."""
        self._before = self.order.bit_generator.state
        shuffled = self.order.permutation(items)
        found = never_alone(batches(shuffled, size) if lengths is None else alike(shuffled, size, lengths))
        self._n_batches = len(found)
        yield from (found if lengths is None else [found[n] for n in self.order.permutation(len(found))])[len(self.losses) :]

    @property
    def passes(self) -> float:
        """The share of the batches of the epoch under way that were trained on."""
        return len(self.losses) / self._n_batches

    def end_epoch(self, row: Epoch) -> None:
        """Close the epoch."""
        self.history.append(row)
        self.losses.clear()

    def is_stale(self, patience: int | None, epochs: float) -> bool:
        """Was it clearly worse than before training at each of the last epochs, all of them behind the middle of the schedule?"""
        done = len(self.history)
        return patience is not None and done >= epochs / 2 + patience and all(self.best.is_worse(epoch) for epoch in range(done, done - patience, -1))

    def trained(self) -> Trained:
        """What it came to."""
        step = float(np.median(self.took)) if self.took else None
        best = self.best
        return Trained(tuple(self.history), best.epoch, best.probabilities, self.pace.elapsed, best.epoch == len(self.history), tuple(best.by_epoch), step)

    def end(self, plain: Trained) -> State:
        """The trained weights and what the epochs showed."""
        tensors = self._shown()
        tensors |= _prefixed(CLASSIFIER, self.best.classifier.state_dict())
        told = {"seconds": plain.seconds, "still_improving": plain.still_improving, "seconds_per_step": plain.seconds_per_step}
        return tensors, {"ended": True, **self._said(), **told}

    def state_bytes(self) -> int:
        """About how large a state is: the weights, the best ones so far, and two moments of each that trains."""
        classifier = self.best.classifier
        n_bytes: int = sum(value.nbytes for value in classifier.state_dict().values())
        return 2 * (n_bytes + sum(int(one.nbytes) for one in classifier.parameters() if one.requires_grad))

    def state(self) -> State:
        """Everything that the next step depends on."""
        tensors = self._shown() | _prefixed(CLASSIFIER, self.best.classifier.state_dict()) | _prefixed(BEST, self.best.weights)
        tensors |= {f"{OPTIMISER}{name}": value for name, value in self.stepper.moments().items()} | _chance()
        generators = {"order": self._before, "mixing": self.stepper.mixing.bit_generator.state}
        return tensors, {"ended": False, **self._said(), **generators, "losses": self.losses, "elapsed": self.pace.elapsed, "loss": self.best.loss}

    def restore(self, kept: Piece) -> None:
        """Take up a state."""
        tensors, plain, best = kept.tensors, kept.plain, self.best
        best.classifier.load_state_dict(_under(CLASSIFIER, tensors))
        best.weights, best.loss = _under(BEST, tensors), plain["loss"]
        best.epoch, best.probabilities, best.by_epoch = plain["best_epoch"], _floats(tensors["probabilities"]), [_floats(one) for one in tensors["by_epoch"]]
        self.stepper.take_moments(_under(OPTIMISER, tensors))
        self.order.bit_generator.state, self.stepper.mixing.bit_generator.state = plain["order"], plain["mixing"]
        _take_chance(tensors)
        self.history, self.losses = _rows(plain), list(plain["losses"])
        self.pace.go_on(plain["shares"], plain["elapsed"])

    def _shown(self) -> dict[str, Any]:
        shape = self.best.probabilities.shape
        return {"probabilities": self.best.probabilities, "by_epoch": np.stack(self.best.by_epoch) if self.best.by_epoch else np.zeros((0, *shape), np.float32)}

    def _said(self) -> dict[str, Any]:
        return {"history": [asdict(row) for row in self.history], "best_epoch": self.best.epoch, "shares": self.pace.shares}


def ended(classifier: Classifier, kept: Piece) -> Trained:
    """A training that had ended: its weights in the classifier, and what it came to."""
    classifier.load_state_dict(_under(CLASSIFIER, kept.tensors))
    plain, by_epoch = kept.plain, tuple(_floats(one) for one in kept.tensors["by_epoch"])
    probabilities = _floats(kept.tensors["probabilities"])
    told = plain["seconds"], plain["still_improving"], by_epoch, plain["seconds_per_step"]
    return Trained(tuple(_rows(plain)), plain["best_epoch"], probabilities, *told)


def _chance() -> dict[str, Tensor]:
    """Where torch's generators are: the processor's, and the card's where there is one."""
    return {"dropout": torch.get_rng_state(), **({"dropout_cuda": torch.cuda.get_rng_state()} if has_cuda() else {})}


def _take_chance(tensors: dict[str, NDArray[np.generic]]) -> None:
    torch.set_rng_state(torch.from_numpy(tensors["dropout"]))
    if "dropout_cuda" in tensors and has_cuda():
        torch.cuda.set_rng_state(torch.from_numpy(tensors["dropout_cuda"]))


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in tensors.items()}


def _under(prefix: str, tensors: dict[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): torch.from_numpy(np.array(value)) for name, value in tensors.items() if name.startswith(prefix)}


def _floats(array: NDArray[np.generic]) -> Floats:
    return np.asarray(array, dtype=np.float32)


def _rows(plain: dict[str, Any]) -> list[Epoch]:
    return [Epoch(**row) for row in plain["history"]]
