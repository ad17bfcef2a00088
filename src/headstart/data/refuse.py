"""What cannot be learnt from is refused before anything expensive, all faults at once: a listing and what is left of it in, nothing or a refusal out."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from headstart.base import amounts
from headstart.base.errors import Fault, InputError
from headstart.data import folders, separated
from headstart.data.listing import PARTS, Listing, in_order
from headstart.modality import Modality

CONFLICT = "the same content has two labels"
CONFLICT_SHARE_MAX = 0.1  # beyond this it is not a slip: the data set means several labels an item
MOST_CLASSES = 20  # numbers that are classes are few: stars, digits, the ten or twenty of a benchmark
LEAST_TYPICAL = 10  # items a class, on average, from which on many numbers may well be classes
LAYOUTS = {
    "image": "a data set is a folder of class folders: DATA/cat/1.jpg, DATA/dog/2.jpg",
    "text": "a data set is a table with a column of texts and one of labels, or a folder of class folders: DATA/praise/1.txt, DATA/blame/2.txt",
    "audio": "a data set is a folder of class folders: DATA/yes/1.wav, DATA/no/2.wav",
}
ONE_CLASS = {"texts": "name the column of the class: --label COLUMN"}
STEP_SECONDS = 5  # in which a budget is advised
SHOWN = 10  # faults that a refusal names; the rest is counted


def nothing(root: Path, listing: Listing, kind: Modality) -> None:
    """Refuse a data set without a single item.

    Raises:
        InputError: with what stands there instead.
    """
    if listing.sources:
        return
    details, fix = _named(listing.faults), _inspect_inside(root) or LAYOUTS.get(kind.name, LAYOUTS["image"])
    where = "no rows with a text and a label" if kind.name == "text" and root.is_file() else f"no {kind.unit} in class folders"
    raise InputError(f"{root} holds {where}", details=details, fix=fix)


def column_of_texts(text: str | None, kind: Modality) -> None:
    """Refuse a column of texts where something else is read: it would be passed over in silence.

    Raises:
        InputError: when one is named.
    """
    if text is not None and kind.name != "text":
        raise InputError(f"--text names a column of texts, and here {kind.unit} are read", got=text, fix="leave --text out")


def _inspect_inside(root: Path) -> str:
    """Inside a folder: the command that looks at the first folder of class folders, else at the first table, where labels may stand; "" where neither lies."""
    if not root.is_dir():
        return ""
    inner = [folder for folder in folders.subfolders(root) if len(folders.subfolders(folder)) > 1]
    tables = sorted(path for path in root.glob("*") if path.suffix.lower() in separated.SUFFIXES and path.is_file())
    return f"headstart inspect {shlex.quote(str((inner or tables)[0]))}" if inner or tables else ""


def too_slow(needed: float, left: float, budget: float, unit: str) -> NoReturn:
    """Refuse data that take longer to read than a budget leaves for it.

    Args:
        needed: Seconds that reading the rest still takes, by what it has taken so far.
        left: Seconds that are left for it.
        budget: What the user gave for everything.
        unit: What the items are called.

    Raises:
        InputError: with the budget that would do.
    """
    got = f"about {amounts.seconds(needed)} more to read these {unit}, {amounts.seconds(max(0.0, left))} of {budget:g} s left for that"
    details = ["what has been read by now is remembered, and is not read again"]
    raise InputError("--budget ends before the data are read", got=got, details=details, fix=f"--budget {enough(budget + needed - left)} or more")


def enough(seconds: float) -> str:
    """A budget as one types it, rounded up.

    Example:
        >>> enough(61.2)
        '65s'
    """
    return f"{math.ceil(seconds / STEP_SECONDS) * STEP_SECONDS:g}s"


def numbers(root: Path, listing: Listing) -> None:
    """Refuse a column of labels that are measurements, or as good as names of the items: neither are classes. Folders are, whatever their names.

    Raises:
        InputError: with the first of them.
    """
    distinct = set(listing.labels)
    n = len(listing.labels)
    if len(distinct) <= MOST_CLASSES or len(distinct) * LEAST_TYPICAL <= n:
        return
    shown = ", ".join(in_order(distinct)[:5])
    if all(_is_number(name) for name in distinct):
        fix = "make classes of them (low, middle, high), or name another column: --label COLUMN"
        raise InputError(f"{root}: the labels are numbers, {len(distinct):,} different ones in {n:,} rows; headstart learns classes", got=shown, fix=fix)
    if len(distinct) > n / 2:
        fix = "name the column of the class: --label COLUMN"
        raise InputError(f"{root}: nearly every row has a label of its own ({len(distinct):,} different ones in {n:,})", got=shown, fix=fix)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def unfit(root: Path, listing: Listing, kept: Sequence[int], faults: Sequence[Fault], minimum: int, unit: str) -> None:
    """Refuse a data set with too few classes, too few examples, or too many contradictions.

    Raises:
        InputError: with all of them.
    """
    counts = Counter(listing.labels[index] for index in kept)
    claimed = Counter(listing.labels)
    wrong = _contradictions(faults, len(listing.sources), unit) + _classes(root, counts, unit) + _examples(counts, claimed, minimum)
    if listing.parts is not None and not wrong:
        wrong = _parts(listing, kept, in_order(counts))
    if wrong:
        raise InputError(f"{root} cannot be learnt from", details=[*wrong, *_named(faults)])


def unreadable(root: Path, faults: Sequence[Fault], unit: str) -> NoReturn:
    """Refuse a data set of which nothing can be read.

    Raises:
        InputError: always, with what is wrong with the first items.
    """
    raise InputError(f"{root} holds no readable {unit}", details=_named(faults))


def _contradictions(faults: Sequence[Fault], n: int, unit: str) -> list[str]:
    found = sum(fault.reason.startswith(CONFLICT) for fault in faults)
    if found <= CONFLICT_SHARE_MAX * n:
        return []
    return [f"{found:,} of {n:,} {unit} stand under two labels with the same content; fix: keep one class for each (several labels at once are not learnt yet)"]


def _classes(root: Path, counts: Counter[str], unit: str) -> list[str]:
    if len(counts) >= 2:
        return []
    only = next(iter(counts), "")
    said = f"only one class, {only}" if only else f"no readable {unit.removesuffix('s')} in any class"
    fix = _inspect_inside(root) or ONE_CLASS.get(unit if root.is_file() else "", "put each class into a folder of its own below the data set's folder")
    return [f"{said}; at least two are needed to tell apart; fix: {fix}"]


def _examples(counts: Counter[str], claimed: Counter[str], minimum: int) -> list[str]:
    few = [name for name in in_order(claimed) if counts[name] < minimum]
    broken = {name: f" (and {claimed[name] - counts[name]} left out)" if claimed[name] > counts[name] else "" for name in few}
    return [
        f"class {name} has {counts[name]} readable {'example' if counts[name] == 1 else 'examples'}{broken[name]}, at least {minimum} are needed; "
        "fix: add some, or take the class out"
        for name in few
    ]


def _parts(listing: Listing, kept: Sequence[int], classes: Sequence[str]) -> list[str]:
    """A class must be learnt from and tested: name those that a given part lacks."""
    assert listing.parts is not None
    present: dict[str, set[str]] = {part: set() for part in PARTS}
    for index in kept:
        present[listing.parts[index]].add(listing.labels[index])
    if not present["train"]:
        return ["no item belongs to train; fix: name one part train"]
    return [
        f"class {name} has no example in {part}; fix: put some there, or take the train / validation / test folders or column away and let headstart split"
        for part in PARTS
        for name in classes
        if present[part] and name not in present[part]
    ]


def _named(faults: Sequence[Fault]) -> list[str]:
    rest = [f"… and {len(faults) - SHOWN:,} more"] if len(faults) > SHOWN else []
    return [f"left out: {fault.source}: {fault.reason}" for fault in faults[:SHOWN]] + rest
