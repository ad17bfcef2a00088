"""Texts: their bytes in; what they are, what a network takes, and what a plain model takes, out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.base.hashing import digest
from headstart.modality import repeats, tokens, words
from headstart.modality.encoding import decoded
from headstart.modality.protocol import Examined, Preview, Unreadable, Vocabulary
from headstart.modality.scripts import SIGNS, script_of, words_in

EXAMINATION = 3  # raise it when `examine` or `alike` answers differently
PREPARATION = 1  # raise it when `prepare` gives other tokens
BYTES_MAX = 1 << 20  # a book: nobody labels those one by one, and a file that lies about its columns must not fill the memory
USUAL_TOKENS = 32
VOCABULARY_CHARACTERS = 1000  # of a text, for how well a vocabulary fits it
MARKS = re.compile(rf"[^\w\s'’{SIGNS}]+")
PREVIEW_CHARACTERS = 600
CONTROLS_MAX = 0.02  # of the characters: more are no text


@dataclass(frozen=True)
class TextRecipe:
    """How a text reaches a network.

    Attributes:
        tokenizer: Path of the tokenizer's file.
        sha256: Its checksum.
        max_tokens: Longest input in tokens, those around the text included.
        prefix: What stands before every text.
    """

    tokenizer: str
    sha256: str
    max_tokens: int
    prefix: str = ""

    def __post_init__(self) -> None:
        """Refuse what no text can be brought to."""
        if self.max_tokens < 1:
            raise InputError("a network takes at least one token", got=self.max_tokens)

    @property
    def identity(self) -> str:
        """The tokenizer's checksum, the longest input, the prefix, and the versions of the preparation and of the tokenizers."""
        return digest("text", str(PREPARATION), version("tokenizers"), self.sha256, str(self.max_tokens), self.prefix)

    def example(self) -> NDArray[np.generic]:
        """Tokens of a text of usual length."""
        return np.ones(min(self.max_tokens, USUAL_TOKENS), dtype=np.int32)

    def moved(self, folder: Path) -> TextRecipe:
        """The same with the tokenizer's file in another folder."""
        return replace(self, tokenizer=str(folder / Path(self.tokenizer).name))


@dataclass(frozen=True)
class TextModality:
    """Texts in any language."""

    name: str = "text"
    version: str = str(EXAMINATION)
    suffixes: frozenset[str] = frozenset({".txt", ".text"})
    bytes_max: int = BYTES_MAX
    reach: float = repeats.REACH
    unit: str = "texts"
    measures: tuple[str, str] = ("characters", "words")
    description: str = "TF-IDF of words and runs of characters"
    varies: bool = False
    counts: bool = True

    def recipe(self, given: Any, folder: Path, sizes: NDArray[np.int64]) -> TextRecipe:  # noqa: ARG002 - lengths vary anyway
        """What a card's input says, with the tokenizer in the model's folder.

        Raises:
            InputError: when the tokenizer is not there.
        """
        path = folder / given.tokenizer
        return TextRecipe(str(path), tokens.checksum(path), given.max_tokens, given.prefix)

    def restored(self, plain: Mapping[str, Any]) -> TextRecipe:
        """From plain values."""
        return TextRecipe(**plain)

    def examine(self, content: bytes) -> Examined:
        """Decode, count, and take the thumbnail by which repeats are found.

        Cost: 0.05 ms for a tweet, 1 ms for a page.
        """
        text, encoding = read(content)
        thumbnail = repeats.thumbnail(text)
        mode = script_of(text) + ("" if encoding == "UTF-8" else f", {encoding}")
        return Examined((len(text), len(words_in(text))), mode, thumbnail)

    def prepare(self, content: bytes, recipe: TextRecipe) -> NDArray[np.int32]:
        """The tokens of the prefix and the text, ``(length,)``; what is too long is cut at its end."""
        return tokens.tokens_of(recipe.prefix + read(content)[0], recipe.tokenizer, recipe.sha256, recipe.max_tokens)

    def vocabulary(self, contents: Iterable[bytes], recipe: TextRecipe) -> Vocabulary | None:
        """Over the beginnings of the texts, marks left out; None where they have no words."""
        n_words = n_tokens = n_unknown = 0
        for content in contents:
            text = MARKS.sub(" ", read(content)[0][:VOCABULARY_CHARACTERS])
            pieces, unknown, covered = tokens.counted(text, recipe.tokenizer, recipe.sha256, recipe.max_tokens)
            n_words, n_tokens, n_unknown = n_words + len(words_in(text[:covered])), n_tokens + pieces, n_unknown + unknown
        return Vocabulary(n_tokens / n_words, n_unknown / max(1, n_tokens)) if n_words else None

    def augment(self, prepared: NDArray[np.int32], generator: np.random.Generator) -> NDArray[np.int32]:  # noqa: ARG002 - no variation is safe for every label
        """Itself: no change of words leaves every label as it was."""
        return prepared

    def halved(self, batch: NDArray[np.int32]) -> None:
        """Nothing: half a text is another text."""

    def plain_features(self, content: bytes) -> NDArray[np.float32]:
        """Columns and counts of words and runs of characters, ``(m, 2)``."""
        return words.counts(read(content)[0])

    def preview(self, content: bytes) -> Preview:
        """The beginning of the text, in UTF-8."""
        text = read(content)[0]
        cut = text if len(text) <= PREVIEW_CHARACTERS else text[:PREVIEW_CHARACTERS].rstrip() + "…"
        return Preview(".txt", cut.encode())

    def alike(self, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """The same text sent again: see `repeats`."""
        return repeats.alike(left, right)

    def sketch(self, thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Points of length 1; the angle between two is how much of their texts differs."""
        return repeats.sketch(thumbnails)


def read(content: bytes) -> tuple[str, str]:
    """The text without blanks around it, and its encoding.

    Raises:
        Unreadable: when it is empty, too long, binary, or in an encoding that cannot be told.
    """
    if len(content) > BYTES_MAX:
        raise Unreadable(f"longer than {BYTES_MAX >> 20} MiB")
    text, encoding = decoded(content)
    text = text.strip().strip("\ufeff\u200b")
    if not text:
        raise Unreadable("empty")
    if sum(character < " " and character not in "\t\r\n\f" for character in text) > CONTROLS_MAX * len(text):
        raise Unreadable("binary, not a text")
    return text, encoding
