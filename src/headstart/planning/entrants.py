"""Who may enter the race, in which order, and what it costs: options with their seconds in, entrants and those left out, each with the reason, out.

The seeds' rule of thumb gives the starting order: with little data a new head or the last block or two, with much data everything. The race then
runs by successive halving over validation folds (Jamieson and Talwalkar, 2016): all entrants on the first fold, the better half on the second, the
best two on all. Evidence may overrule the order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from headstart.planning.facts import Facts

Change = float | bool
LITTLE, MUCH = 50, 500  # training items a class: below, layers are retrained only if that pays; above, most of them usually do
SHALLOW_FIRST = ("head", "last", "last2", "half", "all")
MIDDLE_FIRST = ("last2", "last", "head", "half", "all")
DEEP_FIRST = ("all", "half", "last2", "last", "head")
FINALISTS = 2
REFIT = 1.25  # folds' worth: the whole pool is larger than what a fold leaves to fit on


@dataclass(frozen=True)
class Entrant:
    """One way to transfer: a network, where it is cut, and how its suffix is trained.

    Attributes:
        model: Name of the card.
        cut: Number of frozen blocks.
        block: First block that is retrained; ``head`` for none.
        n_blocks: Blocks retrained beside the head; None for all of them.
        seconds: What one fold of it is expected to take.
        changes: Settings of the training that differ from the plan's.
        views: Varied views of each item that it trains on beside the item itself.
        source: ``rule`` (the starting order), ``search`` (a proposal), ``average`` (of two entrants' weights).
    """

    model: str
    cut: int
    block: str
    n_blocks: int | None
    seconds: float
    changes: dict[str, Change] = field(default_factory=dict)
    views: int = 0
    source: Literal["rule", "search", "average"] = "rule"

    @property
    def is_linear(self) -> bool:
        """Is nothing but a new head trained?"""
        return self.n_blocks == 0

    def words(self) -> str:
        """What is retrained, as in a sentence."""
        if self.n_blocks is None:
            return "everything"
        return "the head alone" if self.n_blocks == 0 else "the last block" if self.n_blocks == 1 else f"the last {self.n_blocks} blocks"


def starting_order(facts: Facts) -> tuple[tuple[str, ...], str]:
    """The cuts in the order in which they are tried, and why."""
    per_class = facts.n_train / max(1, len(facts.classes))
    what = f"{per_class:.0f} training items a class"
    if per_class < LITTLE:
        return SHALLOW_FIRST, f"{what}: little data, so first the head and the last block or two; evidence may overrule it"
    if per_class < MUCH:
        return MIDDLE_FIRST, f"{what}: between little and much data, so first the last block or two; evidence may overrule it"
    return DEEP_FIRST, f"{what}: much data, so first everything; evidence may overrule it"


def rungs(n_folds: int) -> tuple[tuple[int, int], ...]:
    """Which folds are run on each rung of the race.

    Example:
        >>> rungs(5), rungs(3), rungs(1)
        (((0, 1), (1, 2), (2, 5)), ((0, 1), (1, 2), (2, 3)), ((0, 1),))
    """
    ends = sorted({1, min(2, n_folds), n_folds})
    return tuple(zip([0, *ends[:-1]], ends, strict=True))


def survivors(n: int, *, last: bool) -> int:
    """How many of n entrants go on to the next rung; at most two to the last one.

    Example:
        >>> survivors(7, last=False), survivors(7, last=True), survivors(1, last=False)
        (4, 2, 1)
    """
    return min(n, FINALISTS) if last else min(n, max(FINALISTS, math.ceil(n / 2)))


def race_seconds(seconds: Sequence[float], n_folds: int) -> float:
    """What a race of entrants costs at most: the dearest are taken to survive, and one of them is fitted once more on everything."""
    dearest, total, steps = sorted(seconds, reverse=True), 0.0, rungs(n_folds)
    alive = len(dearest)
    for number, (begin, end) in enumerate(steps):
        total += (end - begin) * sum(dearest[:alive])
        if number + 1 < len(steps):
            alive = survivors(alive, last=number + 2 == len(steps))
    return total + REFIT * max(dearest, default=0.0)


def admit(options: Sequence[Entrant], seconds: float, n_folds: int) -> tuple[list[Entrant], list[tuple[Entrant, str]]]:
    """Let options enter in their order while the whole race stays within the seconds; the first one always enters.

    Returns:
        Those who enter, and those left out with the reason.
    """
    entered: list[Entrant] = []
    left_out: list[tuple[Entrant, str]] = []
    for option in options:
        price = race_seconds([one.seconds for one in [*entered, option]], n_folds)
        if entered and price > seconds:
            left_out.append((option, f"not tried: with it the race would take {price:.0f} s, it has {seconds:.0f} s"))
        else:
            entered.append(option)
    return entered, left_out
