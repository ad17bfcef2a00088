"""How a data set's profile looks to somebody who has never seen one: what to do first, then counts, then what to look at, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from headstart.base.amounts import percent
from headstart.cli.show import facts, table
from headstart.modality import get
from headstart.modality.scripts import WITHOUT_BLANKS

if TYPE_CHECKING:
    from headstart.data import Profile
    from headstart.data.profile import Family

SHOWN = 10  # names of one kind; --json has them all
BAR_WIDTH = 16


def profile_parts(profile: Profile) -> list[RenderableType]:
    """Everything a person needs of a profile, in 80 columns."""
    parts: list[RenderableType] = [facts(f"{profile.n:,} {noun(profile)} in {len(profile.classes)} classes: {profile.size}", list(lines(profile)))]
    parts.append(classes_table(profile))
    if profile.notes:
        parts.append(table("\nLook at", ["", " "], [("·", note) for note in profile.notes], whole=[""]))
    parts += named("\nLeft out", [f"{fault.source}: {fault.reason}" for fault in profile.faults])
    parts += named(f"\nThe same {noun(profile).removesuffix('s')} in more than one class", [family(one) for one in profile.across_classes])
    parts += named("\nEqual byte for byte", [family(one) for one in profile.equal])
    parts += named("\nLook the same", [family(one) for one in profile.near if one not in profile.across_classes])
    return parts


def noun(profile: Profile) -> str:
    """What the items are."""
    return get(profile.modality).unit


def lines(profile: Profile) -> Iterator[tuple[str, object]]:
    """The profile's values that need a line each."""
    yield "advice", profile.advice
    yield "columns", ", ".join(f"{what} from {name}" for what, name in profile.columns.items())
    yield "guessing", f"always saying the largest class would be right {percent(profile.majority)} of the time"
    yield "split", profile.split
    yield "groups", f"{profile.groups:,}" if profile.groups is not None else None
    unspaced = any(mode.split(",")[0] in WITHOUT_BLANKS for mode in profile.modes)
    counted = " (where no blanks stand between words, each character counts as one)" if unspaced else ""
    for measure, seen in profile.measures.items():
        yield measure, f"{seen.low:,} to {seen.high:,}, typically {seen.median:,}{counted if measure == 'words' else ''}"
    yield "written as", ", ".join(f"{mode} {count:,}" for mode, count in profile.modes.items())
    for leak in profile.leaks:
        yield "leak", Text(leak, style="bold red")


def classes_table(profile: Profile) -> RenderableType:
    """A row a class, with a bar: balance is seen, not calculated."""
    most = max(one.n for one in profile.classes)
    columns = ["class", "", "all", "train", "validation", "test"]
    if profile.rounds > 1:
        columns = columns[:3]  # each item is tested in one round and learnt from in the others
    rows = [
        (one.name, Text("█" * max(1, round(BAR_WIDTH * one.n / most)), style="cyan"), one.n, one.train, one.validation, one.test)[: len(columns)]
        for one in profile.classes
    ]
    return table("\nClasses", columns, rows, numbers=columns[2:], whole=[""])


def named(title: str, names: Sequence[str]) -> list[RenderableType]:
    """The first of many names, and how many more there are."""
    if not names:
        return []
    more = [f"... and {len(names) - SHOWN:,} more (--json names them all)"] if len(names) > SHOWN else []
    return [Text(f"{title} ({len(names):,})", style="bold"), Text("\n".join([*names[:SHOWN], *more]))]


def family(one: Family) -> str:
    """A family of look-alikes on one line."""
    more = f" and {len(one.sources) - 3} more" if len(one.sources) > 3 else ""
    return f"{' = '.join(one.sources[:3])}{more}"
