"""How a list of runs looks: the newest first, the verdict of each, unfinished ones said to be so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from headstart.base.amounts import percent
from headstart.cli.show import in_seconds, table

LEGEND = "helped: over the same network from scratch · kept: what validation preferred · score: accuracy, where nothing else is said"
WHOLE = ("run", "last written", "helped")  # a run's name is there to be copied
LEAST = ("model", "time", "last written", "score (95 %)", "kept")  # what gives way first on a narrow screen

if TYPE_CHECKING:
    from headstart.report import RunSummary


def summary_parts(folder: Path, found: Sequence[RunSummary]) -> list[RenderableType]:
    """A line a run; a sentence when there is none."""
    if not found:
        return [Text(f"no runs in {folder}; headstart fit DATA makes one")]
    columns = ["run", "last written", "helped", "kept", "score (95 %)", "model", "time"]
    shown = table(f"Runs in {folder}", columns, [row(one) for one in found], numbers=["time"], whole=WHOLE, least=LEAST)
    unfinished = [Text(f"unfinished: {one.resume}", style="yellow") for one in found if one.resume]
    damaged = [Text(f"damaged, nothing of it is told: {one.damaged}", style="red") for one in found if one.damaged]
    return [
        shown,
        *unfinished,
        *damaged,
        Text(LEGEND, style="dim"),
    ]


def row(one: RunSummary) -> tuple[str, ...]:
    """A run's cells; what is not known yet stays empty."""
    from headstart.report.listing import MISSED  # here already

    score = f"{percent(one.value.value)} ({100 * one.value.low:.1f} to {100 * one.value.high:.1f})" if one.value else ""
    if score and one.metric not in (None, "accuracy", MISSED):
        score = f"{one.metric.replace('_', ' ')} {score}"
    if one.false_accepts_per_hour:
        score = f"misses {score}, {one.false_accepts_per_hour.value:.2f} false accepts an hour"
    helped = one.helped or (
        ("damaged" if one.damaged else "wake word" if one.metric == MISSED else "no verdict") if one.finished else "at work" if one.at_work else "unfinished"
    )
    day = f"{datetime.fromisoformat(one.date).astimezone():%Y-%m-%d %H:%M}"
    return one.name, day, helped, one.chosen or "", score, one.model or "", in_seconds(one.seconds) if one.seconds is not None else ""
