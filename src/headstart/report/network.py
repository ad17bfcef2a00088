"""Which network: the ranking of the gallery as rows and one figure (``ranking.json``): prior, evidence, price, and what all of it lets one expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headstart.evaluation.metrics import is_lower_better
from headstart.evaluation.sentence import METRIC_WORDS
from headstart.report import values, words
from headstart.report.canvas import CARD, INK, LINE, MAJORITY, MUTED, TRANSFER, draw, quiet
from headstart.report.values import UNKNOWN, Plain, Span

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

WIDTH, ROW_HEIGHT, FOOT_HEIGHT = 460, 40, 50
LABEL_SHARE = 0.43  # of the width: the names
LONGEST_NAME = 26
LEAST_UNKNOWN = 0.005  # share of unknown tokens below which it is not worth a word
TINY = 0.1  # milliseconds


def ranking(found: Plain) -> Plain | None:
    """What the section shows, or None when no ranking was made.

    Args:
        found: What ``ranking.json`` holds.
    """
    rows = values.rows(found.get("rows"))
    if not rows:
        return None
    metric = values.metric_of(found)
    sign = -1 if is_lower_better(metric) else 1
    expected = [values.span(row.get("expected")) or values.span(row.get("probe")) for row in rows]
    order = sorted(range(len(rows)), key=lambda place: -sign * expected[place].value if expected[place] else float("inf"))  # type: ignore[union-attr]
    pick, prior_pick = found.get("pick"), found.get("prior_pick")
    shown = [_row(rows[place], metric, pick, prior_pick) for place in order]
    spans = [expected[place] for place in order]
    return {
        "rows": shown,
        "figure": ranking_figure([(row, one) for row, one in zip(shown, spans, strict=True) if one], metric) if any(spans) else None,
        "why": values.text(found.get("why")),
        "prior_words": _prior_words(shown),
        "left_out": [(values.text(row.get("model")), values.text(row.get("why"))) for row in values.rows(found.get("left_out"))],
        "benchmarks": sorted({values.text(values.table(row.get("prior")).get("metric")) for row in rows} - {""}),
    }


def _row(row: Plain, metric: str, pick: object, prior_pick: object) -> Plain:
    prior, related = values.table(row.get("prior")), values.table(row.get("relatedness"))
    published, logme, spent = (words.as_number(one) for one in (prior.get("value"), row.get("logme"), row.get("ms_per_item")))
    model, n_parameters = row.get("model"), words.as_number(row.get("n_parameters"))
    size = words.as_number(row.get("bytes"))
    costs = [
        f"{words.size(size)}{f', {n_parameters / 1e6:.1f} M weights' if n_parameters is not None else ''}" if size is not None else "",
        f"{'under 0.1' if spent < TINY else f'{spent:.1f}' if spent < 10 else f'{spent:.0f}'} ms an item" if spent is not None else "",
    ]
    price = values.text(row.get("price"))
    return {
        "title": values.text(row.get("title") or model) or UNKNOWN,
        "chosen": bool(row.get("chosen")) or (model is not None and model == pick),
        "tied": bool(row.get("tied")),
        "ahead": bool(row.get("ahead")),
        "published_best": model is not None and model == prior_pick,
        "published": _prior_value(published),
        "published_on": values.text(prior.get("source")),
        "nearest": _share(row.get("nearest")),
        "nearest_middle": _share(row.get("nearest_middle")),
        "probe": values.span_words(row.get("probe"), metric),
        "probe_middle": values.span_words(row.get("probe_middle"), metric)[0],
        "logme": UNKNOWN if logme is None else _signed(logme),
        "logme_middle": _signed(words.as_number(row.get("logme_middle"))),
        "h_score": _signed(words.as_number(row.get("h_score"))),
        "h_score_middle": _signed(words.as_number(row.get("h_score_middle"))),
        "related": values.text(related.get("words")) or "unknown",
        "source": _source(related),
        "licence": values.text(row.get("licence")) or words.NOT_RECORDED,
        "price": "" if price in ("0", "free", words.NOT_RECORDED) else price,
        "costs": [cost for cost in costs if cost],
        "expected": values.span_words(row.get("expected"), metric),
        "seconds": words.as_number(row.get("seconds")),
        "why": values.text(row.get("why")),
    }


def _source(related: Mapping[str, object]) -> str:
    """What a model was trained on, and how its vocabulary fits where it has one."""
    source, vocabulary = values.text(related.get("source")), values.table(related.get("vocabulary"))
    pieces, unknown = (words.as_number(vocabulary.get(name)) for name in ("pieces_a_word", "unknown"))
    if pieces is None or unknown is None:
        return source
    return f"{source}; {pieces:.1f} tokens a word{f', {words.percent(unknown, 0)} unknown' if unknown >= LEAST_UNKNOWN else ''}"


def _share(found: object) -> str:
    value = words.as_number(found)
    return UNKNOWN if value is None else words.percent(value)


def _prior_value(value: float | None) -> str:
    """A share 0..1 in per cent; anything else (an index, a rank) as it is."""
    if value is None:
        return UNKNOWN
    return words.percent(value) if 0 <= value <= 1 else words.anything(value)


def _signed(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _prior_words(rows: list[Plain]) -> str:
    """Whether looking at the data changed the pick; of a single network there is nothing to say."""
    if len(rows) == 1:
        return "It is the only network that was looked at: nothing was compared."
    chosen, published = (next((row["title"] for row in rows if row[mark]), None) for mark in ("chosen", "published_best"))
    if chosen is None or published is None:
        return ""
    tied = next(row["tied"] for row in rows if row["published_best"])
    if chosen == published:
        said = ": your data confirmed it."
        if any(row["ahead"] for row in rows):
            said = ", although on your data another probed better by more than chance."
        elif any(row["tied"] for row in rows):
            said = "; your data cannot tell it from others."
        return f"Published accuracy alone would have picked {published} too{said}"
    verdict = f"on your data it is tied with {chosen}" if tied else f"your data says {chosen}"
    return f"Published accuracy alone would have picked {published}; {verdict}."


def ranking_figure(rows: list[tuple[Plain, Span]], metric: str = "accuracy") -> Markup:
    """What each network lets one expect on this data: a dot with its interval a network, the band is the pick's own interval.

    Args:
        rows: Rows of ``ranking`` with what is expected of each, the best first.
        metric: What is expected.
    """
    scale = 1 if is_lower_better(metric) else 100
    height = ROW_HEIGHT * len(rows) + FOOT_HEIGHT
    spans = [one.times(scale) for _, one in rows]
    said = "; ".join(f"{row['title']}: {row['expected'][0]} ({row['expected'][1]}){', chosen' if row['chosen'] else ''}" for row, _ in rows)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((LABEL_SHARE, FOOT_HEIGHT / height, 0.97 - LABEL_SHARE, 1 - FOOT_HEIGHT / height))
        quiet(axes)
        low, high = min(one.low for one in spans), max(one.high for one in spans)
        margin = 0.06 * max(high - low, 1e-6)
        axes.set(xlim=(low - margin, high + margin), ylim=(-len(rows) + 0.5, 0.5))
        axes.grid(axis="x", color=LINE)
        axes.locator_params(axis="x", nbins=5, steps=[1, 2, 5, 10])
        beside = axes.get_yaxis_transform()
        for place, ((row, _), one) in enumerate(zip(rows, spans, strict=True)):
            colour = TRANSFER if row["chosen"] or row["tied"] else MAJORITY
            if row["chosen"] and one.is_wide:
                axes.axvspan(one.low, one.high, color=TRANSFER, alpha=0.1, linewidth=0, zorder=0)
            axes.plot([one.low, one.high], [-place] * 2, color=colour, linewidth=2.4, zorder=3)
            fill = colour if row["chosen"] or not row["tied"] else CARD
            axes.plot([one.value], [-place], marker="o", markersize=9, markeredgewidth=2, color=colour, markerfacecolor=fill, zorder=4)
            marks = [
                word
                for word, is_so in (("chosen", row["chosen"]), ("tied", row["tied"] and not row["chosen"]), ("published best", row["published_best"]))
                if is_so
            ]
            rise = 0.19 if marks else 0
            weight = "bold" if row["chosen"] else "normal"
            axes.text(
                -0.04, -place + rise, words.shortened(row["title"], LONGEST_NAME), transform=beside, ha="right", va="center", color=INK, fontweight=weight
            )
            if marks:
                axes.text(-0.04, -place - 0.2, " · ".join(marks), transform=beside, ha="right", va="center", color=MUTED, fontsize=10.5)
        unit = ", per cent" if scale != 1 else ""
        axes.set_xlabel(f"expected {METRIC_WORDS['en'][metric]}{unit}", fontsize=11.5, labelpad=6)

    return draw("ranking", f"Expected of each network. {said}", WIDTH, height, paint)
