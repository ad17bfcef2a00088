"""Which items are the same item, saved or resized again: thumbnails in, pairs out; pairs and groups in, units out.

Pairs are sought in a k-d tree over the coarse waves of the thumbnails, whose distance never exceeds that of the thumbnails: nothing within reach is
lost to a hash. Multi-index hashing of 64-bit perceptual hashes (bit bands; Norouzi, Punjani, Fleet 2012) was tried first: within 4 bits it found 37 of the
176 like pairs of the solar cells and 67 of the 135 of Fashion-MNIST, in the same time or more.

Where the first coordinates do not tell items apart (hashed counts of a text spread evenly over all of theirs), a tree is no help: there every pair is
compared, by products of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.base.hashing import digest
from headstart.data.remembered import Remembered
from headstart.modality import Modality

TREE_COORDINATES = 25  # 5 x 5 waves: with 16 the tree returns four times the candidates, with 36 it takes twice as long
NEIGHBOURS = 8  # nearest ones asked for of every item
MORE_NEIGHBOURS = 64  # asked for where all of those lie within reach; beyond that a crowd holds together through its members
SAMPLE = 256  # items by which is told whether the tree tells apart
BLOCK = 512  # items compared with all at once
AT_ONCE = 1024  # pairs compared at once: their thumbnails are copied some times over, 16 KiB a pair
ROUNDING = 1.0001  # distances are compared in float32


def near_duplicates(contents: Sequence[str], thumbnails: NDArray[np.uint8], modality: Modality, store: Remembered) -> NDArray[np.int64]:
    """Pairs of items that differ in bytes and look the same.

    Args:
        contents: Content hash of each item.
        thumbnails: ``(n, bytes)``.
        modality: Says which thumbnails are alike.
        store: Pairs of the same contents, if they were sought before.

    Returns:
        ``(m, 2)`` places of the first item of each of the two contents, smaller first, in order.

    Cost: 60,000 items of 28 x 28 pixels 4 s, photos less, once; then nothing.
    """
    unique, first = np.unique(np.array(contents, dtype=np.str_), return_index=True)
    key = digest(*unique.tolist())
    pairs = store.pairs(key)
    if pairs is None:
        pairs = _search(thumbnails[first], modality)
        store.add_pairs(key, pairs)
    placed = np.sort(first[pairs].astype(np.int64).reshape(-1, 2), axis=1)
    return placed[np.lexsort((placed[:, 1], placed[:, 0]))]


def _search(thumbnails: NDArray[np.uint8], modality: Modality) -> NDArray[np.int64]:
    if len(thumbnails) < 2:
        return np.zeros((0, 2), np.int64)
    from scipy.spatial import cKDTree  # a tenth of a second to import

    points = modality.sketch(thumbnails)
    coarse = points[:, :TREE_COORDINATES]
    tree = cKDTree(coarse)
    sample = np.arange(0, len(points), max(1, len(points) // SAMPLE))
    if len(points) > NEIGHBOURS and len(_neighbours(tree, coarse, sample, NEIGHBOURS, modality.reach)[1]) > len(sample) / 2:
        return _confirmed(_exhaustive(points, modality.reach * ROUNDING), thumbnails, modality)
    pairs, crowded = _neighbours(tree, coarse, np.arange(len(points)), NEIGHBOURS, modality.reach)
    if len(crowded):
        more, _ = _neighbours(tree, coarse, crowded, MORE_NEIGHBOURS, modality.reach)
        pairs = np.concatenate([pairs, more])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    pairs = pairs[np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1) <= modality.reach * ROUNDING]
    return _confirmed(pairs, thumbnails, modality)


def _exhaustive(points: NDArray[np.float32], reach: float) -> NDArray[np.int64]:
    """Pairs within reach, of each item with at most `MORE_NEIGHBOURS` later ones: a crowd holds together through its members.

    Cost: n² products of vectors: 15,000 texts 1 s on one core, 60,000 texts 15 s.
    """
    half = (points * points).sum(axis=1) / 2
    found = []
    for start in range(0, len(points), BLOCK):
        end = start + BLOCK
        inner = points[start:end] @ points[start:].T
        left, right = np.nonzero(inner >= half[start:end, None] + half[None, start:] - reach * reach / 2)
        left, right = left[right > left], right[right > left]
        rank = np.arange(len(left)) - np.searchsorted(left, left)
        kept = rank < MORE_NEIGHBOURS
        found.append(np.stack([left[kept], right[kept]], axis=1).astype(np.int64) + start)
    return np.concatenate(found)


def _confirmed(pairs: NDArray[np.int64], thumbnails: NDArray[np.uint8], modality: Modality) -> NDArray[np.int64]:
    """Those pairs that are alike by the modality's own word."""
    some = [pairs[start : start + AT_ONCE] for start in range(0, len(pairs), AT_ONCE)]
    return np.concatenate([one[modality.alike(thumbnails[one[:, 0]], thumbnails[one[:, 1]])] for one in some] or [pairs])


def _neighbours(tree: object, points: NDArray[np.float32], asked: NDArray[np.int64], k: int, reach: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    k = min(k, len(points) - 1)
    _, found = tree.query(points[asked], k=k + 1, distance_upper_bound=reach * ROUNDING)  # type: ignore[attr-defined]
    there = found < len(points)
    pairs = np.stack([np.repeat(asked, k + 1), found.ravel()], axis=1)[there.ravel()].astype(np.int64)
    return pairs[pairs[:, 0] != pairs[:, 1]], asked[there.all(axis=1)]


def units_of(contents: Sequence[str], pairs: NDArray[np.int64], groups: Sequence[str] | None) -> NDArray[np.int64]:
    """Number the sets of items that must not be torn apart: equal contents, near-duplicates and groups, and whatever these chain together.

    Returns:
        ``(n,)`` unit of each item, numbered in the order in which they first appear.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(contents)
    links = [pairs, _chains(contents)]
    if groups is not None:
        links.append(_chains(groups))
    edges = np.concatenate(links)
    _, raw = connected_components(coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(n, n)), directed=False)
    _, first, place = np.unique(raw, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place]


def _chains(values: Sequence[str]) -> NDArray[np.int64]:
    """Link each item to the next one of equal value; "" equals nothing."""
    last: dict[str, int] = {}
    links = []
    for index, value in enumerate(values):
        if value:
            if value in last:
                links.append((last[value], index))
            last[value] = index
    return np.array(links, np.int64).reshape(-1, 2)
