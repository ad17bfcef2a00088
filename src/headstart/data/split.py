"""Which items are learnt from, chosen by, and looked at once: a Dataset in, a Split out; folds of the train part for cross-validation.

A split depends on contents, labels, groups and the seed, never on names or the order of files. Equal contents, near-duplicates and groups (units) stay
on one side: a picture that was saved twice, or a text that was sent twice, would otherwise be tested on what was learnt by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.amounts import percent
from headstart.base.errors import InputError
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.data.allot import allot
from headstart.data.dataset import Dataset
from headstart.data.duplicates import units_of
from headstart.data.listing import NO_GROUP, PARTS
from headstart.modality import get

FRACTIONS = (0.6, 0.2, 0.2)
NEVER_HELD = -1
TRIES = 20  # shuffles tried before a data set is said to be impossible to split; only classes that share few groups need more than one


@dataclass(frozen=True, eq=False)
class Split:
    """Who is learnt from and who is tested.

    Attributes:
        train: Places of the items that the weights are fitted to, ascending.
        validation: Places of the items that choices are made by, ascending.
        test: Places of the items that are looked at once, ascending.
        how: One sentence for the report.
        digest: Hash of the contents of the three parts: equal digests are equal splits, on any machine.
        seed: What it was drawn with.
        units: ``(n,)`` the unit of each item: a group or near-duplicate family, or the item alone.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    how: str
    digest: str
    seed: int
    units: NDArray[np.int64]


def split(dataset: Dataset, *, seed: int = 0, fractions: tuple[float, float, float] = FRACTIONS) -> Split:
    """Part a data set into train, validation and test.

    Parts that the data set gives are kept as they are. Where it gives train and test, validation is carved out of train. Where it gives train and
    validation, what it calls validation becomes the test, because that is the number others report, and a new validation is carved out of train.

    Args:
        dataset: The data set.
        seed: Another seed, another draw.
        fractions: Shares of train, validation and test.

    Raises:
        InputError: when a class cannot be in every part because all of it belongs to one or two units.
    """
    if len(fractions) != len(PARTS) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InputError("the fractions of train, validation and test are positive and sum to 1", got=fractions, fix="fractions=(0.6, 0.2, 0.2)")
    units = units_of(dataset.content, dataset.near, dataset.groups)
    parts, how = _parts(dataset, units, seed, fractions)
    places = [np.flatnonzero(parts == part) for part in range(len(PARTS))]
    named = digest(*(",".join(sorted(dataset.content[place] for place in part)) for part in places))
    train, validation, test = places
    return Split(train, validation, test, how=f"{how}, {_kept_together(dataset, units)}, seed {seed}", digest=named, seed=seed, units=units)


def folds(dataset: Dataset, split: Split, n: int = 5, seed: int = 0) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Part the train items n times into those fitted to and those held out; each unit is held out at most once, and every class is always fitted to.

    A class whose train items all belong to one unit is never held out: no fold could have learnt it. Where units bind several classes together
    so that no draw spreads each class over two folds, one unit of each class that stays whole is never held out either.

    Args:
        dataset: The data set.
        split: Its split; validation and test are not touched.
        n: How many folds; fewer where there are fewer units.
        seed: Another seed, other folds.

    Returns:
        ``(fitted, held)`` places for each fold, ascending; a fold that nothing fell into is left out.
    """
    train, labels, units = split.train, dataset.labels[split.train], split.units[split.train]
    alone = [name for name in np.unique(labels) if len(np.unique(units[labels == name])) < 2]
    free = ~np.isin(units, units[np.isin(labels, alone)])
    n = min(n, len(np.unique(units[free])))
    if n < 2:
        raise InputError(
            "the train part has too few units for folds",
            got=f"{n} units",
            fix=f"add {get(dataset.modality).unit}, or take the group column away with --group none",
        )
    fold = np.full(len(train), NEVER_HELD)
    for attempt in range(TRIES):
        fold[free] = _draw(dataset, train[free], split.units, seed_for(seed, "folds") + attempt, np.full(n, 1 / n), cover=False)
        if not _unlearnt(labels, fold):
            break
    while unlearnt := _unlearnt(labels, fold):
        fold[units == units[labels == unlearnt[0]][0]] = NEVER_HELD
    held = [train[fold == one] for one in range(n) if (fold == one).any()]
    return [(np.setdiff1d(train, out), out) for out in held]


def _unlearnt(labels: NDArray[np.int64], fold: NDArray[np.int64]) -> list[int]:
    """Classes of which one fold holds out everything."""
    return [int(name) for name in np.unique(labels) if len(found := np.unique(fold[labels == name])) == 1 and found[0] != NEVER_HELD]


def _parts(dataset: Dataset, units: NDArray[np.int64], seed: int, fractions: Sequence[float]) -> tuple[NDArray[np.int64], str]:
    """The part of each item and how it came about."""
    everything = np.arange(len(dataset))
    if dataset.given_split is None:
        parts = _draw(dataset, everything, units, seed_for(seed, "split"), np.array(fractions), cover=True)
        return parts, f"stratified by class, {' / '.join(f'{percent(share, 0)}' for share in fractions)} for train / validation / test"
    given = np.array([PARTS.index(part) for part in dataset.given_split])
    present = {part for place, part in enumerate(PARTS) if (given == place).any()}
    if present == set(PARTS):
        return given, "train, validation and test as given"
    if present == {"train"}:
        parts = _draw(dataset, everything, units, seed_for(seed, "split"), np.array(fractions), cover=True)
        return parts, "only train was given: all three parts were drawn from it, stratified by class"
    test, train = given != 0, np.flatnonzero(given == 0)
    shares = np.array(fractions[:2]) / sum(fractions[:2])
    parts = np.where(test, 2, 0)
    parts[train] = _draw(dataset, train, units, seed_for(seed, "split"), shares, cover=True)
    kept = "train and test as given" if "test" in present else "train as given, the given validation part is the test (it is looked at once)"
    return parts, f"{kept}, validation carved out of train ({percent(shares[1], 0)}), stratified by class"


def _draw(dataset: Dataset, places: NDArray[np.int64], units: NDArray[np.int64], seed: int, shares: NDArray[np.float64], *, cover: bool) -> NDArray[np.int64]:
    """The part of each item at these places.

    Raises:
        InputError: when a class cannot be brought into every part.
    """
    labels, n_classes = dataset.labels[places], len(dataset.classes)
    _, local = np.unique(units[places], return_inverse=True)
    if cover:
        _refuse_few_units(dataset, labels, local, len(shares))
    names = _unit_names([dataset.content[place] for place in places], local)
    for attempt in range(TRIES):
        keys = [digest(str(seed + attempt), name) for name in names]
        rank = np.argsort(np.argsort(np.array(keys)))
        parts = allot(labels, local, rank, shares, n_classes, cover=cover)
        lacking = [name for name in range(n_classes) for part in range(len(shares)) if not ((labels == name) & (parts == part)).any()] if cover else []
        if not lacking:
            return parts
    raise _impossible(dataset, sorted(set(lacking)), labels, local, len(shares))


def _unit_names(content: Sequence[str], units: NDArray[np.int64]) -> list[str]:
    """Each unit by the smallest of its contents: the same whatever the order of files."""
    names: dict[int, str] = {}
    for unit, name in zip(units.tolist(), content, strict=True):
        names[unit] = min(names.get(unit, name), name)
    return [names[unit] for unit in range(len(names))]


def _refuse_few_units(dataset: Dataset, labels: NDArray[np.int64], units: NDArray[np.int64], n_parts: int) -> None:
    few = [name for name in range(len(dataset.classes)) if len(np.unique(units[labels == name])) < n_parts]
    if few:
        raise _impossible(dataset, few, labels, units, n_parts)


def _impossible(dataset: Dataset, classes: Sequence[int], labels: NDArray[np.int64], units: NDArray[np.int64], n_parts: int) -> InputError:
    unit = get(dataset.modality).unit
    same = f"{unit} that are nearly the same"
    what = f"groups (column {dataset.group_name}) or {same}" if dataset.groups is not None else same
    details = [
        f"class {dataset.classes[one]}: its examples cannot be in {n_parts} parts without tearing apart {what}"
        f" (different ones: {len(np.unique(units[labels == one])):,} of {int((labels == one).sum()):,})"
        for one in classes
    ]
    fix = (
        f"--group {NO_GROUP}, or another column, if {dataset.group_name} is not what must stay together"
        if dataset.groups is not None
        else f"add {unit} that differ, or take the class out"
    )
    return InputError("the data set cannot be split into parts that each hold every class", details=details, fix=fix)


def _kept_together(dataset: Dataset, units: NDArray[np.int64]) -> str:
    families = int((np.bincount(units) > 1).sum())
    if dataset.groups is not None:
        return f"{len(set(dataset.groups) - {''}):,} groups ({dataset.group_name}) and look-alikes kept on one side"
    return f"{families:,} famil{'y' if families == 1 else 'ies'} of look-alikes kept on one side" if families else "no look-alikes"
