"""Which epoch to stop at, and what an early stop may claim: what held items were told after every epoch in, an epoch or honest answers out.

A training that keeps the epoch which its held items like best can never look worse on them than the head it began with: epoch 0 is that head. Judged by
the same items, every deeper cut therefore beats or ties the head, whatever it is worth: on 10 to 50 items noise alone gained up to 1.0 nats so. Here no
item is judged at an epoch that it chose: a fold's epoch is the one that all other folds together like best, and the only fold is parted in two halves
that choose for one another. It is what makes the score honest; that it chooses better cuts was not shown (benchmarks/depth_choice.py). What was: a
refit for the mean of the folds' own best epochs stops in AdamW's rough first steps where one fold of three liked epoch 4 by chance (68.0 % on 1,000
test items, the head 74.9 %); the epoch that all items together like best was 0 there.

Source: Varma and Simon, Bias in Error Estimation when Using Cross-Validation for Model Selection, 2006.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.task.linear import Floats

LEAST_CHANCE = 1e-6  # a probability below it counts as much: one item that is surely wrong shall not outvote a fold


def losses(by_epoch: Sequence[Floats], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Losses ``(epochs + 1, n)`` of every item after every epoch, the state before training first."""
    return np.stack([-np.log(np.maximum(said[np.arange(len(truth)), truth], LEAST_CHANCE), dtype=np.float64) for said in by_epoch])


def best_epoch(folds: Sequence[NDArray[np.float64]]) -> int:
    """The epoch with the lowest loss over the items of all folds; a fold that had stopped by then counts as it was when it stopped.

    Args:
        folds: Losses of each fold's items, as ``losses`` gives them.

    Example:
        >>> one, other = np.array([[1.0], [0.2], [0.6]]), np.array([[1.0], [1.1]])
        >>> best_epoch([one]), best_epoch([one, other]), best_epoch([one, other, other, other, other, other, other, other, other])
        (1, 1, 0)
    """
    last = max(len(fold) for fold in folds)
    return int(np.argmin([sum(float(fold[min(epoch, len(fold) - 1)].sum()) for fold in folds) for epoch in range(last)]))


def crossed(folds: Sequence[Sequence[Floats]], truths: Sequence[NDArray[np.int64]], starts: Sequence[Floats]) -> list[Floats]:
    """What each fold's items are told at an epoch that they had no part in choosing.

    Args:
        folds: Probabilities ``(n, k)`` after every epoch, the state before training first, of each fold.
        truths: Classes of each fold's items.
        starts: What the head said of each fold's items before training: the state before training in other arithmetic, so that
            what is better left untrained ties with the head exactly.

    Returns:
        Probabilities ``(n, k)`` of each fold.
    """
    known = [losses(by_epoch, truth) for by_epoch, truth in zip(folds, truths, strict=True)]
    told = [[start, *by_epoch[1:]] for start, by_epoch in zip(starts, folds, strict=True)]
    if len(folds) > 1:
        epochs = [best_epoch([other for place, other in enumerate(known) if place != number]) for number in range(len(folds))]
        return [by_epoch[min(epoch, len(by_epoch) - 1)] for by_epoch, epoch in zip(told, epochs, strict=True)]
    (by_epoch,), (loss,) = told, known
    said, halves = by_epoch[0].copy(), (slice(0, None, 2), slice(1, None, 2))
    for judged, chooses in (halves, halves[::-1]):
        said[judged] = by_epoch[best_epoch([loss[:, chooses]]) if loss[:, chooses].size else 0][judged]
    return [said]
