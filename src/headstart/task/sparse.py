"""Counts of words and classes in, a linear head on weighted counts (TF-IDF) out, fitted to its optimum; its columns and weights are plain arrays.

Weighting: 1 + ln(count), times the inverse document frequency ln((1 + n) / (1 + df)) + 1, each item to length 1 (Salton and Buckley 1988, "Term-weighting
approaches in automatic text retrieval"). Columns that one item alone has are left out. Logistic regression with a penalty on the squared weights: where
items are few, it is fitted in their own subspace (their Gram matrix tells all that the penalty sees), else on the sparse rows themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from headstart.task.linear import Floats, one_thread, softmax

MOST_COLUMNS = 100_000  # the most frequent ones: 20 classes of them are 8 MB of weights
LEAST_ITEMS = 2  # that have a column
STRENGTHS = (1.0, 3.0, 10.0, 30.0)  # C of the literature: what the loss of an item counts against half the squared weights; strong penalty first
FEW_ITEMS = 2500  # up to so many, the subspace is faster
MOST_STEPS = 200
GRADIENT_TOLERANCE = 1e-5
VALUE_TOLERANCE = 1e-6  # relative
SMALLEST_SHARE = 1e-6  # of the largest eigenvalue: directions below are rounding


@dataclass(frozen=True, eq=False)
class Weighting:
    """Which columns count, and how much.

    Attributes:
        columns: ``(m,)``, ascending.
        rarity: ``(m,)`` inverse document frequency.
    """

    columns: NDArray[np.int64]
    rarity: Floats

    def rows(self, counts: Any) -> Any:
        """Weighted rows ``(n, m)`` of raw counts ``(n, all)``, both sparse."""
        kept = counts[:, self.columns].astype(np.float32)
        kept.data = (1 + np.log(kept.data)) * self.rarity[kept.indices]
        lengths = np.sqrt(np.asarray(kept.multiply(kept).sum(axis=1), np.float32).ravel())
        return sparse.diags_array(1 / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32) @ kept


@dataclass(frozen=True, eq=False)
class SparseHead:
    """A linear classifier on counts.

    Attributes:
        weighting: What becomes of the counts.
        weight: ``(k, m)``.
        bias: ``(k,)``.
    """

    weighting: Weighting
    weight: Floats
    bias: Floats

    def probabilities(self, counts: Any) -> Floats:
        """Class probabilities ``(n, k)`` of sparse counts ``(n, all)``."""
        return softmax(self.weighting.rows(counts) @ self.weight.T + self.bias)

    def tempered(self, temperature: float) -> SparseHead:
        """The head whose logits are divided by a temperature."""
        return replace(self, weight=(self.weight / temperature).astype(np.float32), bias=(self.bias / temperature).astype(np.float32))

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Everything that it is, as arrays."""
        return {"columns": self.weighting.columns, "rarity": self.weighting.rarity, "head.weight": self.weight, "head.bias": self.bias}


def restored(tensors: dict[str, NDArray[np.generic]]) -> SparseHead:
    """The head that these arrays are."""
    columns, rarity = np.asarray(tensors["columns"], np.int64), np.asarray(tensors["rarity"], np.float32)
    return SparseHead(Weighting(columns, rarity), np.asarray(tensors["head.weight"], np.float32), np.asarray(tensors["head.bias"], np.float32))


def stacked(pairs: Sequence[NDArray[np.float32]], n_columns: int) -> Any:
    """Pairs of column and count, an array ``(m, 2)`` an item, as one sparse matrix ``(n, n_columns)``."""
    ends = np.cumsum([0, *(len(one) for one in pairs)])
    joined = np.concatenate(pairs) if pairs else np.zeros((0, 2), np.float32)
    return sparse.csr_array((joined[:, 1], joined[:, 0].astype(np.int32), ends), shape=(len(pairs), n_columns))


def weigh(counts: Any) -> Weighting:
    """Learn from the counts of items ``(n, all)`` which columns are kept and how rare they are."""
    items_with = np.bincount(counts.indices, minlength=counts.shape[1])
    columns = np.flatnonzero(items_with >= min(LEAST_ITEMS, counts.shape[0]))
    if len(columns) > MOST_COLUMNS:
        columns = np.sort(columns[np.argsort(-items_with[columns], kind="stable")[:MOST_COLUMNS]])
    rarity = np.log((1 + counts.shape[0]) / (1 + items_with[columns])) + 1
    return Weighting(columns, rarity.astype(np.float32))


def fit(rows: Any, labels: NDArray[np.int64], n_classes: int, strength: float, class_weights: Floats | None = None, start: Floats | None = None) -> Floats:
    """Minimise the mean cross-entropy plus the squared weights over ``2 C n``; the bias is free.

    Args:
        rows: ``(n, m)``, sparse or dense.
        labels: ``(n,)``.
        n_classes: Number of classes.
        strength: C.
        class_weights: ``(k,)`` what an item of each class counts; 1 when not given.
        start: ``(m + 1, k)`` to start from.

    Returns:
        ``(m + 1, k)``, the last row the bias.

    Cost: about sixty passes over the entries of the rows.
    """
    from scipy.optimize import minimize

    n, m = rows.shape
    across = rows.T if isinstance(rows, np.ndarray) else rows.T.tocsr()
    places = np.arange(n)
    shares = np.full(n, 1 / n, np.float32) if class_weights is None else (class_weights[labels] / n).astype(np.float32)
    price = 1 / (2 * strength * n)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(m + 1, n_classes).astype(np.float32)
        logits = rows @ weights[:-1] + weights[-1]
        logits -= logits.max(axis=1, keepdims=True)
        chances = np.exp(logits)
        sums = chances.sum(axis=1, keepdims=True)
        value = float(((np.log(sums[:, 0]) - logits[places, labels]) * shares).sum(dtype=np.float64)) + price * float(np.square(flat[:-n_classes]).sum())
        chances /= sums
        chances[places, labels] -= 1
        chances *= shares[:, None]
        gradient = np.concatenate([across @ chances + 2 * price * weights[:-1], chances.sum(axis=0, keepdims=True)])
        return value, gradient.astype(np.float64).ravel()

    begin = np.zeros((m + 1) * n_classes) if start is None else start.astype(np.float64).ravel()
    with one_thread():
        found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS, "gtol": GRADIENT_TOLERANCE, "ftol": VALUE_TOLERANCE})
    weights: Floats = found.x.reshape(m + 1, n_classes).astype(np.float32)
    return weights


def subspace(rows: Any) -> tuple[Floats, Floats]:
    """Items ``(n, r)`` in coordinates of their own that keep every product among them, and what turns weights on these into weights on the items."""
    with one_thread():
        values, vectors = np.linalg.eigh((rows @ rows.T).toarray())
    kept = values > values[-1] * SMALLEST_SHARE
    roots = np.sqrt(values[kept]).astype(np.float32)
    vectors = vectors[:, kept].astype(np.float32)
    return vectors * roots, vectors / roots


def head_on(counts: Any, labels: NDArray[np.int64], n_classes: int, strength: float, class_weights: Floats | None = None) -> SparseHead:
    """Learn the weighting and the head from items."""
    weighting = weigh(counts)
    rows = weighting.rows(counts)
    if len(labels) <= FEW_ITEMS:
        inside, back = subspace(rows)
        found = fit(inside, labels, n_classes, strength, class_weights)
        slopes = rows.T @ (back @ found[:-1])
        return SparseHead(weighting, np.ascontiguousarray(slopes.T, np.float32), found[-1])
    weights = fit(rows, labels, n_classes, strength, class_weights)
    return SparseHead(weighting, np.ascontiguousarray(weights[:-1].T), weights[-1])


def strength_by_folds(
    counts: Any, labels: NDArray[np.int64], n_classes: int, folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], class_weights: Floats | None = None
) -> float:
    """The C with the lowest log-loss, weighed as the fits are, on items that were held out; what is common to all folds (the weighting) knows no labels.

    Args:
        counts: ``(n, all)`` of all items that the folds speak of.
        labels: ``(n,)``.
        n_classes: Number of classes.
        folds: Pairs of positions (fitted on, held out); at most some thousand items in all.
        class_weights: ``(k,)``, as for `fit`.
    """
    everything = np.unique(np.concatenate([items for fold in folds for items in fold]))
    inside, _ = subspace(weigh(counts[everything]).rows(counts[everything]))
    place = np.full(counts.shape[0], -1)
    place[everything] = np.arange(len(everything))
    starts: list[Floats | None] = [None] * len(folds)
    best, lowest = STRENGTHS[0], float("inf")
    for strength in STRENGTHS:
        total = 0.0
        for number, (fitted, held) in enumerate(folds):
            found = starts[number] = fit(inside[place[fitted]], labels[fitted], n_classes, strength, class_weights, starts[number])
            chances = softmax(inside[place[held]] @ found[:-1] + found[-1])
            weights = np.ones(n_classes) if class_weights is None else class_weights
            total -= float((weights[labels[held]] * np.log(np.maximum(chances[np.arange(len(held)), labels[held]], 1e-7))).sum())
        if total >= lowest:
            break
        best, lowest = strength, total
    return best
