"""The head of a wake word: windows of frames with their labels in, a trained head out; what it finds hard is shown to it again.

Logistic regression with a strong penalty, fitted to its optimum several times: after each time the windows without the word that sound most like it join
what it learns from, so hours of background cost no more memory than their frames. It depends on no learning rate and no order.

One linear layer on pooled frames, not several layers: a multilayer perceptron and layers over the order of frames were tried without gain, with the few real
voices that there were (LOG.md, 2026-11-24, night).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.backbone.networks.keyword_head import FRAMES, SMALLEST_SPREAD, KeywordHead, pooled
from headstart.base.events import Sink, silence, stage
from headstart.base.seeds import seed_for
from headstart.planning.budget import NO_HURRY, Budget
from headstart.task.linear import Floats, Standardised, fit

ROUNDS = 4
SAFETY = 1.2  # times the dearest round so far: each learns from more windows than the one before
DRAWN = 4_000  # windows without the word that are drawn evenly
HARD = 2_000  # that join in each further round
AT_ONCE = 2_000  # windows that are pooled: all 20,000 took 150 MB
SCALE_WINDOWS = 20_000  # from which mean and spread are taken
PRICE = 0.12  # of the squared standardised weights, whatever the number of windows; chosen with words that the benchmark does not test (LOG.md)


def train_head(
    positive: Floats, others: Sequence[Floats], *, seed: int, sink: Sink = silence, rounds: int = ROUNDS, limit: Budget = NO_HURRY
) -> tuple[KeywordHead, int]:
    """Fit a head; words and other sounds count half each.

    Args:
        positive: ``(n, 10, 96)`` windows at whose end the word has just ended.
        others: Sequences ``(t, 96)``, each of at least 10 frames, in which it does not occur.
        seed: Which windows of the others are drawn follows from it.
        sink: Hears of rounds.
        rounds: At most.
        limit: A round that would take longer than what is left of it is not begun; the first one is.

    Returns:
        The head, and in how many rounds it was fitted.

    Cost: a few seconds; a pass over the others a round.
    """
    generator = np.random.default_rng(seed_for(seed, "keyword windows"))
    counts = [len(one) - FRAMES + 1 for one in others]
    places = np.stack([np.repeat(np.arange(len(others)), counts), np.concatenate([np.arange(n) for n in counts])], axis=1)
    scale = windows_at(others, places[generator.choice(len(places), min(SCALE_WINDOWS, len(places)), replace=False)])
    mean, spread = scale.mean(axis=0), scale.std(axis=0) + np.float32(SMALLEST_SPREAD)
    words = _pooled(positive)
    chosen = generator.choice(len(places), min(DRAWN, len(places)), replace=False)
    weights, head = np.zeros((words.shape[1] + 1, 2), np.float32), KeywordHead()
    dearest, done = 0.0, 0
    with stage(sink, "a new layer on the frozen embedding", rounds, "rounds") as advance:
        for number in range(rounds):
            if number and limit.left < SAFETY * dearest:
                break
            began = time.perf_counter()
            inside = (np.concatenate([words, windows_at(others, places[chosen])]) - mean) / spread
            labels = np.repeat(np.array([1, 0]), [len(words), len(chosen)])
            shares = np.repeat(np.array([1 / len(words), 1 / len(chosen)]), [len(words), len(chosen)]) * (len(labels) / 2)
            strength = inside.shape[1] / (2 * PRICE * len(labels))
            weights = fit(Standardised(inside, mean, spread, None), inside, labels, weights, strength, item_weights=shares.astype(np.float32))
            head = _headed(weights, mean, spread)
            if number + 1 < rounds:
                logits = np.concatenate([logits_of(head, one) for one in others])
                chosen = np.union1d(chosen, np.argsort(-logits, kind="stable")[:HARD])
            dearest, done = max(dearest, time.perf_counter() - began), number + 1
            advance(done)
    return head, done


def windows_at(others: Sequence[Floats], places: NDArray[np.int64]) -> Floats:
    """What the head sees at places (which sequence, first frame): ``(m, 288)``."""
    some = [places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE)]
    return np.concatenate([_pooled(np.stack([others[n][begin : begin + FRAMES] for n, begin in one])) for one in some])


def logits_of(head: KeywordHead, frames: Floats) -> Floats:
    """A logit for each place of a sequence ``(t, 96)`` at which 10 frames end: ``(t - 9,)``; none for a shorter one."""
    if len(frames) < FRAMES:
        return np.zeros(0, np.float32)
    with torch.inference_mode():
        found: Floats = head(torch.from_numpy(np.ascontiguousarray(frames.T))[None])[0].numpy()
    return found


def _pooled(windows: Floats) -> Floats:
    with torch.inference_mode():
        found: Floats = pooled(torch.from_numpy(np.ascontiguousarray(windows.transpose(0, 2, 1))))[:, :, 0].numpy()
    return found


def _headed(weights: Floats, mean: Floats, spread: Floats) -> KeywordHead:
    """Of two classes, the difference is the logit."""
    head = KeywordHead()
    difference = weights[:, 1] - weights[:, 0]
    with torch.no_grad():
        head.mean.copy_(torch.from_numpy(mean)[:, None])
        head.spread.copy_(torch.from_numpy(spread)[:, None])
        head.linear.weight.copy_(torch.from_numpy(difference[:-1])[None, :, None])
        head.linear.bias.copy_(torch.from_numpy(difference[-1:]))
    head.eval()
    return head
