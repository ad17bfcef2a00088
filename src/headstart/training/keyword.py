"""The head of a wake word: windows of frames with their labels in, a trained head out; what it finds hard is shown to it more often."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headstart.backbone.networks.keyword_head import FRAMES, KeywordHead
from headstart.base.events import Sink, silence, stage
from headstart.base.seeds import seed_for

Floats = NDArray[np.float32]
EPOCHS = 30
BATCH_ITEMS = 128
RATE = 2e-3
WEIGHT_DECAY = 1e-2
HARD_FROM = 10  # the epoch before which the windows of the other class are drawn evenly, and from which those that sound most like the word come first
HARD_SHARE = 0.5
NEGATIVES_A_POSITIVE = 8  # in an epoch


def train_head(positive: Floats, others: list[Floats], *, seed: int, sink: Sink = silence) -> KeywordHead:
    """Train by binary cross-entropy, each class counting half.

    Args:
        positive: ``(n, 16, 96)`` windows at whose end the word has just ended.
        others: Sequences ``(t, 96)``, each of at least 16 frames, in which it does not occur.
        seed: Start, order and dropout follow from it.
        sink: Hears of epochs.
    """
    generator = np.random.default_rng(seed_for(seed, "keyword windows"))
    torch.manual_seed(seed_for(seed, "keyword head"))
    head = KeywordHead()
    head.learn_scale(torch.from_numpy(np.concatenate([positive.reshape(-1, positive.shape[-1]), *others])))
    places = np.array([(n, begin) for n, one in enumerate(others) for begin in range(len(one) - FRAMES + 1)])
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    n_others = min(len(places), max(len(positive) * NEGATIVES_A_POSITIVE, 2_000))
    steps = EPOCHS * -(-(len(positive) + n_others) // BATCH_ITEMS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    with stage(sink, "new layers on the frozen embedding", EPOCHS, "epochs") as advance:
        for epoch in range(EPOCHS):
            chosen = places[_drawn(head, others, places, n_others, generator, hard=epoch >= HARD_FROM)]
            windows = np.concatenate([positive, np.stack([others[n][begin : begin + FRAMES] for n, begin in chosen])])
            labels = np.concatenate([np.ones(len(positive)), np.zeros(len(chosen))]).astype(np.float32)
            weights = np.where(labels > 0, len(chosen) / len(positive), 1.0).astype(np.float32)
            head.train()
            order = generator.permutation(len(windows))
            for begin in range(0, len(order), BATCH_ITEMS):
                batch = order[begin : begin + BATCH_ITEMS]
                logits = head(torch.from_numpy(windows[batch]).transpose(1, 2))[:, 0]
                loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[batch]), torch.from_numpy(weights[batch]))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            advance(epoch + 1)
    head.eval()
    return head


def logits_of(head: KeywordHead, frames: Floats) -> Floats:
    """A logit for each place of a sequence ``(t, 96)`` at which 16 frames end: ``(t - 15,)``."""
    with torch.inference_mode():
        found: Floats = head(torch.from_numpy(np.ascontiguousarray(frames.T))[None])[0].numpy()
    return found


def _drawn(head: KeywordHead, others: list[Floats], places: NDArray[np.int64], n: int, generator: np.random.Generator, *, hard: bool) -> NDArray[np.int64]:
    """Which windows of the other class an epoch sees."""
    if not hard:
        return generator.choice(len(places), n, replace=False)
    head.eval()
    logits = np.concatenate([logits_of(head, one) for one in others if len(one) >= FRAMES])
    hardest = np.argsort(-logits, kind="stable")[: round(HARD_SHARE * n)]
    rest = np.setdiff1d(np.arange(len(places)), hardest)
    return np.concatenate([hardest, generator.choice(rest, min(len(rest), n - len(hardest)), replace=False)])
