"""How a list of runs looks: the newest first, the verdict of each, unfinished ones said to be so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from headstart.cli.records import in_words
from headstart.cli.show import in_seconds, plain, table

if TYPE_CHECKING:
    from headstart.report import RunSummary


def summary_parts(folder: Path, found: Sequence[RunSummary]) -> list[RenderableType]:
    """A line a run; a sentence when there is none."""
    if not found:
        return [Text(f"no runs in {folder}; headstart fit DATA makes one")]
    values: list[dict[str, Any]] = plain(found)
    columns = [name for name in values[0] if any(row.get(name) not in (None, "", []) for row in values)]
    headings = [name.replace("_", " ") for name in columns]
    rows = [[cell(name, row.get(name)) for name in columns] for row in values]
    return [table(f"Runs in {folder}", headings, rows)]


def cell(name: str, value: Any) -> str:
    """A summary's value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "seconds" and value is not None:
        return in_seconds(value)
    return in_words(value)
