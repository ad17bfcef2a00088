"""Pictures: bytes of a file in; what it is, what a network takes, and what a plain model takes, out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from headstart.base.errors import InputError
from headstart.base.hashing import digest
from headstart.modality import likeness, plain
from headstart.modality.decode import BYTES_MAX, opened, orientation, upright
from headstart.modality.protocol import Examined, Preview, Unreadable

EXAMINATION = 1  # raise it when `examine` or `alike` answers differently
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"})
SUFFIXES |= {".jp2", ".j2k", ".avif"}
EXAMINED_SIDE = 128  # JPEG files are decoded at an eighth to a half of their size as long as this many pixels remain: thumbnails need no more
SHIFT_FRACTION = 0.125  # of the side: the augmentation that no class minds, unlike mirroring, which digits and letters do
PREPARATION = 1  # raise it when `prepare` gives other pixels: stored activations of older ones are then not found
JPEG_QUALITY = 85
SIDEWAYS = 5  # EXIF orientations from 5 on swap width and height


@dataclass(frozen=True)
class ImageRecipe:
    """How pixels reach a network: what a model card says, without the card.

    Attributes:
        size: Side of the square that the network sees, in pixels.
        crop_fraction: Share of the resized shorter side that the square takes, in (0, 1].
        interpolation: ``bilinear``, ``bicubic`` or ``nearest``.
    """

    size: int
    crop_fraction: float = 1.0
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        """Refuse what no picture can be brought to."""
        if self.size < 1:
            raise InputError("the size of a network's input is at least 1 pixel", got=self.size)
        if not 0 < self.crop_fraction <= 1:
            raise InputError("the crop fraction lies above 0 and at most at 1", got=self.crop_fraction)

    @property
    def identity(self) -> str:
        """Its three values, the version of the preparation and the decoder's."""
        return digest("image", str(PREPARATION), PIL.__version__, str(self.size), repr(self.crop_fraction), self.interpolation)

    def example(self) -> NDArray[np.generic]:
        """A black picture."""
        return np.zeros((3, self.size, self.size), dtype=np.uint8)

    def moved(self, folder: Path) -> ImageRecipe:  # noqa: ARG002 - it needs no files
        """Itself."""
        return self


THUMBNAIL = ImageRecipe(size=160)  # what a report shows


@dataclass(frozen=True)
class ImageModality:
    """Pictures in any format that Pillow decodes by itself."""

    name: str = "image"
    version: str = f"{EXAMINATION}-pillow-{PIL.__version__}"
    suffixes: frozenset[str] = SUFFIXES
    bytes_max: int = BYTES_MAX
    reach: float = likeness.REACH
    unit: str = "pictures"
    measures: tuple[str, str] = ("width", "height")
    description: str = "a linear model on HOG and colours"
    varies: bool = True
    counts: bool = False

    def recipe(self, given: Any, folder: Path, sizes: NDArray[np.int64]) -> ImageRecipe:  # noqa: ARG002 - the card says it all
        """What a model card's input says of size, crop and filter."""
        return ImageRecipe(given.size, given.crop_fraction, given.interpolation)

    def restored(self, plain: Mapping[str, Any]) -> ImageRecipe:
        """From plain values."""
        return ImageRecipe(**plain)

    def examine(self, content: bytes) -> Examined:
        """Decode to the end (JPEG at a fraction of its size) and say what it is.

        Cost: 0.2 ms for 28 x 28 PNG, 2 ms for a JPEG of 0.5 Mpx.
        """
        with opened(_bounded(content)) as picture:
            (width, height), mode = picture.size, picture.mode
            picture.draft(None, (EXAMINED_SIDE, EXAMINED_SIDE))
            seen = upright(picture)
            if orientation(picture) >= SIDEWAYS:
                width, height = height, width
            thumbnail = likeness.thumbnail(seen)
        return Examined((width, height), mode, thumbnail)

    def prepare(self, content: bytes, recipe: ImageRecipe) -> NDArray[np.uint8]:
        """Resize the shorter side to ``round(size / crop_fraction)`` and take the square in the middle, in one antialiased step.

        Only what the square shows is ever resized: the same numbers as resizing everything and cropping, at 0.7 of the cost,
        and a strip of 1 x 10,000 pixels does not become a picture of 256 x 2,560,000.

        Returns:
            ``(3, size, size)``, red green blue, 0 to 255.
        """
        if recipe.interpolation not in FILTERS:
            raise InputError("this interpolation is not known", got=recipe.interpolation, allowed=FILTERS)
        shorter = round(recipe.size / recipe.crop_fraction)
        with opened(_bounded(content)) as picture:
            picture.draft(None, (shorter, shorter))  # JPEG: decode at 1/2, 1/4, 1/8 while that is no smaller than needed
            seen = upright(picture)
            square = seen.resize((recipe.size, recipe.size), FILTERS[recipe.interpolation], box=_middle(seen.size, recipe.size / shorter))
        return np.ascontiguousarray(np.asarray(square.convert("RGB")).transpose(2, 0, 1))

    def vocabulary(self, contents: Iterable[bytes], recipe: ImageRecipe) -> None:
        """Pictures have none."""

    def augment(self, prepared: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        """Shift a prepared picture by up to an eighth of its side; the edge that comes in repeats the picture's own edge."""
        size = prepared.shape[-1]
        reach = max(1, round(size * SHIFT_FRACTION))
        down, right = generator.integers(-reach, reach + 1, size=2)
        rows, columns = (np.clip(np.arange(size) - shift, 0, size - 1) for shift in (down, right))
        return np.ascontiguousarray(prepared[:, rows][:, :, columns])

    def halved(self, batch: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """The mean of each two by two pixels of ``(n, 3, size, size)``."""
        n, colours, size, _ = batch.shape
        even = batch[..., : size // 2 * 2, : size // 2 * 2].reshape(n, colours, size // 2, 2, size // 2, 2)
        smaller: NDArray[np.uint8] = np.rint(even.mean(axis=(3, 5), dtype=np.float32)).astype(np.uint8)
        return smaller

    def preview(self, content: bytes) -> Preview:
        """A small JPEG."""
        stream = io.BytesIO()
        Image.fromarray(self.prepare(content, THUMBNAIL).transpose(1, 2, 0)).save(stream, "JPEG", quality=JPEG_QUALITY)
        return Preview(".jpg", stream.getvalue())

    def plain_features(self, content: bytes) -> NDArray[np.float32]:
        """Edges by direction (HOG) and a histogram of colours: ``(plain.N_FEATURES,)``."""
        with opened(_bounded(content)) as picture:
            picture.draft(None, (2 * plain.SIDE, 2 * plain.SIDE))
            return plain.features(upright(picture))

    def alike(self, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether pairs of thumbnails show the same picture."""
        return likeness.alike(left, right)

    def sketch(self, thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The coarse waves of each thumbnail, as a point."""
        return likeness.sketch(thumbnails)


def _bounded(content: bytes) -> bytes:
    if len(content) > BYTES_MAX:
        raise Unreadable(f"larger than {BYTES_MAX >> 20} MiB")
    return content


def _middle(size: tuple[int, int], share: float) -> tuple[float, float, float, float]:
    side = min(size) * share
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    return left, top, left + side, top + side
