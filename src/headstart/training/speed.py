"""How long one training step takes, and in which arithmetic it is shorter: measured once per network, cut and machine, and remembered.

bfloat16 is not always faster where the processor has it: the backward pass of depthwise convolutions is slower in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.base.files import read_json, write_json
from headstart.base.folders import home
from headstart.base.records import from_plain, to_plain
from headstart.training.loop import Read
from headstart.training.network import Classifier
from headstart.training.settings import Settings
from headstart.training.stepper import Stepper, lay_out

PRECISIONS = ("float32", "bfloat16")
SAMPLE_ITEMS = 8  # a quarter of a batch shows what a dear step costs, at a quarter of the price
DEAR_SECONDS = 0.1  # of the sample: below this what a step costs beside its items counts, so a whole batch is measured


@dataclass(frozen=True)
class Speed:
    """The faster arithmetic of a training step and what a step takes in it."""

    precision: str
    seconds_per_step: float


def fastest(
    key: str,
    classifier: Classifier,
    read: Read,
    labels: NDArray[np.int64],
    items: NDArray[np.int64],
    settings: Settings,
    precisions: tuple[str, ...] = PRECISIONS,
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

    Cost: two steps of a quarter of a batch per candidate, or four cheap ones, the first time.
    """
    kept = home() / "engines" / f"step-{key}.json"
    try:
        known = from_plain(Speed, read_json(kept))
        if known.precision in precisions:
            return known
    except (OSError, ValueError, InputError):
        pass  # not measured yet, or damaged: measure
    speeds = [Speed(one, seconds_per_step(classifier, read, labels, items, replace(settings, precision=one))) for one in precisions]
    best = min(speeds, key=lambda speed: speed.seconds_per_step)
    write_json(kept, to_plain(best))
    return best


def seconds_per_step(classifier: Classifier, read: Read, labels: NDArray[np.int64], items: NDArray[np.int64], settings: Settings) -> float:
    """Measure one training step, then put the weights back: the first step of its size warms up and is not counted."""
    lay_out(classifier, settings)
    kept = {name: value.detach().clone() for name, value in classifier.state_dict().items()}
    stepper = Stepper(classifier, settings)

    def timed(batch: NDArray[np.int64]) -> float:
        started = time.perf_counter()
        stepper(read(batch, 0), labels[batch], 1.0)
        return time.perf_counter() - started

    size = min(settings.batch_items, len(items))
    sample, batch = items[: min(SAMPLE_ITEMS, size)], items[:size]
    timed(sample)
    seconds = timed(sample) * size / len(sample)
    if seconds * len(sample) / size < DEAR_SECONDS:
        timed(batch)
        seconds = timed(batch)
    stepper.release()
    classifier.load_state_dict(kept)
    return seconds
