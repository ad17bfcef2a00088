"""What to do next: more labels or better ones (``evidence.json``): the learning curve and its extrapolation, likely label errors, duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.evaluation.sentence import number
from headstart.report import sections, values, words
from headstart.report.canvas import CARD, LINE, MUTED, TRANSFER, draw, quiet
from headstart.report.curves import WIDTH
from headstart.report.values import Plain, Span

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

HEIGHT = 310
MOST_PICTURES = 24
MOST_CLASSES = 8  # that need labels most; the others are folded away
MOST_GROUPS = 30
MANY_WRONG = 0.05  # of the labels: well-known test sets have 3.3 % on average (Northcutt, Athalye and Mueller, 2021, *Pervasive Label Errors*)
DUPLICATES = {
    "equal": ("equal", "the same content, byte for byte"),
    "near": ("nearly equal", "the same {unit} but for {difference}"),
    "across_classes": ("with different labels", "the same {unit} filed under two labels: one of them is wrong"),
}
UNITS = {
    "image": {"unit": "picture", "difference": "size, crop or compression"},
    "text": {"unit": "text", "difference": "links, names, numbers, punctuation or a few words"},
    "audio": {"unit": "clip", "difference": "loudness, silence or compression"},
}


def advice(evidence: Plain, folder: Path, modality: str = "image") -> Plain | None:
    """What the section shows, or None when nothing of it was measured.

    Args:
        evidence: What ``evidence.json`` holds.
        folder: The run folder: what lies outside it is not read.
        modality: The kind of data.
    """
    parts = {
        "learning": learning(values.table(evidence.get("learning_curve"))),
        "labels": label_errors(values.table(evidence.get("label_errors")), folder),
        "duplicates": duplicates(values.table(evidence.get("duplicates")), modality),
        "leaking": values.text(values.table(evidence.get("leaking")).get("sentence")) or None,
    }
    return parts if any(part is not None for part in parts.values()) else None


@dataclass(frozen=True)
class Doubled:
    """What twice the labels would reach: a number of labels, and a score with its interval."""

    n: float
    span: Span


def learning(found: Plain) -> Plain | None:
    """The learning curve with its extrapolation, its sentence, and what each class would gain."""
    points = sorted(((n, one) for row in values.rows(found.get("points")) if (one := values.span(row)) and (n := words.as_number(row.get("n")))), key=_first)
    points = [(n, one) for n, one in points if n >= 1]
    now, doubled = values.table(found.get("now")), values.table(found.get("doubled"))
    n_now, value_now, n_doubled = (words.as_number(one) for one in (now.get("n"), now.get("value"), doubled.get("n")))
    gain = values.span(doubled, "gain")
    ahead = None
    if n_now and value_now is not None and n_doubled and gain and n_doubled > n_now >= 1:
        ahead = Doubled(n_doubled, Span(value_now + gain.value / 100, value_now + gain.low / 100, value_now + gain.high / 100))
    said = values.text(found.get("sentence"))
    if not said and len(points) < 2:
        return None
    classes = _classes(values.rows(found.get("classes")))
    return {
        "figure": learning_figure(points, ahead) if len(points) > 1 else None,
        "words": said,
        "classes": classes[:MOST_CLASSES],
        "other_classes": classes[MOST_CLASSES:],
    }


def _first(point: tuple[float, Span]) -> float:
    return point[0]


def _classes(found: Sequence[Plain]) -> list[Plain]:
    """Classes that would gain most first."""
    rows = [(words.as_number(row.get("gain")), row) for row in found]
    rows.sort(key=lambda one: float("inf") if one[0] is None else -one[0])
    most = max([gain for gain, _ in rows if gain is not None] + [1e-9])
    return [
        {
            "name": values.text(row.get("name")),
            "recall": words.percent(recall, 0) if (recall := words.as_number(row.get("recall"))) is not None else values.UNKNOWN,
            "gain": values.UNKNOWN if gain is None else number(gain, signed=True),
            "share": max(0.0, (gain or 0.0) / most),
        }
        for gain, row in rows
    ]


def learning_figure(points: Sequence[tuple[float, Span]], ahead: Doubled | None) -> Markup:
    """Score over the number of labels, each doubling one step; dashed, what twice the labels would be expected to reach.

    Args:
        points: At least two (labels, score), fewest first.
        ahead: The extrapolation.
    """
    counts, scores = [n for n, _ in points], [one.times(100) for _, one in points]
    said = "; ".join(f"{n:.0f} labels: {one.value:.1f} %" for n, one in zip(counts, scores, strict=True))
    further = f"; expected with {ahead.n:.0f}: {100 * ahead.span.value:.1f} % ({100 * ahead.span.low:.1f} to {100 * ahead.span.high:.1f})" if ahead else ""

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.1, 0.18, 0.86, 0.77))
        quiet(axes, left=True)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", color=LINE)
        axes.set_xscale("log", base=2)
        reach = [[one.value - one.low for one in scores], [one.high - one.value for one in scores]]
        axes.errorbar(counts, [one.value for one in scores], yerr=reach, color=TRANSFER, marker="o", markersize=7, linewidth=2.2, elinewidth=2, zorder=3)
        ticks = list(counts)
        if ahead:
            end = ahead.span.times(100)
            axes.fill_between([counts[-1], ahead.n], [scores[-1].value, end.low], [scores[-1].value, end.high], color=TRANSFER, alpha=0.12, linewidth=0)
            axes.plot([counts[-1], ahead.n], [scores[-1].value, end.value], color=TRANSFER, linewidth=2.2, linestyle=(0, (4, 3)), zorder=3)
            axes.plot([ahead.n] * 2, [end.low, end.high], color=TRANSFER, linewidth=2, zorder=3)
            axes.plot([ahead.n], [end.value], marker="o", markersize=8, markeredgewidth=2, color=TRANSFER, markerfacecolor=CARD, zorder=4)
            axes.annotate("if doubled", (ahead.n, end.high), xytext=(0, 7), textcoords="offset points", ha="center", color=MUTED, fontsize=11)
            ticks.append(ahead.n)
        axes.minorticks_off()
        axes.set_xticks(_apart(ticks), [words.count(n) for n in _apart(ticks)])
        axes.locator_params(axis="y", nbins=5, steps=[1, 2, 5, 10])
        axes.margins(x=0.08, y=0.14)
        axes.set_xlabel("labelled items to learn from (each step to the right is a doubling)", fontsize=11.5, labelpad=6)
        axes.set_ylabel("score, %", fontsize=11.5)

    return draw("labels", f"Learning curve. {said}{further}", WIDTH, HEIGHT, paint)


def _apart(ticks: Sequence[float]) -> list[float]:
    """Ticks that leave room for their numbers, counted from the right: at least a third of a doubling apart."""
    kept: list[float] = []
    spread = ticks[-1] / ticks[0]
    for tick in reversed(ticks):
        if not kept or kept[-1] / tick > spread**0.12:
            kept.append(tick)
    return kept[::-1]


def are_many(n: float, n_judged: float) -> bool:
    """Do so many labels look wrong that the models' own mistakes must be a good part of them?"""
    return n > MANY_WRONG * n_judged


def label_errors(found: Plain, folder: Path) -> Plain | None:
    """Items whose label is hard to believe, the least believable first, with what is shown of them; None when nobody looked."""
    rows, n_judged = values.rows(found.get("rows")), words.as_number(found.get("n_judged"))
    if not rows and n_judged is None:
        return None
    shown = [
        {
            "seen": sections.preview(folder, values.text(row.get("file"))),
            "source": values.text(row.get("source")),
            "given": values.text(row.get("given")) or "?",
            "suggested": values.text(row.get("suggested")) or "?",
            "probability": words.as_number(row.get("probability")),
            "given_probability": words.as_number(row.get("given_probability")),
        }
        for row in rows
    ]
    of = f" of {words.count(n_judged)}" if n_judged is not None else ""
    plural = f"{'label' if len(rows) == 1 and not of else 'labels'} {'looks' if len(rows) == 1 else 'look'}"
    said = f"{words.count(len(rows))}{of} {plural} wrong" if rows else f"None{of} labels looks wrong"
    many = n_judged is not None and are_many(len(rows), n_judged)
    return {"many": many, "rows": shown[:MOST_PICTURES], "others": shown[MOST_PICTURES:], "words": said, "any_seen": any(row["seen"] for row in shown)}


def duplicates(found: Plain, modality: str = "image") -> Plain | None:
    """Groups of items that are the same, and what leaks from one side of the split to the other; None when nobody looked."""
    leaks, unit = values.texts(found.get("leaks")), UNITS.get(modality, UNITS["image"])
    kinds = [
        {
            "name": name,
            "what": what.format(**unit),
            "groups": groups[:MOST_GROUPS],
            "n_groups": len(groups),
            "n_items": sum(map(len, groups)),
            "bad": key == "across_classes",
        }
        for key, (name, what) in DUPLICATES.items()
        if (groups := values.groups(found.get(key)))
    ]
    return {"leaks": leaks, "kinds": kinds} if found else None
