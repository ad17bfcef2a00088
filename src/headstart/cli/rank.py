"""How a ranking looks: candidates side by side, the best first, then why this one, and what published accuracy alone would have taken."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from headstart.cli.show import table

if TYPE_CHECKING:
    from headstart.evaluation import Measured
    from headstart.ranking.combine import Ranked, Ranking
    from headstart.ranking.relatedness import Relatedness

COLUMNS = ("", "model", "published", "1-NN", "probe", "LogME", "source", "licence", "MB", "ms", "expected")
NUMBERS = ("published", "1-NN", "probe", "LogME", "MB", "ms", "expected")
LEAST = ("licence", "source", "published", "1-NN", "LogME", "MB", "ms")  # what gives way first on a narrow screen
PICK, TIED, MIDDLE, NOTHING = "►", "=", "m", "–"
CHANNELS, WORDED = "in standard deviations of its channels", "in tokens that one of your words takes"
WEIGHT_FILE = 1e6  # bytes in a megabyte, as disks and registries count


def rank_parts(ranking: Ranking, data: Path) -> list[RenderableType]:
    """The table, its legend, the reason, the pick to beat, and the line that goes on; 100 columns hold it."""
    words = ranking.metric.replace("_", " ")
    shown = table(
        f"Models by expected {words}, per cent", COLUMNS, [row_cells(row) for row in ranking.rows], numbers=NUMBERS, whole=["", "model"], least=LEAST, gap=1
    )
    parts: list[RenderableType] = [shown, Text(legend(ranking.rows), style="dim"), Text(f"\n{ranking.why}.", style="bold")]
    if ranking.prior_pick is not None:
        parts.append(Text(f"by published accuracy alone: {ranking.prior_pick}{', the same' if ranking.prior_pick == ranking.pick else ''}"))
    if ranking.left_out:
        parts.append(table("\nLeft out", ["model", "why"], [(one.model, one.why) for one in ranking.left_out], whole=["model"]))
    return [*parts, Text(f"\ngo on: headstart fit {shlex.quote(str(data))} --model {ranking.pick}", style="dim")]


def row_cells(row: Ranked) -> tuple[object, ...]:
    """A model's row."""
    middle = row.probe_middle
    at_middle = middle is not None and middle.value > row.probe.value
    probe = f"{percent(middle.value)}{MIDDLE}" if middle is not None and at_middle else percent(row.probe.value)
    near, log_evidence = (row.nearest_middle, row.logme_middle) if at_middle else (row.nearest, row.logme)
    cells = (
        PICK if row.chosen else TIED if row.tied else "",
        row.model,
        percent(row.prior.value) if row.prior else NOTHING,
        percent(near or 0.0),
        probe,
        f"{log_evidence:.3f}",
        source(row.relatedness),
        row.licence,
        f"{row.bytes / WEIGHT_FILE:.0f}",
        f"{row.ms_per_item:.1f}" if row.ms_per_item is not None else NOTHING,
        interval(row.expected),
    )
    return tuple(Text(str(cell), style="bold") for cell in cells) if row.chosen else cells


def source(related: Relatedness) -> str:
    """How far the source data lies, as a number where there is one, and a word."""
    vocabulary = related.vocabulary
    number = related.distance if vocabulary is None else vocabulary.pieces_a_word
    return related.words if number is None else f"{number:.2f} {related.words}"


def legend(rows: Sequence[Ranked]) -> str:
    """What the columns mean, in lines that a newcomer can read."""
    worded = any(row.relatedness.vocabulary for row in rows)
    lines = [
        f"{PICK} the pick · {TIED} these items cannot tell it from the pick · expected: from probe, LogME and published",
        "published: accuracy its makers report · 1-NN: how often the nearest other item has the same label",
        "probe: a new head on frozen features, on unseen items · LogME: evidence an item, higher is better",
        f"source: how far your items lie from what it was trained on, {WORDED if worded else CHANNELS}",
        "MB: weight file · ms: one item on this machine",
    ]
    if any(row.probe_middle is not None and row.probe_middle.value > row.probe.value for row in rows):
        lines.append(f"{MIDDLE}: at its middle, where its features suit these data better than at its end")
    return "\n".join(lines)


def percent(share: float) -> str:
    """A share as a number of per cent."""
    return f"{100 * share:.1f}"


def interval(measured: Measured) -> str:
    """A score and its interval, short."""
    return f"{percent(measured.value)} ({100 * measured.low:.0f} to {100 * measured.high:.0f})"
