"""A table on a terminal that may be too narrow for it: what cannot stand whole is left out whole and named; no number and no name is ever cut."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

FOLDED = 8  # columns of the screen: text that is folded into fewer is spelled rather than read


@dataclass(frozen=True)
class Cells:
    """Rows under headings, laid out only once the width of the screen is known; `show.table` says what the fields mean."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]
    numbers: Collection[str] = ()
    whole: Collection[str] = ()
    least: Sequence[str] = ()
    gap: int = 2

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The columns that fit, then a line that names the others."""
        everywhere = range(len(self.columns))
        out = self.left_out(options.max_width)
        yield self._drawn([place for place in everywhere if place not in out], options.max_width)
        named = ", ".join(self.columns[place] for place in sorted(out) if self.columns[place].strip())
        if named:
            yield Text(f"too narrow for: {named} (COLUMNS={self.needed(everywhere)} or --json shows all)", style="dim")

    def left_out(self, width: int) -> list[int]:
        """The places of the columns without which the others fit: as few as will do, those of least importance first."""
        everywhere = range(len(self.columns))
        others = [place for place in everywhere[:0:-1] if self.columns[place].strip() and self.columns[place] not in self.least]
        out: list[int] = []
        for place in [*map(list(self.columns).index, self.least), *others]:
            if self.needed([one for one in everywhere if one not in out]) <= width:
                break
            out.append(place)
        return out

    def needed(self, places: Collection[int]) -> int:
        """The width that these columns need."""
        widths = (self._natural(place) if self._is_kept(place) else min(self._natural(place), FOLDED) for place in places)
        return sum(widths) + self.gap * (len(places) - 1)

    def _is_kept(self, place: int) -> bool:
        return self.columns[place] in self.numbers or self.columns[place] in self.whole

    def _natural(self, place: int) -> int:
        return max(cell_len(line) for cell in (self.columns[place].strip(), *(row[place].plain for row in self.rows)) for line in cell.split("\n"))

    def _drawn(self, places: Collection[int], width: int) -> Table:
        """These columns; a name that is by itself wider than the screen runs over several lines after all."""
        headed = any(self.columns[place].strip() for place in places)
        made = Table(box=None, pad_edge=False, padding=(0, self.gap, 0, 0), header_style="dim", show_header=headed)
        for place in places:
            name, kept = self.columns[place], self._is_kept(place) and self._natural(place) < width
            made.add_column(name.strip(), justify="right" if name in self.numbers else "left", no_wrap=kept, overflow="fold")
        for row in self.rows:
            made.add_row(*(row[place] for place in places))
        return made
