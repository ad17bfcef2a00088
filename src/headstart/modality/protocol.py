"""The one protocol that every kind of data fulfils, and the nouns it speaks in; bytes of one item flow in, arrays flow out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError


class Unreadable(InputError):  # noqa: N818 — a state of an item, named as one reads it: "left out, unreadable: truncated"
    """One item cannot be read; the reason is short enough to stand behind its name in a list.

    Attributes:
        reason: ``truncated``, ``empty file``, ``not a picture``, …
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Recipe:
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
        if self.size < 1:
            raise InputError("the size of a network's input is at least 1 pixel", got=self.size)
        if not 0 < self.crop_fraction <= 1:
            raise InputError("the crop fraction lies above 0 and at most at 1", got=self.crop_fraction)


class RecipeLike(Protocol):
    """Anything that carries a recipe's three values: a `Recipe`, or the input recipe of a model card."""

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def crop_fraction(self) -> float: ...  # noqa: D102
    @property
    def interpolation(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Examined:
    """What one look at an item tells, small enough to be remembered for ever under the hash of its content.

    Attributes:
        width: Pixels across, as a person sees it (after the camera's orientation).
        height: Pixels down.
        mode: How the file holds its colours: ``RGB``, ``L`` (grey), ``P`` (palette), ``CMYK``, ``I;16`` (16 bit grey), …
        fingerprint: 64 bits that hardly change when a picture is resized or saved again.
        thumbnail: A coarse copy that decides whether two items with like fingerprints really are alike.
    """

    width: int
    height: int
    mode: str
    fingerprint: int
    thumbnail: bytes


class Modality(Protocol):
    """A kind of data. Each method is a pure function of its arguments and may run in several threads at once."""

    @property
    def name(self) -> str:
        """The word by which it is asked for: ``image``."""

    @property
    def version(self) -> str:
        """Changes when `examine` would answer differently: what was remembered under another version is not used."""

    @property
    def suffixes(self) -> frozenset[str]:
        """File endings in small letters, with their dot."""

    @property
    def bytes_max(self) -> int:
        """Files larger than this are not read at all."""

    def examine(self, content: bytes) -> Examined:
        """Decode one item to the end and say what it is.

        Raises:
            Unreadable: with a reason, whatever is wrong with it.
        """

    def prepare(self, content: bytes, recipe: RecipeLike) -> NDArray[np.uint8]:
        """Decode one item into what a network takes: ``(3, size, size)``, red green blue, 0 to 255.

        Raises:
            Unreadable: with a reason.
        """

    def augment(self, prepared: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        """Vary a prepared item in a way that changes no label; everything random is drawn from the generator."""

    def plain_features(self, content: bytes) -> NDArray[np.float32]:
        """Describe one item without any network: ``(d,)``, for the plain model that transfer has to beat.

        Raises:
            Unreadable: with a reason.
        """

    def alike(self, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether pairs of thumbnails, ``(n, bytes)`` each, show the same thing, saved or resized differently."""

    def sketch(self, thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Place thumbnails ``(n, bytes)`` in a space ``(n, d)`` in which those that are `alike` lie within `reach` of each other.

        The first coordinates tell most apart: any number of them may be used alone.
        """

    @property
    def reach(self) -> float:
        """The distance in `sketch` beyond which two items are not `alike`."""
