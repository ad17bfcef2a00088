"""What cannot be learnt from is refused before anything expensive, all faults at once: a listing and what is left of it in, nothing or a refusal out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from headstart.base.errors import Fault, InputError
from headstart.data import folders, metadata
from headstart.data.listing import PARTS, Listing, in_order

CONFLICT = "the same content has two labels"
CONFLICT_SHARE_MAX = 0.1  # beyond this it is not a slip: the data set means several labels a picture
SHOWN = 10  # faults that a refusal names; the rest is counted


def nothing(root: Path, listing: Listing) -> None:
    """Refuse a data set without a single item.

    Raises:
        InputError: with what stands there instead.
    """
    if listing.sources:
        return
    details, fix = _named(listing.faults), "a data set is a folder of class folders: DATA/cat/1.jpg, DATA/dog/2.jpg"
    inner = [folder for folder in folders.subfolders(root) if len(folders.subfolders(folder)) > 1] if root.is_dir() else []
    tables = sorted(path for path in root.glob("*") if path.suffix.lower() in metadata.SUFFIXES) if root.is_dir() else []
    if inner or tables:
        fix = f"headstart inspect {(inner or tables)[0]}"
    raise InputError(f"{root} holds no pictures in class folders", details=details, fix=fix)


def unfit(root: Path, listing: Listing, kept: Sequence[int], faults: Sequence[Fault], minimum: int) -> None:
    """Refuse a data set with too few classes, too few examples, or too many contradictions.

    Raises:
        InputError: with all of them.
    """
    counts = Counter(listing.labels[index] for index in kept)
    claimed = Counter(listing.labels)
    wrong = _contradictions(faults, len(listing.sources)) + _classes(root, counts) + _examples(counts, claimed, minimum)
    if listing.parts is not None and not wrong:
        wrong = _parts(listing, kept, in_order(counts))
    if wrong:
        raise InputError(f"{root} cannot be learnt from", details=[*wrong, *_named(faults)])


def _contradictions(faults: Sequence[Fault], n: int) -> list[str]:
    found = sum(fault.reason.startswith(CONFLICT) for fault in faults)
    if found <= CONFLICT_SHARE_MAX * n:
        return []
    return [
        f"{found:,} of {n:,} items stand under two labels with the same content; fix: keep one class a picture (several labels a picture are not learnt yet)"
    ]


def _classes(root: Path, counts: Counter[str]) -> list[str]:
    if len(counts) >= 2:
        return []
    only = next(iter(counts), "")
    said = f"only one class, {only}" if only else "no readable picture in any class"
    inner = [folder for folder in folders.subfolders(root) if len(folders.subfolders(folder)) > 1] if root.is_dir() else []
    fix = f"headstart inspect {inner[0]}" if inner else "put each class into a folder of its own below the data set's folder"
    return [f"{said}; at least two are needed to tell apart; fix: {fix}"]


def _examples(counts: Counter[str], claimed: Counter[str], minimum: int) -> list[str]:
    few = [name for name in in_order(claimed) if counts[name] < minimum]
    broken = {name: claimed[name] - counts[name] for name in few}
    return [
        f"class {name} has {counts[name]} readable examples{f' (and {broken[name]} left out)' if broken[name] else ''}, at least {minimum} are needed; "
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
