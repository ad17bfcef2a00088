"""Whether its probabilities can be trusted: calibration, when to hand over to a person, and sets that hold the truth (``evidence.json``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headstart.base import records
from headstart.base.errors import InputError
from headstart.evaluation import Bin
from headstart.report import values, words
from headstart.report.canvas import INK, LINE, MUTED, TRANSFER, draw, quiet
from headstart.report.curves import WIDTH, reliability_figure
from headstart.report.values import Plain

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

HEIGHT = 300
ABOUT_RIGHT = 0.05  # of a temperature, around 1: what it changes cannot be seen
SMALL = 0.005  # of the expected calibration error, 0..1: below this nothing was gained or lost
ROOM = 0.35  # of the spread: an interval that is much wider than the curve may leave the picture


def trust(evidence: Plain, decisions: Sequence[Plain] = ()) -> Plain:
    """What the section shows beside today's reliability diagram; parts that were not measured are None or empty."""
    balanced = any(one.get("name") == "balance" and one.get("value") is True for one in decisions)
    return {
        "calibration": calibration(values.table(evidence.get("calibration")), balanced=balanced),
        "abstention": abstention(values.table(evidence.get("abstention")), words.as_number(values.table(evidence.get("evaluation")).get("rounds")) or 1),
        "conformal": conformal(values.rows(evidence.get("conformal"))),
    }


def calibration(found: Plain, *, balanced: bool = False) -> Plain | None:
    """Reliability before and after the temperature, and what it changed; ``balanced``: classes weighed the same in training."""
    before, after = (values.table(found.get(name)) for name in ("before", "after"))
    bins, raw = _bins(after.get("bins")), _bins(before.get("bins"))
    temperature = words.as_number(found.get("temperature"))
    if not bins or temperature is None:
        return None
    errors = [words.as_number(side.get("error")) for side in (before, after)]
    about_right = abs(temperature - 1) <= ABOUT_RIGHT
    wrong, moved = ("too sure of itself", "softened") if temperature > 1 else ("not sure enough", "sharpened")
    said = f"Uncalibrated, it was {'about right' if about_right else wrong}: its probabilities were {'hardly changed' if about_right else moved} "
    said += f"by a temperature of {temperature:.2f}, fitted on validation."
    if balanced:
        said += (
            " Classes weighed the same in training, so the probability of a rare class is what it would be if all came equally often: higher than its share."
        )
    return {"figure": reliability_figure(bins, raw), "words": said, "errors": _error_words(*errors)}


def _error_words(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    said = f"The mean gap between how sure it is and how often it is right went from {100 * before:.1f} to {100 * after:.1f} points"
    if abs(before - after) < SMALL:
        return f"{said}: no change to speak of."
    return f"{said}." if after < before else f"{said}: on these items the correction did not help."


def _bins(found: Any) -> tuple[Bin, ...]:
    bins = []
    for row in values.rows(found):
        try:
            bins.append(records.from_plain(Bin, row, "evidence.json"))
        except (InputError, OverflowError):  # the rest of the picture is worth more than a complaint about one point of it
            continue
    return tuple(one for one in bins if 0 < one.accuracy.n <= words.LARGEST and all(0 <= share <= 1 for share in _shares(one)))


def _shares(one: Bin) -> tuple[float, ...]:
    return one.low, one.high, one.confidence, one.accuracy.value, one.accuracy.low, one.accuracy.high


@dataclass(frozen=True)
class Point:
    """One point of the abstention curve: answering only when at least ``threshold`` sure."""

    threshold: float
    coverage: float
    accuracy: float


def abstention(found: Plain, n_rounds: float = 1) -> Plain | None:
    """The trade of answers against being right: curve, chosen threshold, and its sentence; None when it was not measured."""
    target, threshold = (words.as_number(found.get(name)) for name in ("target", "threshold"))
    judged = _judged(found)
    numbers = [[words.as_number(row.get(name)) for name in ("threshold", "coverage", "accuracy")] for row in values.rows(found.get("curve"))]
    curve = sorted((Point(*row) for row in numbers if None not in row), key=lambda point: point.coverage)  # type: ignore[arg-type]
    said = abstention_words(found)
    if not said and len(curve) < 2:
        return None
    mark = values.table(judged) if threshold is not None else {}
    drawn = abstention_figure(curve, target, threshold, values.span(mark.get("coverage")), values.span(mark.get("accuracy"))) if len(curve) > 1 else None
    return {"figure": drawn, "words": said, "fitted": _fitted(found, n_rounds) if threshold is not None else ""}


def abstention_words(found: Plain) -> str:
    """The sentence of the chosen threshold, or that none reaches the target; "" when nothing is told."""
    target, threshold = (words.as_number(found.get(name)) for name in ("target", "threshold"))
    if threshold is None:
        if target is None:
            return ""
        share = f"{100 * target:.0f} % of its answers"
        return f"These validation items cannot promise how sure it must be for {share} to be right (too few, or too many sure mistakes): a person should check."
    judged = values.table(_judged(found))
    coverage, accuracy = values.span(judged.get("coverage")), values.around(judged.get("accuracy"))
    said = f"Below {100 * threshold:.0f} % sure it should hand over to a person"
    if threshold <= 0:
        said = "It may answer everything"
    if coverage is None or not accuracy:
        return f"{said}."
    share = f"{100 * coverage.value:.0f}\N{NO-BREAK SPACE}%"
    if judged == values.table(found.get("test")):
        return f"{said}: thresholds so chosen answered {share} of the items that chose none, and were right on {accuracy} of those."
    return f"{said}: it then answers {share} of the items and is right on {accuracy} of those."


def _judged(found: Plain) -> Any:
    """What a threshold did: to test items where some were answered, else to those that chose it."""
    test, answered = found.get("test"), values.span(values.table(values.table(found.get("test")).get("coverage")))
    return test if test and (answered is None or answered.value > 0) else found.get("validation")


def _fitted(found: Plain, n_rounds: float) -> str:
    """On what the threshold was chosen, when the sentence is about other items."""
    target, chosen = words.as_number(found.get("target")), values.table(found.get("validation"))
    coverage, accuracy = values.around(chosen.get("coverage")), values.around(chosen.get("accuracy"))
    if target is None or not found.get("test") or not coverage or not accuracy:
        return ""
    if _judged(found) is not found.get("test"):
        return "It was chosen on these very items: each round had too few to choose a threshold by, so it has been measured on no others."
    measured = values.span(values.table(found.get("test")).get("accuracy"))
    short = f"; on those it falls short of the {100 * target:.0f} % asked for" if measured and measured.high < target else ""
    there = f"there it answered {coverage} and was right on {accuracy}"
    tested = "test items" if n_rounds <= 1 else f"the items that each of {n_rounds:.0f} rounds had set aside, with a threshold that it chose without them"
    return f"The threshold was chosen on validation so that {100 * target:.0f} % are right; {there}. The sentence above is about {tested}{short}."


def abstention_figure(
    curve: Sequence[Point], target: float | None, threshold: float | None, coverage: values.Span | None, accuracy: values.Span | None
) -> Markup:
    """How often it is right among the items it answers, over the share of items it answers.

    Args:
        curve: At least two points, by coverage.
        target: Share 0..1 that should be right, a dashed line; None = none was asked.
        threshold: The chosen one.
        coverage: Measured share of items it then answers.
        accuracy: Measured share that is right of those.
    """
    answered, right = [100 * point.coverage for point in curve], [100 * point.accuracy for point in curve]
    said = f"from {right[-1]:.0f} % right when it answers {answered[-1]:.0f} % of the items to {right[0]:.0f} % when it answers {answered[0]:.0f} %"

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.11, 0.18, 0.86, 0.76))
        quiet(axes, left=True)
        axes.spines["left"].set_visible(False)
        axes.grid(color=LINE)
        axes.plot(answered, right, color=TRANSFER, linewidth=2.4, zorder=2)
        marked = [100 * target] if target is not None else []
        if target is not None:
            axes.axhline(100 * target, color=MUTED, linewidth=1.2, linestyle=(0, (3, 3)))
            beside = abs(right[0] - 100 * target) < abs(
                right[-1] - 100 * target
            )  # the curve begins nearer to the line than it ends: the words stand at the end
            place: tuple[float, Literal["left", "right"]] = (102, "right") if beside else (1, "left")
            axes.text(place[0], 100 * target, f"{100 * target:.0f} % asked for", ha=place[1], va="bottom", color=MUTED, fontsize=10.5)
        if coverage is not None and accuracy is not None and threshold is not None:
            x, y = 100 * coverage.value, 100 * accuracy.value
            axes.plot([x, x], [100 * accuracy.low, 100 * accuracy.high], color=INK, linewidth=2, zorder=3)
            axes.plot([x], [y], marker="o", markersize=11, color=INK, zorder=4)
            right_side = x < 60
            axes.text(
                x + (2.5 if right_side else -2.5),
                y,
                f"{100 * threshold:.0f} % sure",
                ha="left" if right_side else "right",
                va="top",
                color=INK,
                fontweight="bold",
            )
            marked.append(y)
        low = min([*right, *marked])
        spread = max(100 - low, 2)
        axes.set(xlim=(0, 102), ylim=(max(-3, low - ROOM * spread), 100 + 0.08 * spread), xticks=[0, 25, 50, 75, 100])
        axes.locator_params(axis="y", nbins=5, steps=[1, 2, 5, 10])
        axes.set_xlabel("items that it answers, %", fontsize=11.5, labelpad=6)
        axes.set_ylabel("right, of those, %", fontsize=11.5)

    return draw("abstention", f"Answering only when sure: {said}", WIDTH, HEIGHT, paint)


def conformal(found: Sequence[Plain]) -> list[Plain]:
    """Sets that hold the truth as often as asked: asked, measured, how large."""
    shown = []
    for row in found:
        asked, size = words.as_number(row.get("coverage")), words.as_number(row.get("mean_size"))
        if asked is None:
            continue
        measured = values.span(row.get("measured"))
        shown.append(
            {
                "asked": words.percent(asked, 0),
                "measured": values.span_words(row.get("measured")),
                "size": values.UNKNOWN if size is None else f"{size:.2f}",
                "short": measured is not None and measured.high < asked,
            }
        )
    return shown
