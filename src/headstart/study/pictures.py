"""Small pictures of items for the report: a position in the data set in, a file in the run folder out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from headstart.base.files import write
from headstart.data import Dataset
from headstart.modality import Recipe, Unreadable, get

THUMBNAIL = Recipe(size=160, crop_fraction=1.0, interpolation="bicubic")
JPEG_QUALITY = 85


@dataclass(frozen=True, eq=False)
class Pictures:
    """Draws items of a data set into a run folder."""

    folder: Path
    dataset: Dataset

    def draw(self, name: str, position: int) -> str | None:
        """Write one small picture; return its name, or None where the item cannot be read any more."""
        try:
            content = _thumbnail(self.dataset.modality, self.dataset.read(position))
        except Unreadable:
            return None
        write(self.folder / name, content)
        return name


def _thumbnail(modality: str, content: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(get(modality).prepare(content, THUMBNAIL).transpose(1, 2, 0)).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
