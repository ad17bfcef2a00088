"""How long one training step takes, and in which arithmetic it is shorter: measured once per network, cut and machine, remembered, and corrected.

bfloat16 is not always faster where the processor has it: the backward pass of depthwise convolutions is slower in it. A step that was measured while
the machine was busy looks up to ten times too dear, and a cut that is kept out of the race for it never trains, so it would stay so for ever. Two ways
lead back: a training says what its own steps took, and what would keep a cut out is measured again, a few times in all; the smaller number stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.base.files import read_json, write_json
from headstart.base.folders import measured
from headstart.base.records import from_plain, to_plain
from headstart.training.loop import Read
from headstart.training.network import Classifier
from headstart.training.settings import Settings
from headstart.training.stepper import Stepper, lay_out

SAMPLE_ITEMS = 8  # a quarter of a batch shows what a dear step costs, at a quarter of the price
DEAR_SECONDS = 0.1  # of the sample: below this what a step costs beside its items counts, so a whole batch is measured
CHEAP_TIMES = 3  # a cheap step is timed, the shortest counts: one alone took up to twice as long on a shared machine, and kept the last block out of the race
CORRECTED_BELOW = 0.67  # of what is remembered: smaller differences are noise, and the same plan shall admit the same entrants tomorrow
MOST_MEASUREMENTS = 3  # of one step in a machine's life: a machine that was busy three times is a busy machine


@dataclass(frozen=True)
class Speed:
    """The faster arithmetic of a training step of a whole batch, what it takes, and how often that was measured for its own sake."""

    precision: str
    seconds_per_step: float
    n_measured: int = 1

    def or_quicker(self, other: Speed) -> Speed:
        """The other one where it is clearly quicker, else this one; the measurements add up.

        Example:
            >>> Speed("float32", 1.0).or_quicker(Speed("bfloat16", 0.1))
            Speed(precision='bfloat16', seconds_per_step=0.1, n_measured=2)
            >>> Speed("float32", 1.0).or_quicker(Speed("bfloat16", 0.9)).seconds_per_step
            1.0
        """
        quicker = other if other.seconds_per_step < CORRECTED_BELOW * self.seconds_per_step else self
        return replace(quicker, n_measured=self.n_measured + other.n_measured)


def fastest(
    key: str,
    classifier: Classifier,
    read: Read,
    labels: NDArray[np.int64],
    items: NDArray[np.int64],
    settings: Settings,
    precisions: tuple[str, ...],
    *,
    doubted: Callable[[Speed], bool] = lambda _: False,
) -> Speed:
    """Measure a step in each arithmetic, or recall it; the weights are put back.

    Args:
        key: Names network, cut and machine.
        classifier: What will train.
        read: Gives batches.
        labels: Of every item.
        items: Those that will train.
        settings: Batch size and the rest.
        precisions: The candidates.
        doubted: Whether what is recalled is worth measuring again, because it would decide something; it is, until it has been measured three times.

    Cost: two steps of a quarter of a batch per candidate, or six cheap ones, the first time.
    """
    known = recall(key, precisions)
    if known is not None and (known.n_measured >= MOST_MEASUREMENTS or not doubted(known)):
        return known
    speeds = [Speed(one, seconds_per_step(classifier, read, labels, items, replace(settings, precision=one))) for one in precisions]
    best = min(speeds, key=lambda speed: speed.seconds_per_step)
    best = best if known is None else known.or_quicker(best)
    write_json(_file(key), to_plain(best))
    return best


def recall(key: str, precisions: tuple[str, ...] | None = None) -> Speed | None:
    """What is remembered of a step; None when it was not measured in one of these arithmetics, or what was kept is damaged."""
    try:
        known = from_plain(Speed, read_json(_file(key)))
    except (OSError, ValueError, InputError):
        return None
    return known if precisions is None or known.precision in precisions else None


def correct(key: str, precision: str, seconds: float) -> None:
    """Remember what a training's own steps took, in the arithmetic in which it ran, where that is clearly less than what was remembered."""
    known = recall(key)
    if known is not None and known.or_quicker(taken := Speed(precision, seconds, 0)).seconds_per_step == seconds != known.seconds_per_step:
        write_json(_file(key), to_plain(replace(taken, n_measured=known.n_measured)))


def _file(key: str) -> Path:
    return measured() / f"step-{key}.json"


def seconds_per_step(classifier: Classifier, read: Read, labels: NDArray[np.int64], items: NDArray[np.int64], settings: Settings) -> float:
    """Measure one training step of a whole batch (few items stand in it several times), then put the weights back; a first step warms up."""
    lay_out(classifier, settings)
    kept = {name: value.detach().clone() for name, value in classifier.state_dict().items()}
    stepper = Stepper(classifier, settings)

    def timed(batch: NDArray[np.int64]) -> float:
        started = time.perf_counter()
        stepper(read(batch, 0), labels[batch], 1.0)
        return time.perf_counter() - started

    size = settings.batch_items
    batch = np.resize(items, size)
    sample = batch[:SAMPLE_ITEMS]
    timed(sample)
    seconds = timed(sample) * size / len(sample)
    if seconds * len(sample) / size < DEAR_SECONDS:
        timed(batch)
        seconds = min(timed(batch) for _ in range(CHEAP_TIMES))
    stepper.release()
    classifier.load_state_dict(kept)
    return seconds
