"""The learning-rate range test: a classifier and a few batches in, the highest rate that still trains well out.

Source: Smith, Cyclical Learning Rates for Training Neural Networks, 2017, section 3.3: raise the rate a little at every step and watch the loss.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.base.seeds import seed_for
from headstart.training.loop import Read
from headstart.training.network import Classifier
from headstart.training.settings import Settings
from headstart.training.stepper import Stepper, lay_out

LOWEST_RATE, HIGHEST_RATE = 1e-5, 3e-2  # AdamW: below, nothing moves in a short training; above, everything breaks
STEPS = 24  # two and a half for each doubling
SMOOTHING = 0.7  # of the loss, from step to step
BROKEN = 1.5  # times the lowest loss: the rest of the way need not be walked
SAFETY = 1 / 4  # of the rate at which the loss was lowest: a whole training at that rate itself overshoots


def highest_rate(classifier: Classifier, read: Read, labels: NDArray[np.int64], items: NDArray[np.int64], settings: Settings, *, seed: int) -> float:
    """Find the highest rate at which the loss still falls, with a margin; the weights are put back.

    All steps see the same batch: behind a fitted head the loss falls less in 24 steps than it differs from batch to batch, and the lowest loss
    would be that of the easiest batch.

    Args:
        classifier: What will train.
        read: Gives batches.
        labels: Of every item.
        items: Those that train.
        settings: Everything but the rate.
        seed: For the batch.

    Cost: at most 24 training steps.
    """
    lay_out(classifier, settings)
    kept = {name: value.detach().clone() for name, value in classifier.state_dict().items()}
    order = np.random.default_rng(seed_for(seed, "range test"))
    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, STEPS)
    torch.manual_seed(seed_for(seed, "range test dropout"))
    stepper = Stepper(classifier, replace(settings, learning_rate=1.0, warmup_fraction=0.0, unfreeze=0.0, mixup=0.0))
    batch = order.choice(items, min(settings.batch_items, len(items)), replace=False)
    smooth: list[float] = []
    for rate in rates:
        stepper.settings = replace(stepper.settings, learning_rate=float(rate))
        loss = stepper(read(batch, 0), labels[batch], 0.0)
        smooth.append(loss if not smooth else SMOOTHING * smooth[-1] + (1 - SMOOTHING) * loss)
        if not np.isfinite(loss) or smooth[-1] > BROKEN * min(smooth) + 1e-3:
            break
    stepper.release()
    classifier.load_state_dict(kept)
    known = np.where(np.isfinite(smooth), smooth, np.inf)  # where the very first step breaks, the lowest rate is all that is left
    return float(np.clip(rates[int(np.argmin(known))] * SAFETY, LOWEST_RATE, HIGHEST_RATE))
