"""Labels that a person had better look at before they are classes: names in, sentences out; they are classes all the same."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Collection
from pathlib import Path

from headstart.data.listing import in_order

# How spreadsheets, pandas and databases write a cell that nobody filled; "none" may be meant as a class, so it is only pointed out.
MISSING = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "null", "nil", "none", "无", "空", "缺失"})
SHOWN = 5  # of one kind; the rest is counted


THE_WORD, BACKGROUND = frozenset({"positive", "wake", "keyword"}), frozenset({"background", "noise"})  # labels of both: what a wake word is taught from
OTHER_WORDS = frozenset({"negative", "other", "unknown"})


def is_wake_word(labels: Collection[str]) -> bool:
    """Are these the labels of a wake word?"""
    names = {label.lower() for label in labels}
    return bool(names & THE_WORD and names & BACKGROUND and names <= THE_WORD | BACKGROUND | OTHER_WORDS)


def is_other_sound(label: str) -> bool:
    """Is it no label of the word itself? Its recordings may be hours long."""
    return label.lower() not in THE_WORD


def teach(path: Path) -> str:
    """The line that teaches a wake word."""
    return f"headstart fit {shlex.quote(str(path))} --task keyword"


def wake_word(path: Path, labels: Collection[str]) -> tuple[str, ...]:
    """What to tell a person whose recordings are laid out as a wake word's, so that it is not taken for three classes unawares."""
    said = f"the labels are those of a wake word: to teach one, {teach(path)}; without that they are classes like any others"
    return (said,) if is_wake_word(labels) else ()


def to_look_at(labels: Collection[str]) -> tuple[str, ...]:
    """What to tell a person of class names that may be slips.

    Args:
        labels: Names, each once or often.

    Example:
        >>> to_look_at(["TRUE", "true", "NA"])[0]
        'labels that differ only in case, blanks or width are classes of their own: TRUE and true; if they mean the same, write them alike'
    """
    names = in_order(set(labels))
    spelt: dict[str, list[str]] = {}
    for name in names:
        spelt.setdefault(" ".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    alike = [" and ".join(family) for family in spelt.values() if len(family) > 1]
    missing = [name for name in names if unicodedata.normalize("NFKC", name).casefold().strip() in MISSING]
    notes = []
    if alike:
        notes.append(f"labels that differ only in case, blanks or width are classes of their own: {_some(alike)}; if they mean the same, write them alike")
    if missing:
        notes.append(f"labels that look as if one were missing are classes too: {_some(missing)}; if nobody knows the label, leave the cell empty")
    return tuple(notes)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
