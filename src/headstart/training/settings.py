"""How to train, as one record: what the plan pins, the race varies and the loop obeys; and the schedule that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        learning_rate: Peak of AdamW's rate, per step.
        weight_decay: AdamW's decay, per unit of rate; towards 0.
        batch_items: Items a step.
        epochs: Most passes over the training items; the last one may be cut short: 2.5 is two passes and a half.
        patience: Epochs behind the middle of the schedule, in a row, at which the validation items are told clearly worse than before training, and after
            which it stops; None never stops early. Before the middle every network looks bad: AdamW's rate is at its peak.
        warmup_fraction: Share of the training in which the rate rises from 0; then it falls along a cosine to 0.
        precision: ``bfloat16`` (autocast) or ``float32``, with ``-cuda`` where a card takes the steps (``training.arithmetic``).
        channels_last: Lay pictures out with channels last: 1.5 to 4 times faster for convolutions, in other last bits.
        l2_sp: Decay of the backbone towards its pretrained weights instead of towards 0, per unit of rate; 0 for none.
            Source: Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning, 2018, equation 2.
        dropout: Share of the features that is dropped in front of the head.
        label_smoothing: Share of the target that is spread over all classes. Source: Szegedy et al., 2016, section 7.
        mixup: Both parameters of the beta distribution that mixes pairs of items where they enter; 0 for none.
            Source: Verma et al., Manifold Mixup, 2019, section 2.
        rate_decay: Rate of a block as a fraction of the rate of the block behind it (discriminative rates).
            Source: Howard and Ruder, ULMFiT, 2018, section 3.2.
        unfreeze: Share of the training after which every block trains; they join one by one, the last first (gradual unfreezing).
            Source: the same, section 3.3.
        contrastive: Temperature of a contrastive loss on the features in the place of cross-entropy on the logits (``training.contrastive``); 0 for none.
        lora_rank: Rank of low-rank adapters that train in the place of the layers themselves (``backbone.lora``); 0 for none.
        balance: Weigh items so that every class counts the same in the loss.
        at_once: Items that go through the network at a time: a larger batch goes in parts whose gradients add up to those of the whole; 0 for all of them.
        chooses_epoch: Keep the weights of the epoch that the validation items like best, not the last ones. By steps the last ones are the better: the rate has
            come to rest there (``benchmarks/depth_choice.py``); by the clock the end may come anywhere.
        seconds: Train for this long instead of a number of epochs: the schedule then follows the clock.
    """

    learning_rate: float
    weight_decay: float
    batch_items: int
    epochs: float
    patience: int | None
    warmup_fraction: float
    precision: str
    channels_last: bool = False
    l2_sp: float = 0.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    rate_decay: float = 1.0
    unfreeze: float = 0.0
    balance: bool = False
    contrastive: float = 0.0
    lora_rank: int = 0
    at_once: int = 0
    chooses_epoch: bool = False
    seconds: float | None = None

    @property
    def passing(self) -> int:
        """Items that go through the network at a time."""
        return self.at_once or self.batch_items


def n_steps(n_items: int, settings: Settings) -> int:
    """How many steps the epochs come to; at least one."""
    whole, left = divmod(n_items, settings.batch_items)
    return max(1, round(settings.epochs * (whole + (left > 1 or (left == 1 and whole == 0)))))  # one item that is left joins the batch before it


def rate_factor(done: float, warmup: float) -> float:
    """The rate as a fraction of its peak when a share ``done`` of the training is done: a straight rise, then half a cosine.

    Source: Loshchilov and Hutter, SGDR, 2017, equation 5; the warm-up is Goyal et al., 2017, section 2.2.

    Example:
        >>> rate_factor(0.05, 0.1), rate_factor(0.1, 0.1)
        (0.5, 1.0)
    """
    if done < warmup:
        return done / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (min(done, 1.0) - warmup) / (1.0 - warmup)))


def joins_at(distance: int, farthest: int, unfreeze: float) -> float:
    """The share of the training at which a block so far from the head begins to train.

    Example:
        >>> [joins_at(block, 4, 0.5) for block in (0, 1, 2, 3, 4)]
        [0.0, 0.0, 0.25, 0.375, 0.5]
    """
    return unfreeze * distance / farthest if distance > 1 else 0.0
