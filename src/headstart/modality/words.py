"""What can be said of a text without a network: text in, hashed counts of its words and of runs of its characters out, for the model to beat.

Words alone and in pairs, and runs of 2 to 4 characters, which know "soooo" and "not-so-great" and survive misspelling; of Chinese, where no blanks
stand between words, runs of 1 to 3. Columns are hashes (Weinberger et al. 2009): no vocabulary need be kept, and two words share a column once in a
million. Source of the kind of model: Joachims 1998, "Text categorization with support vector machines"; Wang and Manning 2012 for pairs of words.
"""

from __future__ import annotations

import unicodedata
import zlib

import numpy as np
from numpy.typing import NDArray

from headstart.modality.repeats import mixed
from headstart.modality.scripts import WITHOUT_BLANKS, codes, script_of, words_in

COLUMNS = 1 << 20
RUNS, RUNS_WITHOUT_BLANKS = (2, 3, 4), (1, 2, 3)
CHARACTERS_READ = 100_000  # of a text: a book adds nothing after so many
RUNS_READ = 300  # characters from which runs are taken, where there are words: in long texts the words say it all, and runs cost ten times as much
_WORD_SEED, _PAIR_SEED, _RUN_SEED = (np.uint64(number << 40) for number in (1, 2, 3))


def counts(text: str) -> NDArray[np.float32]:
    """Columns and counts, ``(m, 2)``, columns ascending."""
    text = unicodedata.normalize("NFKC", text[:CHARACTERS_READ]).lower()
    blanks = script_of(text) not in WITHOUT_BLANKS
    hashed = _runs(" ".join(text.split()), RUNS, RUNS_READ) if blanks else _runs("".join(text.split()), RUNS_WITHOUT_BLANKS, CHARACTERS_READ)
    if blanks:
        words = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words_in(text)], np.uint64)
        hashed += [mixed(words | _WORD_SEED), mixed((words[:-1] * np.uint64(3) + words[1:]) | _PAIR_SEED)]
    columns, times = np.unique(np.concatenate(hashed) & np.uint64(COLUMNS - 1), return_counts=True)
    return np.stack([columns, times], axis=1).astype(np.float32)


def _runs(text: str, lengths: tuple[int, ...], most: int) -> list[NDArray[np.uint64]]:
    """A number for every run of so many characters, as often as it stands there."""
    points = codes(f" {text[:most]} ").astype(np.uint64)
    found = []
    for length in lengths:
        numbers = np.zeros(max(0, len(points) - length + 1), np.uint64)
        for place in range(length):
            numbers = mixed(numbers + points[place : place + len(numbers)] + np.uint64(1))
        found.append(mixed(numbers + _RUN_SEED + np.uint64(length)))
    return found
