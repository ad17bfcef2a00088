"""Share units out among parts so that every part looks like the whole: labels and units in, the part of each item out.

Stratified allotment of groups has no exact fast answer (it holds bin packing). Here: classes with few units are served first, one unit to each part;
families of several items follow, the largest first, each to where the classes fall shortest; single items fill every class up to its quota exactly.
Without families the counts differ from the exact shares by less than one item.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Counts = dict[int, int]  # class → items


@dataclass
class _Table:
    """How many items of each class each part has got, and should get: both ``(classes, parts)``."""

    quotas: NDArray[np.int64]
    have: NDArray[np.int64]
    part_of_unit: dict[int, int] = field(default_factory=dict)

    def give(self, unit: int, part: int, counts: Counts) -> None:
        self.part_of_unit[unit] = part
        for name, count in counts.items():
            self.have[name, part] += count


def allot(
    labels: NDArray[np.int64], units: NDArray[np.int64], rank: NDArray[np.int64], shares: NDArray[np.float64], n_classes: int, *, cover: bool
) -> NDArray[np.int64]:
    """Give each item a part; items of one unit get the same.

    Args:
        labels: ``(n,)`` class of each item.
        units: ``(n,)`` unit of each item, 0 … u−1.
        rank: ``(u,)`` a shuffled order of the units: ties fall by it, so a seed decides.
        shares: ``(p,)`` share of each part; they sum to 1.
        n_classes: How many classes there are.
        cover: Whether to see to it that each class is in each part, where it has that many units.

    Returns:
        ``(n,)`` part of each item, 0 … p−1.
    """
    members = np.bincount(units, minlength=len(rank))
    sizes = np.bincount(labels, minlength=n_classes)
    table = _Table(np.stack([quotas(int(size), shares, cover=cover) for size in sizes]), np.zeros((n_classes, len(shares)), np.int64))
    single = members[units] == 1
    families = _families(labels[~single], units[~single])
    if cover:
        _serve_rare(table, families, labels[single], units[single], rank, shares)
    for unit in sorted(families, key=lambda unit: (-members[unit], rank[unit])):
        if unit not in table.part_of_unit:
            table.give(unit, _where_short(table, families[unit]), families[unit])
    parts = np.full(len(labels), -1, np.int64)
    order = np.argsort(rank[units[single]], kind="stable")
    places = np.flatnonzero(single)[order]
    for name in range(n_classes):
        free = [int(place) for place in places[labels[places] == name] if int(units[place]) not in table.part_of_unit]
        parts[free] = _fill(len(free), table.quotas[name], table.have[name])
    for place in np.flatnonzero(parts < 0):
        parts[place] = table.part_of_unit[int(units[place])]
    return parts


def quotas(n: int, shares: NDArray[np.float64], *, cover: bool) -> NDArray[np.int64]:
    """Whole numbers nearest to ``n * shares`` that sum to n (largest remainders), each at least 1 if n allows and it is asked for."""
    exact = n * shares
    whole = np.floor(exact + 1e-9).astype(np.int64)
    whole[np.argsort(-(exact - whole), kind="stable")[: n - int(whole.sum())]] += 1
    while cover and n >= len(shares) and (whole == 0).any():
        whole[np.argmax(whole)] -= 1
        whole[np.argmin(whole)] += 1
    return whole


def _families(labels: NDArray[np.int64], units: NDArray[np.int64]) -> dict[int, Counts]:
    families: dict[int, Counts] = {}
    for unit, name in zip(units.tolist(), labels.tolist(), strict=True):
        counts = families.setdefault(unit, {})
        counts[name] = counts.get(name, 0) + 1
    return families


def _serve_rare(
    table: _Table, families: dict[int, Counts], labels: NDArray[np.int64], units: NDArray[np.int64], rank: NDArray[np.int64], shares: NDArray[np.float64]
) -> None:
    """Classes that single items cannot bring into every part get units first, the smallest part before the largest; train gets a second one if there is."""
    n_single = np.bincount(labels, minlength=len(table.have))
    rare = [name for name in range(len(table.have)) if n_single[name] <= len(shares)]
    candidates = {name: [(unit, counts) for unit, counts in families.items() if name in counts] for name in rare}
    for unit, name in zip(units.tolist(), labels.tolist(), strict=True):
        if name in candidates:
            candidates[name].append((unit, {name: 1}))
    largest = int(np.argmax(shares))
    turns = [*np.argsort(shares, kind="stable").tolist(), largest]
    for name in sorted(rare, key=lambda name: (len(candidates[name]), name)):
        given: Counts = {}
        for part in turns:
            if table.have[name, part] and not (part == largest and given.get(part) == 1):
                continue
            free = [(unit, counts) for unit, counts in candidates[name] if unit not in table.part_of_unit]
            if free:
                unit, counts = min(free, key=lambda one: _misfit(one[1], name, table.quotas[name, part], rank[one[0]]))
                table.give(unit, part, counts)
                given[part] = given.get(part, 0) + 1


def _misfit(counts: Counts, name: int, quota: int, rank: int) -> tuple[int, int, int]:
    """Any unit that fits into the quota is as good as another, by rank; if none does, the smallest."""
    size = sum(counts.values())
    fits = counts[name] <= quota
    return (0 if fits else 1, 0 if fits else size, int(rank))


def _where_short(table: _Table, counts: Counts) -> int:
    """The part in which the squared distance from the quotas, relative to them, grows least."""
    names, added = list(counts), np.array(list(counts.values()))[:, None]
    have, wanted = table.have[names], table.quotas[names]
    grows = (((have + added - wanted) ** 2 - (have - wanted) ** 2) / (wanted + 1.0)).sum(axis=0)
    return int(np.argmin(grows))


def _fill(n: int, wanted: NDArray[np.int64], have: NDArray[np.int64]) -> NDArray[np.int64]:
    """Parts for n single items of a class: first one to each part that has none, then by what is missing."""
    missing = np.maximum(wanted - have, 0)
    needy = np.flatnonzero((have == 0) & (wanted > 0))[:n]
    counts = np.zeros(len(wanted), np.int64)
    counts[needy] = 1
    missing = np.maximum(missing - counts, 0)
    rest = n - int(counts.sum())
    if rest > 0:
        counts += quotas(rest, missing / missing.sum() if missing.sum() else np.eye(len(wanted))[int(np.argmax(wanted))], cover=False)
    return np.repeat(np.arange(len(wanted)), counts)
