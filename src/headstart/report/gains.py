"""Two pictures of the verdict: gains with their intervals around zero, and the score of each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.evaluation import Gain, Measured, Verdict
from headstart.evaluation.metrics import is_lower_better
from headstart.evaluation.sentence import METRIC_WORDS
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
LABEL_ABOVE, LINE_BELOW, TICK_REACH = 12, 11, 14  # CSS pixels from the middle of a row
ARM_WORDS = {
    "transfer": "Transfer",
    "scratch": "Same network from scratch",
    "plain": "Plain model",
    "random": "Same network, frozen random weights",
    "majority": "Always the commonest class",
}
OVER_WORDS = {"scratch": "over the same network from scratch", "plain": "over a plain model", "random": "over frozen random weights"}


@dataclass(frozen=True)
class Row:
    """One interval: where it lies, what it is called, what stands at its right."""

    arm: str
    label: str
    text: str
    value: float
    low: float
    high: float


def gains_figure(verdict: Verdict) -> Markup | None:
    """The gains of transfer over each twin, or None when there is no twin."""
    gains: dict[str, Gain | None] = {arm: getattr(verdict, f"gain_over_{arm}") for arm in OVER_WORDS}
    rows = [
        Row(arm, OVER_WORDS[arm], f"{words.points(gain)}  ({words.gain_ends(gain)})", gain.points, gain.low, gain.high)
        for arm, gain in gains.items()
        if gain is not None
    ]
    if not rows:
        return None
    description = "Gain of transfer in points. " + "; ".join(f"{row.label}: {row.text}" for row in rows)

    height = ROW_HEIGHT * sum(one is not None for one in _measured(verdict).values()) + FOOT_HEIGHT  # as high as its neighbour

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
    rows = [
        Row(
            arm,
            ARM_WORDS[arm],
            f"{words.score(one.value, verdict.metric)}  ({words.ends(one, verdict.metric)})",
            scale * one.value,
            scale * one.low,
            scale * one.high,
        )
        for arm, one in _measured(verdict).items()
        if one is not None
    ]
    name = METRIC_WORDS["en"][verdict.metric]
    height = ROW_HEIGHT * len(rows) + FOOT_HEIGHT
    description = f"{name} {where}. " + "; ".join(f"{row.label}: {row.text}" for row in rows)

    def paint(figure: Figure) -> None:
        axes = _rows(figure, rows, height, margin=0.05, hold=())
        if scale != 1:
            low, high = axes.get_xlim()
            axes.set_xlim(max(0, low), min(100.5, high))
        axes.set_xlabel(f"{name} {where}" + (", per cent" if scale != 1 else ""), fontsize=11.5, labelpad=8)

    return draw("arms", description, WIDTH, height, paint)


def _measured(verdict: Verdict) -> dict[str, Measured | None]:
    return {"transfer": verdict.test, "scratch": verdict.scratch, "plain": verdict.plain, "random": verdict.random, "majority": verdict.majority}


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
        colour, line, label = ARM_COLOURS[row.arm], -place - LINE_BELOW * pixel, -place + LABEL_ABOVE * pixel
        reach = (line - TICK_REACH * pixel, line + TICK_REACH * pixel)
        axes.vlines([tick for tick in axes.get_xticks() if left <= tick <= right], *reach, color=LINE, linewidth=1, zorder=1)
        if mark is not None:
            axes.vlines([mark], *reach, color=INK, linewidth=1.4, zorder=2)
        axes.plot([row.low, row.high], [line] * 2, color=colour, linewidth=3.2, zorder=3)
        axes.plot([row.low, row.high], [line] * 2, linestyle="none", marker="|", markersize=11, markeredgewidth=2, color=colour, zorder=3)
        axes.plot([row.value], [line], marker=ARM_MARKERS[row.arm], markersize=10, color=colour, zorder=4)
        axes.text(0, label, row.label, transform=axes.get_yaxis_transform(), va="center", color=MUTED)
        axes.text(1, label, row.text, transform=axes.get_yaxis_transform(), va="center", ha="right", color=INK)
    return axes
