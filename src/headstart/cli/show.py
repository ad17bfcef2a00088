"""How values look: one JSON object on standard output, or tables that fit 80 columns; talk goes to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.text import Text

from headstart.base import amounts
from headstart.base.harmless import harmless, harmless_json
from headstart.base.records import to_plain
from headstart.cli.narrow import Cells

PIPE_COLUMNS = 160
BYTES_A_STEP = 1000  # decimal steps, as disks and registries count


class Plainly(Console):
    """A console on which the text of others (labels, file names, messages of decoders) is shown, never obeyed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Everything that is printed passes here, before colours are added."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


def talk() -> Console:
    """The console for people: standard error, so that standard output stays one clean answer."""
    return Plainly(stderr=True, highlight=False, soft_wrap=False, emoji=False)


def columns() -> int:
    """How many columns an answer has: the terminal's; in a pipe enough not to cut names."""
    return Console().width if sys.stdout.isatty() else PIPE_COLUMNS


def answer(*parts: RenderableType) -> None:
    """Show a person the answer on standard output; a pipe gets the same without colours, wide enough not to cut names."""
    console = Plainly(highlight=False, emoji=False, width=columns())
    for part in parts:
        console.print(part)


def answer_json(value: Any) -> None:
    """Print one JSON object on standard output; what JSON cannot hold (NaN, infinity) becomes null."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    sys.stdout.write(harmless_json(json.dumps(plain(value), indent=2, ensure_ascii=ascii_only, allow_nan=False)) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Turn records, numpy values and what JSON has no word for into what JSON can hold."""
    value = to_plain(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Collection[str] = (),
    whole: Collection[str] = (),
    least: Sequence[str] = (),
    gap: int = 2,
) -> RenderableType:
    """A table whose cells are data, never markup.

    Args:
        title: Stands above it; not part of the table, so that a narrow table does not break it.
        columns: Their headings; a table without any heading has none.
        rows: Cells in the order of the columns.
        numbers: Columns of numbers: right-aligned, never broken.
        whole: Columns of names that are never broken; what else is too long runs over several lines.
        least: Columns that give way first where not all fit, in this order; after them those with a heading, from the last to the second.
        gap: Blanks between columns.
    """
    texts = [tuple(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row) for row in rows]
    made = Cells(columns, texts, numbers=numbers, whole=whole, least=least, gap=gap)
    return Group(Text(title, style="bold"), made) if title else made


def facts(title: str, pairs: Sequence[tuple[str, object]]) -> RenderableType:
    """A record as lines of name and value; what is empty is left out."""
    rows = [(Text(name, style="dim"), value) for name, value in pairs if value not in (None, "", ())]
    return table(title, ["", " "], rows, whole=[""])


def in_bytes(count: float) -> str:
    """A size in words.

    Example:
        >>> in_bytes(18_800_000), in_bytes(512)
        ('18.8 MB', '512 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < BYTES_A_STEP:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= BYTES_A_STEP
    return f"{count:.1f} TB"


def in_seconds(seconds: float) -> str:
    """A span of time in words, as the pages say it.

    Example:
        >>> in_seconds(1.24), in_seconds(75), in_seconds(200)
        ('1.2 s', '75 s', '3 min 20 s')
    """
    return amounts.seconds(seconds)


def in_millions(count: float) -> str:
    """A number of parameters in words.

    Example:
        >>> in_millions(4_652_008)
        '4.65 M'
    """
    return f"{count / 1e6:.2f} M"
