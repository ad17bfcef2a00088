"""A data set in, a smaller one out: every class keeps its share, and a class never falls below what it needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.data.dataset import MINIMUM_PER_CLASS, Dataset
from headstart.data.duplicates import units_of
from headstart.data.listing import PARTS
from headstart.data.rows import chosen


def sampled(dataset: Dataset, n: int, seed: int = 0) -> Dataset:
    """Draw about n items: what a budget can afford to look at.

    Args:
        dataset: The data set.
        n: Items in all; more where classes need them.
        seed: Another seed, another draw.
    """
    if n >= len(dataset):
        return dataset
    units = units_of(dataset.content, dataset.near, dataset.groups)
    parts = np.array(dataset.given_split if dataset.given_split is not None else ("",) * len(dataset))
    keys = np.array([digest(str(seed_for(seed, "sample")), content) for content in dataset.content])
    places = []
    for label in range(len(dataset.classes)):
        for part in np.unique(parts):
            members = np.flatnonzero((dataset.labels == label) & (parts == part))
            wanted = min(len(members), max(2 * MINIMUM_PER_CLASS, round(n * len(members) / len(dataset))))
            places.append(_of_several_units(members[np.argsort(keys[members], kind="stable")], units)[:wanted])
    return only(dataset, np.sort(np.concatenate(places)))


def _of_several_units(members: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """The members in their order, but an item of each of three units first: a class that comes from one patient alone could not be in every part."""
    first = np.sort(np.unique(units[members], return_index=True)[1])[: len(PARTS)]
    return np.concatenate([members[first], np.delete(members, first)])


def only(dataset: Dataset, places: np.ndarray) -> Dataset:
    """The items at some places, ascending."""
    kept = places.tolist()
    moved = {place: number for number, place in enumerate(kept)}
    near = np.array([(moved[a], moved[b]) for a, b in dataset.near.tolist() if a in moved and b in moved], np.int64).reshape(-1, 2)
    return replace(
        dataset,
        sources=chosen(dataset.sources, kept),
        labels=dataset.labels[places],
        groups=None if dataset.groups is None else chosen(dataset.groups, kept),
        given_split=None if dataset.given_split is None else chosen(dataset.given_split, kept),
        content=chosen(dataset.content, kept),
        near=near,
        sizes=dataset.sizes[places],
        modes=chosen(dataset.modes, kept),
        digest=digest("sample of", dataset.digest, *chosen(dataset.content, kept)),
        rows=dataset.rows.take(kept),
    )
