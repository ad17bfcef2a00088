"""Features and labels in, a number out: the log-evidence of linear models on the features (LogME), the largest over their two precisions.

Source: You, Liu, Wang and Long, 2021 (*LogME: Practical Assessment of Pre-trained Models for Transfer Learning*), equations 2 to 4, in
terms of the singular values of the features (You et al., 2022, *Ranking and Tuning Pre-trained Models*, section 4.2); the fixed point is MacKay's, 1992.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.ranking.sample import sample

MOST_STEPS = 100
TOLERANCE = 1e-6  # relative change of the ratio of the precisions; the paper stops at 1e-3 and needs about ten steps
NEGLIGIBLE = 1e-10  # of the largest squared singular value: below it float64 products hold only rounding
LARGEST = 1e12  # a precision above this is a perfect fit: the evidence has no bound there, so it is given one


def logme(features: NDArray[np.generic], labels: NDArray[np.int64]) -> float:
    """The mean over classes of the log-evidence per item that a Bayesian linear model gives to "this class or not".

    Args:
        features: ``(n, d)``, of any float type; not centred, as in the paper.
        labels: ``(n,)``; classes that do not occur play no part.

    Returns:
        Nats an item; higher is better, only differences between models on the same items mean anything.

    Cost: one eigendecomposition of ``min(n, d)``, at most 2,000 items: 0.3 s for 800 items of 1,280 features on one core.
    """
    kept = sample(len(labels))
    rows = torch.from_numpy(np.asarray(features[kept], np.float64))
    _, classes = np.unique(labels[kept], return_inverse=True)
    targets = torch.nn.functional.one_hot(torch.from_numpy(classes)).double()
    squares, along = _turned(rows, targets)
    if not len(squares):  # features that say nothing at all: the labels are noise, of the strength that suits them
        return float(0.5 * (len(rows) / targets.square().sum(0)).log().mean() - 0.5 * (1 + math.log(2 * math.pi)))
    outside = (targets.square().sum(0) - along.square().sum(0)).clamp_min(0)
    return float(_evidence(squares[:, None], along.square(), outside, *rows.shape).mean())


def _turned(rows: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Squared singular values ``(r,)`` of the features, and the targets along the left singular vectors ``(r, k)``."""
    n, d = rows.shape
    if n <= d:
        squares, left = torch.linalg.eigh(rows @ rows.T)
        kept = squares > NEGLIGIBLE * squares[-1]
        return squares[kept], left[:, kept].T @ targets
    squares, right = torch.linalg.eigh(rows.T @ rows)
    kept = squares > NEGLIGIBLE * squares[-1]
    return squares[kept], (right[:, kept].T @ (rows.T @ targets)) / squares[kept, None].sqrt()


def _evidence(squares: Tensor, along: Tensor, outside: Tensor, n: int, d: int) -> Tensor:
    """Log-evidence per item of each class at the fixed point.

    Args:
        squares: ``(r, 1)`` squared singular values s.
        along: ``(r, k)`` squared targets along the singular vectors.
        outside: ``(k,)`` squared length of the targets that no weights reach.
        n: Items.
        d: Features.
    """
    weights, noise = torch.ones_like(outside), torch.ones_like(outside)  # the two precisions, alpha and beta
    for _ in range(MOST_STEPS):
        ratio = weights / noise
        length, error, effective = _moments(squares, along, outside, ratio)
        weights = (effective / length.clamp_min(1 / LARGEST)).clamp_max(LARGEST)
        noise = ((n - effective) / error.clamp_min(1 / LARGEST)).clamp_max(LARGEST)
        if bool(((weights / noise - ratio).abs() <= TOLERANCE * ratio).all()):
            break
    length, error, _ = _moments(squares, along, outside, weights / noise)
    determinant = (weights + noise * squares).log().sum(0) + (d - len(squares)) * weights.log()
    total = n * noise.log() + d * weights.log() - n * math.log(2 * math.pi) - noise * error - weights * length - determinant
    return total / (2 * n)


def _moments(squares: Tensor, along: Tensor, outside: Tensor, ratio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Squared length of the best weights, squared error they leave, and how many of them the data decides (gamma)."""
    length = (squares * along / (ratio + squares).square()).sum(0)
    error = (ratio.square() * along / (ratio + squares).square()).sum(0) + outside
    return length, error, (squares / (ratio + squares)).sum(0)
