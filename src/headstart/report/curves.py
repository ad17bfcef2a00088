"""Pictures of learning and of trust: learning curves over seconds, the reliability diagram, the confusion of many classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation.calibration import Bin
from headstart.report import words
from headstart.report.canvas import ARM_COLOURS, ARM_MARKERS, CARD, INK, LINE, MAJORITY, MUTED, SCRATCH, TRANSFER, draw, quiet

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 460, 280
ARMS = {"transfer": "transfer", "scratch": "from scratch"}
SAME_TIME = 0.1  # of the longer training: an epoch is not cut short
FAR_APART = 8  # times longer: on a scale of equal steps the shorter training would be a line straight up
MANY_MARKERS = 25  # more epochs than this are drawn as a line only
MAP_RED, MAP_GREEN, MAP_BLUE = 0.13, 0.55, 0.51  # a teal that reads on white and on black


def curve_figure(history: Mapping[str, Any], quantity: str, label: str, scale: float = 1.0) -> Markup | None:
    """One quantity of both networks over the seconds of their training, or None where the transfer arm has no curve: fewer than two points of it."""
    lines = {arm: _line(history.get(arm), quantity, scale) for arm in ARMS}
    drawn = {arm: line for arm, line in lines.items() if line}
    if len(lines["transfer"]) < 2:
        return None
    ends = [line[-1][0] for line in drawn.values()]
    far_apart = min(line[0][0] for line in drawn.values()) > 0 and max(ends) > FAR_APART * min(ends)
    last = "; ".join(f"{ARMS[arm]} ends at {line[-1][1]:.3g} after {line[-1][0]:.0f} seconds" for arm, line in drawn.items())

    def paint(figure: Figure) -> None:
        axes = _axes(figure)
        for arm, line in drawn.items():
            marker = ARM_MARKERS[arm] if len(line) <= MANY_MARKERS else None
            style = "-" if arm == "transfer" else (0, (5, 2))
            seconds, values = zip(*line, strict=True)
            axes.plot(seconds, values, color=ARM_COLOURS[arm], marker=marker, markersize=5, linewidth=2.2, linestyle=style, label=ARMS[arm])
        if far_apart:
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.xaxis.set_major_formatter(lambda seconds, _: f"{seconds:g}")
        else:
            axes.set_xlim(left=0)
            axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])
        axes.locator_params(axis="y", nbins=6, steps=[1, 2, 5, 10])
        axes.margins(y=0.12)
        axes.set_xlabel("seconds of training" + (", each step ten times as many" if far_apart else ""), fontsize=11.5, labelpad=6)
        axes.set_title(label, loc="left", fontsize=14, fontweight="bold", color=INK, pad=36, x=-0.1)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.13, 1.03), ncols=2, labelcolor=INK, borderpad=0, handlelength=2.4)

    return draw(quantity, f"{label} over seconds of training: {last}", WIDTH, HEIGHT, paint)


def had_same_time(history: Mapping[str, Any], quantity: str = "validation_loss") -> bool:
    """Whether both networks' curves end after about as many seconds."""
    ends = [line[-1][0] for arm in ARMS if (line := _line(history.get(arm), quantity, 1.0))]
    return len(ends) == len(ARMS) and max(ends) - min(ends) <= SAME_TIME * max(ends)


def reliability_figure(bins: Sequence[Bin], before: Sequence[Bin] = ()) -> Markup:
    """How sure the model was against how often it was right; below it, how many items each point stands for.

    Args:
        bins: Of the probabilities that the user gets.
        before: Of the probabilities before they were corrected; none = they were not.
    """
    sure, right, reach = _points(bins)
    description = "Reliability. " + "; ".join(f"{s:.0f} % sure: {r:.0f} % right ({one.accuracy.n} items)" for s, r, one in zip(sure, right, bins, strict=True))

    def paint(figure: Figure) -> None:
        above, below = figure.add_axes((0.11, 0.4, 0.86, 0.5 if before else 0.57)), figure.add_axes((0.11, 0.15, 0.86, 0.17))
        for axes in (above, below):
            quiet(axes, left=True)
            axes.set_xlim(0, 102)
            axes.spines["left"].set_visible(False)
        above.grid(color=LINE)
        above.plot([0, 100], [0, 100], color=MUTED, linewidth=1.2, linestyle=(0, (3, 3)))
        if before:
            raw_sure, raw_right, _ = _points(before)
            above.plot(
                raw_sure,
                raw_right,
                color=SCRATCH,
                marker="s",
                markersize=6,
                markerfacecolor=CARD,
                markeredgewidth=1.8,
                linestyle=":",
                label="before correction",
            )
        above.errorbar(sure, right, yerr=reach, color=TRANSFER, fmt="o", markersize=7, elinewidth=2.2, zorder=3, label="after")
        if before:
            above.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, labelcolor=INK, borderpad=0, handlelength=2.2)
        above.set(ylim=(-3, 103), yticks=[0, 25, 50, 75, 100], xticks=[0, 25, 50, 75, 100])
        above.set_xticklabels([])
        above.set_ylabel("right, %", fontsize=11.5)
        below.bar([50 * (one.low + one.high) for one in bins], [one.accuracy.n for one in bins], width=8.6, color=MAJORITY, alpha=0.55)
        below.set_yticks([])
        below.set(xticks=[0, 25, 50, 75, 100])
        below.set_ylabel("items", fontsize=11.5, labelpad=24)
        below.set_xlabel("how sure the model was, %", fontsize=11.5, labelpad=6)

    return draw("reliability", description, WIDTH, 360, paint)


def _points(bins: Sequence[Bin]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sureness, accuracy (n,) and the reach of its interval (2, n), in per cent."""
    sure = np.array([one.confidence for one in bins]) * 100
    right = np.array([one.accuracy.value for one in bins]) * 100
    reach = np.array([[one.accuracy.value - one.accuracy.low, one.accuracy.high - one.accuracy.value] for one in bins]).reshape(-1, 2).T * 100
    return sure, right, reach


def confusion_figure(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Markup:
    """The confusion matrix of many classes as a map: row = truth, column = prediction, darker = a larger share of the row."""
    counts = np.asarray(confusion, float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pixels = np.dstack([np.full_like(share, MAP_RED), np.full_like(share, MAP_GREEN), np.full_like(share, MAP_BLUE), np.sqrt(share)])
    side, named = 560, len(classes) <= 40

    def paint(figure: Figure) -> None:
        edge = 0.22 if named else 0.08
        axes = figure.add_axes((edge, edge, 0.98 - edge, 0.98 - edge))
        axes.imshow(pixels, interpolation="nearest", aspect="auto")
        axes.tick_params(length=0, labelsize=9)
        if named:
            names = [words.shortened(name) for name in classes]
            axes.set_xticks(range(len(names)), names, rotation=90)
            axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("predicted", fontsize=11.5)
        axes.set_ylabel("truth", fontsize=11.5)

    return draw(
        "confusion",
        f"Confusion matrix of {len(classes)} classes; the share on the diagonal is {words.percent(float(np.mean(np.diag(share))), 0)}",
        side,
        side,
        paint,
    )


def _axes(figure: Figure) -> Axes:
    axes = figure.add_axes((0.1, 0.17, 0.88, 0.62))
    quiet(axes, left=True)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color=LINE)
    return axes


def _line(epochs: Any, quantity: str, scale: float) -> list[tuple[float, float]]:
    if not isinstance(epochs, list):
        return []
    pairs = [(epoch.get("seconds"), epoch.get(quantity)) for epoch in epochs if isinstance(epoch, dict)]
    return [(float(seconds), scale * float(value)) for seconds, value in pairs if isinstance(seconds, (int, float)) and isinstance(value, (int, float))]
