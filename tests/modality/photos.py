"""Real photographs in small: tiles of the two that scikit-learn carries, and ways to write them."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import sklearn.datasets
from PIL import Image

SIDE = 48
FOLDER = Path(sklearn.datasets.__file__).parent / "images"


@cache
def photo(name: str = "china.jpg") -> Image.Image:
    """A photograph of 640 x 427 pixels, in colour."""
    with Image.open(FOLDER / name) as picture:
        return picture.convert("RGB")


@cache
def _tiles() -> tuple[Image.Image, ...]:
    boxes = [(x, y, x + SIDE, y + SIDE) for y in range(0, 427 - SIDE, SIDE) for x in range(0, 640 - SIDE, SIDE)]
    tiles = [photo(name).crop(box) for name in ("china.jpg", "flower.jpg") for box in boxes]
    busy = sorted(range(len(tiles)), key=lambda place: -len(set(tiles[place].convert("L").tobytes())))
    return tuple(tiles[place] for place in sorted(busy[:120]))  # without sky and blurred ground, which look alike


def tile(number: int) -> Image.Image:
    """One of 120 different pieces of photographs."""
    return _tiles()[number]


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def write(path: Path, picture: Image.Image, **options: Any) -> Path:
    """Write a picture; the ending decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path
