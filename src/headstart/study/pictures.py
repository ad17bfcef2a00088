"""Previews of items for the report (small pictures, texts, clips): a position in the data set in, a file in the run folder out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headstart.base.files import write
from headstart.data import Dataset
from headstart.modality import Unreadable, get


@dataclass(frozen=True, eq=False)
class Pictures:
    """Previews items of a data set into a run folder."""

    folder: Path
    dataset: Dataset

    def draw(self, name: str, position: int) -> str | None:
        """Write a preview; return its name with the right suffix, or None where the item cannot be read any more."""
        try:
            seen = get(self.dataset.modality).preview(self.dataset.read(position))
        except Unreadable:
            return None
        write(self.folder / f"{name}{seen.suffix}", seen.content)
        return f"{name}{seen.suffix}"
