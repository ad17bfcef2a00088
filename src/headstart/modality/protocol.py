"""The one protocol that every kind of data fulfils, and the nouns it speaks in; bytes of one item flow in, arrays flow out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError


class Unreadable(InputError):  # noqa: N818 — a state of an item, named as one reads it: "left out, unreadable: truncated"
    """One item cannot be read; the reason is short enough to stand behind its name in a list.

    Attributes:
        reason: ``truncated``, ``empty file``, ``not a picture``, …
        seen: What it is all the same, where it is whole and only holds nothing: half a minute of silence is part of an evening.
    """

    def __init__(self, reason: str, seen: Examined | None = None) -> None:
        super().__init__(reason)
        self.reason, self.seen = reason, seen


class Recipe(Protocol):
    """How an item of one kind becomes a network's input; each kind of data has a frozen record of its own, which round-trips through JSON."""

    @property
    def identity(self) -> str:
        """Every value that decides the prepared numbers, as text: part of the key of every stored activation; places of files are no part of it."""

    def example(self) -> NDArray[np.generic]:
        """Something of the shape and type of a prepared item, to learn shapes and costs of a network from; of the usual length, where lengths vary."""

    def moved(self, folder: Path) -> Self:
        """The same recipe with the files that it needs (a tokenizer) in another folder; itself where it needs none."""


@dataclass(frozen=True)
class Preview:
    """What a page shows of an item: a small file of its own.

    Attributes:
        suffix: ``.jpg``, ``.txt`` or ``.wav``.
        content: Its bytes.
    """

    suffix: str
    content: bytes


@dataclass(frozen=True)
class Examined:
    """What one look at an item tells, small enough to be remembered for ever under the hash of its content.

    Attributes:
        size: How large it is, by the two measures that its modality names: pixels across and down, characters and words, milliseconds and hertz.
        mode: How it is written: colours of a picture (``RGB``, ``L``, ``P``), script of a text (``Latin``, ``Han``), channels of a clip (``mono``).
        thumbnail: A coarse copy that hardly changes when a picture is resized, a text sent again, a clip saved again: it decides whether two items are alike.
    """

    size: tuple[int, int]
    mode: str
    thumbnail: bytes


@dataclass(frozen=True)
class Vocabulary:
    """How well a model's vocabulary, which was learnt from its source data, fits texts.

    Attributes:
        pieces_a_word: Tokens into which a word is broken on average; of a character, where no blanks stand between words.
        unknown: Share of the tokens that stand for what the vocabulary does not have.
    """

    pieces_a_word: float
    unknown: float


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

    @property
    def unit(self) -> str:
        """What people call its items: ``pictures``, ``texts``, ``clips``."""

    @property
    def measures(self) -> tuple[str, str]:
        """What the two numbers of `Examined.size` are: ``("width", "height")``."""

    @property
    def description(self) -> str:
        """What `plain_features` describe, in words: ``HOG and colours``."""

    def recipe(self, given: object, folder: Path, sizes: NDArray[np.int64]) -> Recipe:
        """How items reach a network.

        Args:
            given: The ``input`` of the model's card.
            folder: Where the model's files lie.
            sizes: ``(n, 2)`` sizes of the items of the data set: a window may follow from them.
        """

    def restored(self, plain: Mapping[str, Any]) -> Recipe:
        """A recipe from the plain values that it was kept as."""

    def examine(self, content: bytes) -> Examined:
        """Decode one item to the end and say what it is.

        Raises:
            Unreadable: with a reason, whatever is wrong with it.
        """

    def prepare(self, content: bytes, recipe: Any) -> NDArray[np.generic]:
        """Decode one item into what a network takes, by a recipe of this kind.

        Returns:
            A picture ``(3, size, size)`` of bytes; a clip ``(samples,)`` of float32; the tokens of a text ``(length,)`` of int32, as many as it has.

        Raises:
            Unreadable: with a reason.
        """

    def vocabulary(self, contents: Iterable[bytes], recipe: Any) -> Vocabulary | None:
        """How the vocabulary of a recipe fits items; None for a kind of data that has no words.

        Raises:
            Unreadable: with a reason.
        """

    def augment(self, prepared: NDArray[Any], generator: np.random.Generator) -> NDArray[np.generic]:
        """Vary a prepared item in a way that changes no label; everything random is drawn from the generator. Some kinds have no such way."""

    @property
    def varies(self) -> bool:
        """Does `augment` change anything?"""

    def halved(self, batch: NDArray[Any]) -> NDArray[np.generic] | None:
        """A batch of prepared items at half their size, for the cheap part of training from scratch; None where this kind knows no half size."""

    def plain_features(self, content: bytes) -> NDArray[np.float32]:
        """Describe one item without any network: ``(d,)``, for the plain model that transfer has to beat.

        Where ``counts`` is true these are counts of words or the like, as ``(m, 2)`` pairs of column and count, for vectors that are nearly all zero.

        Raises:
            Unreadable: with a reason.
        """

    @property
    def counts(self) -> bool:
        """Are the plain features counts (column, count) that a weighting by rarity (TF-IDF) should follow, rather than dense vectors?"""

    def preview(self, content: bytes) -> Preview:
        """What a report shows of one item.

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
