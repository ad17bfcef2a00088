"""Features and classes in, a linear head out: multinomial logistic regression, fitted to its optimum.

Matrix products run in torch, and SciPy's own pool of threads is held to one: two pools that wait for each other by spinning
take ten times as long on two cores. With a penalty on the squared weights the optimum is unique, so the head depends on no learning rate, no order and no
seed. Fewer items than features: the fit runs in the items' own subspace, which holds the same optimum and is smaller.

All features of a network are scaled by one number, so that directions in which items hardly differ stay small: scaled one by one, as measurements of
different units must be, heads of EfficientNet-Lite0 on 8 digits a class were 9 points worse; on texts it made little difference (LOG.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # C of the literature for vectors of mean squared length 1; strong penalty first
MOST_STEPS = 200
GRADIENT_TOLERANCE = 1e-5
VALUE_TOLERANCE = 1e-7  # relative: what float32 can still tell apart
_held = threading.local()
NEVER_SEEN = 0.5  # items that stand for a class without any
SMALLEST_SPREAD = 1e-6  # a feature that varies less than this is constant: leave it unscaled


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A linear classifier on raw features.

    Attributes:
        weight: ``(k, d)``.
        bias: ``(k,)``.
        strength: What it was fitted with: the loss of an item against half the squared weights.
    """

    weight: Floats
    bias: Floats
    strength: float

    def probabilities(self, features: NDArray[np.generic]) -> Floats:
        """Class probabilities ``(n, k)`` of features ``(n, d)``."""
        logits = np.asarray(features, np.float32) @ self.weight.T + self.bias
        return softmax(logits)

    def heard(self, temperature: float, prior: Floats) -> LinearHead:
        """The head that says what it says of features at a temperature, beside how common each class was ``(k,)``, which stays."""
        return LinearHead((self.weight / temperature).astype(np.float32), (prior + (self.bias - prior) / temperature).astype(np.float32), self.strength)

    def tempered(self, temperature: float) -> LinearHead:
        """The head whose logits are divided by a temperature: the same answers, other probabilities."""
        return LinearHead((self.weight / temperature).astype(np.float32), (self.bias / temperature).astype(np.float32), self.strength)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold torch and BLAS to one thread each: small products gain little from two, and beside other work two that wait by spinning took 50 times as long."""
    from threadpoolctl import threadpool_limits

    if getattr(_held, "depth", 0):  # looking for the pools takes 2 ms each time
        yield
        return
    n_threads, _held.depth = torch.get_num_threads(), 1
    try:
        with threadpool_limits(1, user_api="blas"):
            torch.set_num_threads(1)
            yield
    finally:
        torch.set_num_threads(n_threads)
        _held.depth = 0


def softmax(logits: NDArray[np.generic]) -> Floats:
    """Turn logits ``(n, k)`` into probabilities, in float64 inside so that rows sum to 1."""
    shifted = np.asarray(logits, np.float64)
    shifted = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    probabilities: Floats = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


@dataclass(frozen=True, eq=False)
class Standardised:
    """Features brought to mean 0 and mean square 1, and, when items are fewer than features, into the items' own subspace.

    Attributes:
        inside: ``(n, m)`` with ``m = min(n, d)``: what heads are fitted on.
        mean: ``(d,)`` of the raw features.
        spread: ``(d,)`` what they were divided by: one number, or each feature's own; 1 where it is constant.
        basis: ``(d, m)`` with orthonormal columns, or None when nothing was turned.
    """

    inside: Floats
    mean: Floats
    spread: Floats
    basis: Floats | None

    def nothing(self, n_classes: int) -> Floats:
        """The weights ``(m + 1, k)`` to start from."""
        return np.zeros((self.inside.shape[1] + 1, n_classes), dtype=np.float32)

    def head(self, weights: Floats, strength: float) -> LinearHead:
        """Fold turning and scaling into a head on raw features; ``weights`` is ``(m + 1, k)``, its last row the bias."""
        slopes = weights[:-1] if self.basis is None else self.basis @ weights[:-1]
        slopes = slopes / self.spread[:, None]
        return LinearHead(np.ascontiguousarray(slopes.T), weights[-1] - self.mean @ slopes, strength)


def standardise(features: NDArray[np.generic], *, alone: bool = False) -> Standardised:
    """Bring features ``(n, d)`` of any float type to mean 0 and mean square 1: all together, or ``alone``, each by its own spread."""
    standard = np.array(features, dtype=np.float32)
    mean = standard.mean(axis=0)
    standard -= mean
    squares = np.square(standard).mean(axis=0)
    spread: Floats = np.sqrt(squares if alone else np.full_like(squares, squares.mean(dtype=np.float64)))
    spread[spread < SMALLEST_SPREAD] = 1.0
    standard /= spread
    basis = _basis(standard)
    inside = standard if basis is None else (torch.from_numpy(standard) @ torch.from_numpy(basis)).numpy()
    return Standardised(inside, mean, spread, basis)


def balancing(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Weights ``(k,)`` under which every class that occurs counts the same, and items count 1 on average.

    Example:
        >>> balancing(np.array([0, 0, 0, 1]), 2).astype(float).round(2).tolist()
        [0.67, 2.0]
    """
    counts = np.bincount(labels, minlength=n_classes)
    return (len(labels) / (np.maximum(counts, 1) * max(1, int((counts > 0).sum())))).astype(np.float32)


def log_prior(labels: NDArray[np.int64], n_classes: int, class_weights: Floats | None = None) -> Floats:
    """How common each class is among what a head learns from ``(k,)``, as a logarithm; weighed classes are all as common.

    Example:
        >>> log_prior(np.array([0, 0, 0, 1]), 2).astype(float).round(2).tolist()
        [-0.29, -1.39]
    """
    counts = np.maximum(np.bincount(labels, minlength=n_classes), NEVER_SEEN) * (1.0 if class_weights is None else class_weights)
    prior: Floats = np.log(counts / counts.sum()).astype(np.float32)
    return prior


def fit_path(
    standard: Standardised,
    labels: NDArray[np.int64],
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
    class_weights: NDArray[np.float32] | None = None,
) -> list[LinearHead]:
    """Fit one head per strength, each started from the one before it.

    Args:
        standard: The features.
        labels: ``(n,)`` in ``0 … n_classes - 1``.
        n_classes: Number of classes, also those that do not occur.
        strengths: What an item's loss counts against half the squared weights, little to much.
        class_weights: ``(k,)`` what an item of each class counts in the loss; 1 when not given.

    Cost: about ten passes over the features per strength.
    """
    weights, heads = standard.nothing(n_classes), []
    for strength in strengths:
        weights = fit(standard, standard.inside, labels, weights, strength, class_weights=class_weights)
        heads.append(standard.head(weights, strength))
    return heads


def _basis(standard: Floats) -> Floats | None:
    """An orthonormal basis ``(d, n)`` of the space that the items span, when they are fewer than the features."""
    n, d = standard.shape
    if n >= d:
        return None
    basis: Floats = torch.linalg.qr(torch.from_numpy(standard.T)).Q.numpy()
    return basis


def fit(
    standard: Standardised,
    inside: Floats,
    labels: NDArray[np.int64],
    start: Floats,
    strength: float,
    tolerance: float = VALUE_TOLERANCE,
    class_weights: NDArray[np.float32] | None = None,
    item_weights: NDArray[np.float32] | None = None,
) -> Floats:
    """Minimise cross-entropy times the strength plus half the squared weights on vectors of mean squared length 1; the bias is free.

    Args:
        standard: What the features belong to.
        inside: ``(n, m)``: all rows of ``standard.inside`` or some.
        labels: ``(n,)`` of those rows.
        start: ``(m + 1, k)`` weights to start from.
        strength: C of the literature. It means the same however many items there are: a normal prior of variance C on every weight.
        tolerance: Relative change of the value at which it stops.
        class_weights: ``(k,)`` what an item of each class counts; 1 when not given.
        item_weights: ``(n,)`` what each item counts beside that; 1 when not given.

    Returns:
        ``(m + 1, k)`` weights on standardised features.

    Source: Byrd, Lu, Nocedal and Zhu, 1995 (L-BFGS-B, as SciPy has it); the gradient is Bishop, 2006, equation 4.109.
    """
    from scipy.optimize import minimize

    price = len(standard.mean) / (2 * strength * len(labels))  # of the squared weights on features whose mean square, not length, is 1
    inputs, columns, targets = torch.from_numpy(inside), torch.arange(len(labels)), torch.from_numpy(labels)
    shares = torch.full((len(labels),), 1 / len(labels)) if class_weights is None else torch.from_numpy(class_weights)[targets] / len(labels)
    shares = shares if item_weights is None else shares * torch.from_numpy(item_weights)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = torch.from_numpy(flat.reshape(start.T.shape)).float()  # a class a row: with its few columns on the right a product takes 2 to 8 times as long
        slopes, bias = weights[:, :-1], weights[:, -1:]
        gains = torch.log_softmax(torch.mm(slopes, inputs.T).add_(bias), dim=0)
        value = -float((gains[targets, columns] * shares).double().sum()) + price * float(slopes.double().square().sum())
        excess = gains.exp_()
        excess[targets, columns] -= 1
        excess *= shares
        gradient = torch.cat([torch.addmm(slopes, excess, inputs, beta=2 * price), excess.sum(1, keepdim=True)], dim=1)
        return value, gradient.double().numpy().ravel()

    options = {"maxiter": MOST_STEPS, "gtol": GRADIENT_TOLERANCE, "ftol": tolerance}
    with one_thread():
        found = minimize(loss, start.T.astype(np.float64).ravel(), jac=True, method="L-BFGS-B", options=options)
    weights: Floats = np.ascontiguousarray(found.x.reshape(start.T.shape).T, dtype=np.float32)
    return weights
