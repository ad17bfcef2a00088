"""How much of it: the race of cuts and settings as a bracket and as rows (``race.json``): who ran how far, who was dropped, who won."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from headstart.base.amounts import several
from headstart.evaluation.metrics import is_lower_better
from headstart.evaluation.sentence import METRIC_WORDS, MINUS
from headstart.report import values, words
from headstart.report.canvas import CARD, INK, LINE, MAJORITY, MUTED, TRANSFER, draw, quiet
from headstart.report.values import Plain

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW_HEIGHT, HEAD_HEIGHT, FOOT_HEIGHT = 820, 27, 34, 46
LABELS, FOLDS, SCORES = (0.0, 0.33), (0.35, 0.66), (0.7, 0.985)  # of the width
MOST_ENTRANTS = 24  # more would be a wall: the table has all
MOST_FOLDS = 20
LONGEST_NAME, LONGEST_SETTINGS = 44, 42
ROOM = 1.6  # of the width of what the finalists take, on either side of them
NOT_TRIED, OUT_OF_TIME = "not tried", "out of time"
SOURCES = {"rule": "the rule", "search": "the search", "average": "average of finalists"}
SETTINGS = {
    "learning_rate": "rate",
    "weight_decay": "decay",
    "l2_sp": "L2-SP",
    "label_smoothing": "smoothing",
    "rate_decay": "rate decay",
    "unfreeze": "unfreezing",
    "contrastive": "contrastive tuning, temperature",
    "lora_rank": "low-rank adapters, rank",
}
NEUTRAL = {"rate_decay": 1.0}  # what says nothing; 0 for the others


def race(found: Plain) -> Plain | None:
    """What the section shows, or None when there was no race.

    Args:
        found: What ``race.json`` holds.
    """
    entrants = [_entrant(row, values.metric_of(found)) for row in values.rows(found.get("rows"))]
    if not entrants:
        return None
    metric = values.metric_of(found)
    run = _ordered([row for row in entrants if not row["outcome"].startswith(NOT_TRIED)], metric)
    n_folds = min(MOST_FOLDS, max([1, int(words.as_number(found.get("folds")) or 1), *(row["n_folds"] for row in run)]))
    drawn = _ordered(sorted(run, key=lambda row: (not row["chosen"], -row["n_folds"]))[:MOST_ENTRANTS], metric)
    return {
        "rows": run,
        "figure": race_figure(drawn, n_folds, metric) if drawn else None,
        "n_hidden": len(run) - len(drawn),
        "not_tried": [row for row in entrants if row["outcome"].startswith(NOT_TRIED)],
        "any_stopped": any(row["stopped"] for row in run),
        "order": values.text(found.get("order")),
        "overruled": values.text(found.get("overruled")),
        "summary": _summary(found, run, n_folds),
        "metric": METRIC_WORDS["en"][metric].split(" (")[0],
    }


def _entrant(row: Plain, metric: str) -> Plain:
    n_folds, spent, loss = (words.as_number(row.get(name)) for name in ("n_folds", "seconds", "log_loss"))
    settings, outcome = values.table(row.get("settings")), values.text(row.get("outcome"))
    chosen = bool(row.get("chosen"))
    return {
        "title": values.text(row.get("title") or row.get("model")) or values.UNKNOWN,
        "cut": cut_text(row),
        "block": values.text(row.get("cut")),
        "source": SOURCES.get(values.text(row.get("source")), values.text(row.get("source"))),
        "settings": setting_words(settings),
        "parts": _setting_parts(settings),
        "n_folds": int(n_folds or 0),
        "span": values.span(row, "score"),
        "score": values.span_words({**row, "value": row.get("score")}, metric),
        "log_loss": values.UNKNOWN if loss is None else f"{loss:.3f}",
        "seconds": values.UNKNOWN if spent is None else words.seconds(spent),
        "outcome": outcome or ("won" if chosen else ""),
        "reason": outcome.removeprefix(NOT_TRIED).lstrip(": "),
        "chosen": chosen,
        "won": chosen or outcome == "won",
        "stayed": outcome in ("won", "finalist"),
        "stopped": outcome.startswith(OUT_OF_TIME),
    }


def cut_text(row: Plain) -> str:
    """What was retrained, in words; the block's name when the number of blocks is not told."""
    cut, n_blocks = values.text(row.get("cut")), words.as_number(row.get("n_blocks"))
    if cut == "head" or n_blocks == 0:
        return "new head only"
    if n_blocks is None:
        return "everything" if "n_blocks" in row or not cut else f"from {cut}"
    return "last block" if n_blocks == 1 else f"last {n_blocks:.0f} blocks"


def setting_words(settings: Plain) -> str:
    """Settings as one line: only what differs from "not used".

    Example:
        >>> setting_words({"learning_rate": 1e-4, "weight_decay": 0.01, "mixup": 0.0, "rate_decay": 1.0})
        'rate 1e−4, decay 0.01'
    """
    return ", ".join(_setting_parts(settings))


def _setting_parts(settings: Plain) -> list[str]:
    said = []
    for name, value in settings.items():
        number = words.as_number(value)
        if value is None or value is False or (number is not None and number == NEUTRAL.get(name, 0.0)):
            continue
        shown = words.anything(value) if number is None else re.sub(r"e-0*", f"e{MINUS}", f"{number:.0e}" if 0 < number < 0.001 else f"{number:.3g}")
        said.append(f"{SETTINGS.get(name, name.replace('_', ' '))} {shown}")
    return said


def _ordered(rows: Sequence[Plain], metric: str) -> list[Plain]:
    """Entrants of one network and cut together; the group that holds the winner first, then by the best score; within a group by folds, then score."""
    sign = -1 if is_lower_better(metric) else 1

    def merit(row: Plain) -> tuple[bool, int, float]:
        return row["won"], row["n_folds"], sign * row["span"].value if row["span"] else float("-inf")

    best: dict[tuple[str, str], tuple[bool, int, float]] = {}
    for row in rows:
        group = (row["title"], row["cut"])
        best[group] = max(merit(row), best.get(group, merit(row)))
    by_merit = sorted(rows, key=merit, reverse=True)
    return sorted(by_merit, key=lambda row: (best[row["title"], row["cut"]], row["title"], row["cut"]), reverse=True)


def _summary(found: Plain, run: Sequence[Plain], n_folds: int) -> str:
    spent, expected = (words.as_number(found.get(name)) for name in ("seconds", "expected_seconds"))
    networks, cuts = (
        several(len({tuple(row[name] for name in names) for row in run}), noun) for names, noun in ((("title",), "network"), (("title", "cut"), "cut"))
    )
    said = f"{several(len(run), 'entrant')} over {networks} and {cuts}, up to {several(n_folds, 'fold')} each"
    if spent is not None:
        said += f", in {words.seconds(spent)}" + ("" if expected is None else f" ({words.seconds(expected)} were expected)")
    return f"{said}."


def race_figure(rows: Sequence[Plain], n_folds: int, metric: str = "accuracy") -> Markup:
    """The bracket: a line per entrant over the folds it ran, and its score with its interval at the right.

    Args:
        rows: Rows of ``race`` that were run, grouped.
        n_folds: Folds of a full run.
        metric: What the score is.
    """
    scale = 1 if is_lower_better(metric) else 100
    lines: list[tuple[str, Plain | None]] = []
    for (title, cut), members in groupby(rows, key=lambda row: (row["title"], row["cut"])):
        group = list(members)
        told = [set(row["parts"]) for row in group if row["parts"]]
        shared = set.intersection(*told) if len(told) > 1 else set()
        lines += [(words.shortened(f"{title} · {cut}", LONGEST_NAME), None), *((_label(row, shared), row) for row in group)]
    height = ROW_HEIGHT * len(lines) + HEAD_HEIGHT + FOOT_HEIGHT
    said = "; ".join(f"{row['title']}, {row['cut']}, {row['settings']}: {row['outcome']}, {row['score'][0]}" for row in rows if row["stayed"] or row["chosen"])

    def paint(figure: Figure) -> None:
        inside = (FOOT_HEIGHT / height, ROW_HEIGHT * len(lines) / height)
        folds, scores = (figure.add_axes((left, inside[0], right - left, inside[1])) for left, right in (FOLDS, SCORES))
        for axes in (folds, scores):
            quiet(axes)
            axes.set_ylim(-len(lines) + 0.5, 0.5)
        folds.set(xlim=(0.6, n_folds + 0.4), xticks=range(1, n_folds + 1))
        folds.spines["bottom"].set_visible(False)
        folds.set_xticklabels([])
        folds.vlines(range(1, n_folds + 1), -len(lines) + 0.5, 0.5, color=LINE, linewidth=1, zorder=0)
        for fold in range(1, n_folds + 1):
            name = f"fold {fold}" if fold == 1 or n_folds <= 6 else str(fold)
            folds.text(fold, 0.8, name, ha="center", va="bottom", color=MUTED, fontsize=11)
        scores.grid(axis="x", color=LINE)
        for place, (label, row) in enumerate(lines):
            left = (LABELS[0] - FOLDS[0]) / (FOLDS[1] - FOLDS[0]) + (0.0 if row is None else 0.05)
            bold = row is None
            weight, colour = ("bold", INK) if bold else ("normal", INK if row and row["won"] else MUTED)
            size = 12.5 if bold else 11.5
            folds.text(left, -place, label, transform=folds.get_yaxis_transform(), va="center", color=colour, fontweight=weight, fontsize=size)
            if row is not None:
                _bracket(folds, row, -place)
                _score(scores, row, -place, scale, _window(rows, scale))
        scores.set_xlim(*_window(rows, scale))
        scores.locator_params(axis="x", nbins=5, steps=[1, 2, 5, 10])
        unit = ", per cent" if scale != 1 else ""
        scores.set_xlabel(f"{METRIC_WORDS['en'][metric]}{unit}", fontsize=11.5, labelpad=6)

    return draw("race", f"The race. Those who ran to the end: {said or 'none'}", WIDTH, height, paint)


def _label(row: Plain, shared: Collection[str]) -> str:
    """The settings that tell an entrant from the others of its group, cut off at the end when they are many."""
    if row["source"] == SOURCES["average"]:
        return SOURCES["average"]
    own = ", ".join(part for part in row["parts"] if part not in shared) or row["settings"] or row["source"] or "usual settings"
    return own if len(own) <= LONGEST_SETTINGS else f"{own[: LONGEST_SETTINGS - 1]}…"


def _colour(row: Plain) -> str:
    return TRANSFER if row["stayed"] or row["chosen"] else MAJORITY


def _bracket(axes: Axes, row: Plain, place: float) -> None:
    """The line of one entrant: a dot a fold; a cross where it was dropped, a triangle where time ran out, a ring for a finalist, a disc for the winner."""
    end, colour = min(max(row["n_folds"], 1), MOST_FOLDS), _colour(row)
    axes.plot([1, end], [place] * 2, color=colour, linewidth=4 if row["won"] else 2, alpha=1 if row["stayed"] else 0.7, zorder=2)
    axes.plot(range(1, end), [place] * (end - 1), linestyle="none", marker="o", markersize=4, color=colour, zorder=3)
    if row["won"]:
        axes.plot([end], [place], marker="o", markersize=11, color=colour, zorder=4)
    elif row["stayed"]:
        axes.plot([end], [place], marker="o", markersize=8, markeredgewidth=2, color=colour, markerfacecolor=CARD, zorder=4)
    elif row["stopped"]:
        axes.plot([end], [place], marker=">", markersize=8, markeredgewidth=2, color=colour, markerfacecolor=CARD, zorder=4)
    else:
        axes.plot([end], [place], marker="x", markersize=7, markeredgewidth=2, color=colour, zorder=4)


def _window(rows: Sequence[Plain], scale: float) -> tuple[float, float]:
    """What the score axis shows: all of those who stayed; of the others as much as leaves these room to be told apart."""
    spans = [(row["span"].times(scale), row["stayed"] or row["chosen"]) for row in rows if row["span"]]
    if not spans:
        return 0.0, 1.0
    held = [one for one, stayed in spans if stayed] or [one for one, _ in spans]
    low, high = min(one.low for one in held), max(one.high for one in held)
    room = ROOM * max(high - low, 1e-6)
    left, right = max(low - room, min(one.low for one, _ in spans)), min(high + room, max(one.high for one, _ in spans))
    margin = 0.07 * max(right - left, 1e-6)
    return left - margin, right + margin


def _score(axes: Axes, row: Plain, place: float, scale: float, window: tuple[float, float]) -> None:
    """The mean score with its interval; one that lies outside the window is an arrow at its edge."""
    if row["span"] is None:
        return
    one, colour = row["span"].times(scale), _colour(row)
    if not window[0] < one.value < window[1]:
        below, width = one.value <= window[0], window[1] - window[0]
        edge, inwards = (window[0], 0.03 * width) if below else (window[1], -0.03 * width)
        axes.plot([edge + inwards / 2], [place], marker="<" if below else ">", markersize=6, color=colour, zorder=3)
        axes.text(edge + 2 * inwards, place, f"{one.value:.3g}", color=MUTED, ha="left" if below else "right", va="center", fontsize=10.5)
        return
    axes.plot([one.low, one.high], [place] * 2, color=colour, linewidth=2.2 if row["stayed"] else 1.4, alpha=1 if row["stayed"] else 0.7, zorder=2)
    axes.plot([one.value], [place], marker="o", markersize=9 if row["won"] else 6, color=colour, zorder=3)
