"""Two pictures of the verdict: gains with their intervals around zero, and the score of each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.evaluation import Gain, Measured, Verdict
from headstart.evaluation.metrics import is_lower_better
from headstart.evaluation.sentence import METRIC_WORDS, in_rounds
from headstart.evaluation.verdict import WORTH_IT
from headstart.report import words
from headstart.report.canvas import ARM_COLOURS, ARM_MARKERS, INK, LINE, MUTED, draw, quiet

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 460
ROW_HEIGHT = 58
FOOT_HEIGHT = 52
NOTE_HEIGHT = 18  # CSS pixels that every row takes more where one of them has a small line under its name
LABEL_ABOVE, LINE_BELOW, TICK_REACH = 12, 11, 14  # CSS pixels from the middle of a row
ARM_WORDS = {
    "transfer": "Transfer",
    "scratch": "Same network from scratch",
    "plain": "Plain model",
    "random": "Same network, frozen random weights",
    "majority": "Always the commonest class",
}
OVER_WORDS = {"scratch": "over the same network from scratch", "plain": "over a plain model", "random": "over frozen random weights"}
FROZEN_TWIN = "a head on frozen random features"  # what the twin is in the rounds where training everything did no better


@dataclass(frozen=True)
class Row:
    """One interval: where it lies, what it is called, what stands at its right, and under its name where it holds for a part only."""

    arm: str
    label: str
    text: str
    value: float
    low: float
    high: float
    note: str = ""

    @property
    def said(self) -> str:
        """The row for those who cannot see it."""
        return f"{self.label}{self.note and ' ' + self.note}: {self.text}"


def arm_words(verdict: Verdict | None) -> dict[str, str]:
    """What each arm is called; a twin that is a head on frozen random features is not called a network from scratch."""
    if verdict is None or not verdict.scratch_frozen:
        return ARM_WORDS
    return ARM_WORDS | {"scratch": f"Twin: {FROZEN_TWIN}{in_rounds(verdict.scratch_rounds)}"}


def shown(verdict: Verdict) -> dict[str, Measured]:
    """The arms that were measured, by name; frozen random weights are left out where the twin is the very same head."""
    measured = {"transfer": verdict.test, "scratch": verdict.scratch, "plain": verdict.plain, "random": verdict.random, "majority": verdict.majority}
    same = (verdict.scratch, verdict.gain_over_scratch) == (verdict.random, verdict.gain_over_random)
    return {arm: one for arm, one in measured.items() if one is not None and not (arm == "random" and verdict.scratch_frozen and same)}


def judged_on(verdict: Verdict, arm: str) -> str:
    """The items that an arm was judged on where a budget left it no time for all of them: ``on 15 of 54 items``, else "".

    The gain over it is over those items.
    """
    one = shown(verdict).get(arm)
    return "" if one is None or one.n >= verdict.test.n else f"on {words.count(one.n)} of {words.count(verdict.test.n)} items"


def _note(verdict: Verdict, arm: str) -> str:
    rounds, items = in_rounds(verdict.scratch_rounds).strip() if arm == "scratch" and verdict.scratch_frozen else "", judged_on(verdict, arm)
    return " ".join(part for part in (rounds, items and f"({items})") if part)


def gains_figure(verdict: Verdict) -> Markup | None:
    """The gains of transfer over each twin, or None when there is no twin."""
    gains: dict[str, Gain | None] = {arm: getattr(verdict, f"gain_over_{arm}") for arm in OVER_WORDS if arm in shown(verdict)}
    over = OVER_WORDS | ({"scratch": f"over {FROZEN_TWIN}"} if verdict.scratch_frozen else {})
    rows = [
        Row(arm, over[arm], f"{words.points(gain)}  ({words.gain_ends(gain)})", gain.points, gain.low, gain.high, _note(verdict, arm))
        for arm, gain in gains.items()
        if gain is not None
    ]
    if not rows:
        return None
    description = "Gain of transfer in points. " + "; ".join(row.said for row in rows)
    height = _height(verdict)

    def paint(figure: Figure) -> None:
        axes = _rows(figure, rows, height, margin=0.12, hold=(0.0, WORTH_IT), mark=0.0)
        axes.set_xlabel("points gained by transfer · right of zero, transfer is better", fontsize=11.5, labelpad=8)

    return draw("gains", description, WIDTH, height, paint)


def arms_figure(verdict: Verdict, where: str = "on the test set") -> Markup:
    """The score of each arm with its interval.

    Args:
        verdict: The scores.
        where: On what they were measured.
    """
    scale = 1 if is_lower_better(verdict.metric) else 100
    called = ARM_WORDS | ({"scratch": f"Twin: {FROZEN_TWIN}"} if verdict.scratch_frozen else {})
    rows = [
        Row(
            arm,
            called[arm],
            f"{words.score(one.value, verdict.metric)}  ({words.ends(one, verdict.metric)})",
            scale * one.value,
            scale * one.low,
            scale * one.high,
            _note(verdict, arm),
        )
        for arm, one in shown(verdict).items()
    ]
    name = METRIC_WORDS["en"][verdict.metric]
    height = _height(verdict)
    description = f"{name} {where}. " + "; ".join(row.said for row in rows)

    def paint(figure: Figure) -> None:
        axes = _rows(figure, rows, height, margin=0.05, hold=())
        if scale != 1:
            low, high = axes.get_xlim()
            axes.set_xlim(max(0, low), min(100.5, high))
        axes.set_xlabel(f"{name} {where}" + (", per cent" if scale != 1 else ""), fontsize=11.5, labelpad=8)

    return draw("arms", description, WIDTH, height, paint)


def _height(verdict: Verdict) -> float:
    """Of both pictures: they stand beside each other."""
    noted = any(_note(verdict, arm) for arm in shown(verdict))
    return (ROW_HEIGHT + NOTE_HEIGHT * noted) * len(shown(verdict)) + FOOT_HEIGHT


def _rows(figure: Figure, rows: Sequence[Row], height: float, margin: float, hold: Sequence[float], mark: float | None = None) -> Axes:
    """One line per interval, its name above it at the left, its numbers above it at the right; no grid line runs through the words."""
    from matplotlib.ticker import MaxNLocator

    axes = figure.add_axes((0.02, FOOT_HEIGHT / height, 0.96, 1 - FOOT_HEIGHT / height))
    ends = [end for row in rows for end in (row.low, row.high)] + list(hold)
    spread = max(max(ends) - min(ends), 1e-6)
    left, right = min(ends) - margin * spread, max(ends) + margin * spread
    axes.set(xlim=(left, right), ylim=(-len(rows) + 0.5, 0.5))
    quiet(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    pixel = len(rows) / (height - FOOT_HEIGHT)
    for place, row in enumerate(rows):
        aside = NOTE_HEIGHT / 2 if row.note else 0
        colour, line, label = ARM_COLOURS[row.arm], -place - (LINE_BELOW + aside) * pixel, -place + (LABEL_ABOVE + aside) * pixel
        reach = (line - TICK_REACH * pixel, line + TICK_REACH * pixel)
        axes.vlines([tick for tick in axes.get_xticks() if left <= tick <= right], *reach, color=LINE, linewidth=1, zorder=1)
        if mark is not None:
            axes.vlines([mark], *reach, color=INK, linewidth=1.4, zorder=2)
        axes.plot([row.low, row.high], [line] * 2, color=colour, linewidth=3.2, zorder=3)
        axes.plot([row.low, row.high], [line] * 2, linestyle="none", marker="|", markersize=11, markeredgewidth=2, color=colour, zorder=3)
        axes.plot([row.value], [line], marker=ARM_MARKERS[row.arm], markersize=10, color=colour, zorder=4)
        axes.text(0, label, row.label, transform=axes.get_yaxis_transform(), va="center", color=MUTED)
        axes.text(0, label - NOTE_HEIGHT * pixel, row.note, transform=axes.get_yaxis_transform(), va="center", color=MUTED, fontsize=11)
        axes.text(1, label, row.text, transform=axes.get_yaxis_transform(), va="center", ha="right", color=INK)
    return axes
