"""What a newcomer should know of a data set before anything is trained on it: a Dataset and its Split in, a Profile in plain values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from headstart.base.amounts import several
from headstart.base.errors import Fault
from headstart.data.dataset import Dataset
from headstart.data.listing import PARTS
from headstart.data.split import Split
from headstart.data.spoken import languages
from headstart.modality import get
from headstart.modality.language import sentence

# Examples a class in train, and what people have found to work there (Kornblith, Shlens, Le 2019, "Do better ImageNet models transfer better?", fig. 5:
# with few examples a linear model on frozen features beats fine-tuning; from some hundreds on fine-tuning wins; from some thousands scratch catches up).
_SIZES = (
    (10, "tiny", "train a new head only, and read the intervals: they are wide"),
    (50, "small", "train a new head, perhaps the last block"),
    (500, "middling", "retrain the last blocks"),
    (5000, "large", "retrain most of the network"),
)
_LARGEST = ("very large", "everything can be retrained; training from scratch may do as well")
IMBALANCE = 3.0  # largest class over smallest, from which on accuracy alone misleads
TINY_PIXELS = 64  # shorter side below which a network made for 224 pixels sees mostly interpolation


SAME = {"image": "look the same", "text": "say the same in nearly the same words", "audio": "sound the same"}
WAYS = {"image": "colours", "text": "letters", "audio": "channels"}


@dataclass(frozen=True)
class ClassCount:
    """How many examples a class has, in all and in each part; ``units`` counts groups and look-alike families once."""

    name: str
    n: int
    train: int
    validation: int
    test: int
    units: int


@dataclass(frozen=True)
class Range:
    """The smallest, the middle and the largest of some numbers."""

    low: int
    median: int
    high: int


@dataclass(frozen=True)
class Family:
    """Items that are equal byte for byte, or look the same.

    Attributes:
        kind: ``equal`` (same bytes) or ``near`` (same picture, saved or resized again; the same text, sent again).
        sources: Their names.
        classes: The classes they stand in; more than one is a likely error of a label.
        parts: The parts they stand in; more than one is a leak.
    """

    kind: str
    sources: tuple[str, ...]
    classes: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """What ``headstart inspect`` shows.

    Attributes:
        root: Where the data set lies.
        modality: What kind of data it is.
        digest: Hash of its content.
        n: Usable items.
        classes: Counts, in the order of the labels.
        imbalance: Items of the largest class over those of the smallest.
        majority: Share of the largest class: what always answering it would score.
        groups: How many groups; None when the data set knows none.
        measures: How large the items are, by the two measures of their modality.
        modes: How items are written, with counts, the most frequent first.
        faults: What was left out, with reasons.
        equal: Families of equal bytes.
        near: Families of look-alikes.
        across_classes: Look-alikes in more than one class: look at their labels.
        leaks: Look-alikes, equal bytes and groups on both sides of a given split.
        split: How the parts came about, in one sentence.
        size: ``tiny``, ``small``, ``middling``, ``large`` or ``very large``, by examples a class in train; ``a wake word`` where it is laid out as one.
        advice: What that means, in one sentence.
        notes: What a person should look at, in sentences.
        columns: Of a table the columns that were taken, by what for: ``{"text": "review", "label": "stars"}``.
        rounds: In how many rounds a fit judges; in more than one every item is tested, and the counts of the parts are those of no round.
    """

    root: str
    modality: str
    digest: str
    n: int
    classes: tuple[ClassCount, ...]
    imbalance: float
    majority: float
    groups: int | None
    measures: dict[str, Range]
    modes: dict[str, int]
    faults: tuple[Fault, ...]
    equal: tuple[Family, ...]
    near: tuple[Family, ...]
    across_classes: tuple[Family, ...]
    leaks: tuple[str, ...]
    split: str
    size: str
    advice: str
    notes: tuple[str, ...]
    columns: dict[str, str]
    rounds: int = 1


def profile(dataset: Dataset, split: Split) -> Profile:
    """Describe a data set; nothing is read again."""
    part_of = np.full(len(dataset), "", dtype="U10")
    for part in PARTS:
        part_of[getattr(split, part)] = part
    classes = tuple(_class(dataset, split, part_of, label) for label in range(len(dataset.classes)))
    counts = [one.n for one in classes]
    equal, near = _families(dataset, part_of, "equal"), _families(dataset, part_of, "near")
    leaks = _leaks(dataset, part_of, (*equal, *near))
    size, advice = _how_small(classes)
    groups = len(set(dataset.groups) - {""}) if dataset.groups is not None else None
    measured = zip(get(dataset.modality).measures, (_range(dataset.sizes[:, 0]), _range(dataset.sizes[:, 1])), strict=True)
    across = tuple(family for family in near if len(family.classes) > 1)
    return Profile(
        root=str(dataset.root),
        modality=dataset.modality,
        digest=dataset.digest,
        n=len(dataset),
        classes=classes,
        imbalance=round(max(counts) / min(counts), 2),
        majority=round(max(counts) / len(dataset), 4),
        groups=groups,
        measures=dict(measured),
        modes=dict(Counter(dataset.modes).most_common()),
        faults=dataset.faults,
        equal=equal,
        near=near,
        across_classes=across,
        leaks=leaks,
        split=split.how,
        size=size,
        advice=advice,
        notes=tuple(_notes(dataset, classes, (equal, near, across), leaks, int(np.median(dataset.sizes.min(axis=1))))),
        columns=dict(dataset.columns),
    )


def _class(dataset: Dataset, split: Split, part_of: NDArray[np.str_], label: int) -> ClassCount:
    mine = dataset.labels == label
    train, validation, test = (int((mine & (part_of == part)).sum()) for part in PARTS)
    return ClassCount(dataset.classes[label], int(mine.sum()), train, validation, test, units=len(np.unique(split.units[mine])))


def _range(values: NDArray[np.int64]) -> Range:
    return Range(int(values.min()), int(np.median(values)), int(values.max()))


def _families(dataset: Dataset, part_of: NDArray[np.str_], kind: str) -> tuple[Family, ...]:
    """Connected look-alikes, or equal contents, with more than one member; the first of equal contents stands for them among look-alikes."""
    if kind == "equal":
        alike: dict[str, list[int]] = {}
        for index, content in enumerate(dataset.content):
            alike.setdefault(content, []).append(index)
        sets = [members for members in alike.values() if len(members) > 1]
    else:
        sets = _connected(dataset.near.tolist())
    return tuple(
        Family(
            kind,
            tuple(dataset.sources[index] for index in members),
            tuple(dataset.classes[label] for label in sorted({int(dataset.labels[index]) for index in members})),
            tuple(part for part in PARTS if any(part_of[index] == part for index in members)),
        )
        for members in sets
    )


def _connected(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    family: dict[int, list[int]] = {}
    for left, right in pairs:
        a, b = family.setdefault(left, [left]), family.setdefault(right, [right])
        if a is not b:
            a.extend(b)
            family.update(dict.fromkeys(b, a))
    return sorted((sorted(members) for members in {id(one): one for one in family.values()}.values()), key=lambda members: members[0])


def _leaks(dataset: Dataset, part_of: NDArray[np.str_], families: Iterable[Family]) -> tuple[str, ...]:
    """Possible only where parts were given; drawn ones keep units on one side."""
    found, unit = [], get(dataset.modality).unit
    for first, second in combinations(PARTS, 2):
        both = [family for family in families if {first, second} <= set(family.parts)]
        if both:
            one, other = (next(name for name, part in zip(both[0].sources, both[0].parts, strict=True) if part == side) for side in (first, second))
            many = f"1 {unit.removesuffix('s')} stands" if len(both) == 1 else f"{len(both):,} {unit} stand"
            found.append(f"{many} in {first} and again in {second} (equal or nearly so), such as {one} and {other}")
        if dataset.groups is not None:
            sides = [{group for group, part in zip(dataset.groups, part_of.tolist(), strict=True) if part == side and group} for side in (first, second)]
            shared = sorted(sides[0] & sides[1])
            if shared:
                found.append(f"{len(shared):,} groups ({dataset.group_name}) stand in {first} and in {second}, such as {shared[0]}")
    return tuple(found)


def _how_small(classes: tuple[ClassCount, ...]) -> tuple[str, str]:
    typical = round(sum(one.train for one in classes) / len(classes))  # on average, as the plan's rules count
    size, deed = next(((word, deed) for limit, word, deed in _SIZES if typical < limit), _LARGEST)
    return size, f"about {typical:,} examples a class to train on: {deed}"


def _counted(faults: Sequence[Fault]) -> str:
    """How many items, and how many folders, which end in a slash."""
    folders = sum(fault.source.endswith("/") for fault in faults)
    return " and ".join(several(n, noun) for n, noun in ((len(faults) - folders, "item"), (folders, "folder")) if n)


def _notes(dataset: Dataset, classes: tuple[ClassCount, ...], families: tuple[tuple[Family, ...], ...], leaks: tuple[str, ...], shorter: int) -> Iterable[str]:
    equal, near, across = families
    unit = get(dataset.modality).unit
    yield from dataset.notes
    if spoken := sentence(languages(dataset)):
        yield spoken
    few, many = min(classes, key=lambda one: one.n), max(classes, key=lambda one: one.n)
    if many.n > IMBALANCE * few.n:
        yield f"unequal classes: {many.name} has {many.n:,} examples, {few.name} {few.n:,}; read balanced accuracy, not accuracy"
    if dataset.faults:
        yield f"left out: {_counted(dataset.faults)}, each named with its reason"
    if equal:
        extra = sum(len(family.sources) - 1 for family in equal)
        repeat = "1 item repeats another" if extra == 1 else f"{extra:,} items repeat others"
        yield f"{repeat} byte for byte; what repeats is kept, on the same side of the split, and counts each time"
    if near:
        members, same = sum(len(family.sources) for family in near), SAME.get(dataset.modality, SAME["image"])
        together = f"{members:,} items in {len(near):,} famil{'y' if len(near) == 1 else 'ies'} {same}"
        yield f"{together}; each family stays on one side of a split that headstart draws"
    if across:
        yield f"{len(across):,} of these families stand{'s' if len(across) == 1 else ''} in more than one class: look at their labels"
    if leaks:
        yield f"the given parts share {unit} or groups: the test will look better than the truth; take the parts away and headstart splits without leaks"
    if dataset.modality == "image" and shorter < TINY_PIXELS:
        yield f"the pictures are small ({shorter} pixels on the shorter side): networks made for 224 pixels see them enlarged"
    if len(set(dataset.modes)) > 1:
        ways = WAYS.get(dataset.modality, "")
        yield f"the {unit} hold {ways} in different ways; if one way belongs to one class, a model may learn that instead"
