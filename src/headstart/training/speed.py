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
from headstart.training.loop import Read, Settings, lay_out, optimiser_for, step
from headstart.training.network import Classifier

MEASURED_STEPS = 2
PRECISIONS = ("float32", "bfloat16")


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

    Cost: three steps per candidate, the first time.
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
    """Measure one training step, then put the weights back: the first step warms up and is not counted."""
    lay_out(classifier, settings)
    kept = {name: value.detach().clone() for name, value in classifier.state_dict().items()}
    optimiser = optimiser_for(classifier, settings)
    batch = items[: settings.batch_items]
    started = 0.0
    for n in range(1 + MEASURED_STEPS):
        if n == 1:
            started = time.perf_counter()
        step(classifier, optimiser, read(batch, 0), labels[batch], settings, 1.0)
    seconds = (time.perf_counter() - started) / MEASURED_STEPS
    classifier.load_state_dict(kept)
    return seconds
