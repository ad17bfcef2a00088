"""Which letters a text is written in, and how many characters and words it has: text in, the name of a script and counts out, by ranges of Unicode."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

# First and last letter of each block, from Unicode 16, Blocks.txt; blocks of one script stand under one name.
_BLOCKS = (
    (0x41, 0x5A, "Latin"),
    (0x61, 0x7A, "Latin"),
    (0xC0, 0x24F, "Latin"),
    (0x370, 0x3FF, "Greek"),
    (0x400, 0x52F, "Cyrillic"),
    (0x530, 0x58F, "Armenian"),
    (0x590, 0x5FF, "Hebrew"),
    (0x600, 0x6FF, "Arabic"),
    (0x750, 0x77F, "Arabic"),
    (0x900, 0x97F, "Devanagari"),
    (0x980, 0x9FF, "Bengali"),
    (0xB80, 0xBFF, "Tamil"),
    (0xE00, 0xE7F, "Thai"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1100, 0x11FF, "Hangul"),
    (0x1E00, 0x1EFF, "Latin"),
    (0x3040, 0x30FF, "Kana"),
    (0x3400, 0x4DBF, "Han"),
    (0x4E00, 0x9FFF, "Han"),
    (0xAC00, 0xD7AF, "Hangul"),
    (0xF900, 0xFAFF, "Han"),
    (0x20000, 0x323AF, "Han"),
)
_NAMES = tuple(dict.fromkeys(name for *_, name in _BLOCKS))
_STARTS = np.array([first for first, *_ in _BLOCKS])
_ENDS = np.array([last for _, last, _ in _BLOCKS])
_SCRIPT = np.array([_NAMES.index(name) for *_, name in _BLOCKS])
MOSTLY = 0.7  # share of the letters that makes a script a text's own
KANA_SHARE = 0.1  # of Han and Kana together: so much Kana means Japanese
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
SIGNS = "".join(chr(n) for n in range(0x300, 0x2000) if unicodedata.category(chr(n)).startswith("M"))  # vowel signs and accents: no letters to ``\\w``
_ALONE = rf"{HAN}\u3040-\u30ff\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46"  # letters of scripts that put no blanks between words
_TOGETHER = rf"[^\W_{_ALONE}]+(?:[{SIGNS}]+[^\W_{_ALONE}]*)*"
_WORD = re.compile(rf"[{_ALONE}][{SIGNS}]*|{_TOGETHER}(?:['’]{_TOGETHER})*")
WITHOUT_BLANKS = frozenset({"Han", "Kana", "Thai"})  # scripts that put no blanks between words


def codes(text: str) -> NDArray[np.uint32]:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "replace"), np.dtype("<u4"))


def letters_in(text: str) -> dict[str, int]:
    """How many letters of each script a text has; where Kana is a notable part of Han and Kana together, both are ``Kana``: that is Japanese.

    Example:
        >>> letters_in("Hi, 世界"), letters_in("部屋は")
        ({'Latin': 2, 'Han': 2}, {'Kana': 3})
    """
    points = codes(text)
    block = np.searchsorted(_STARTS, points, side="right") - 1
    letters = (block >= 0) & (points <= _ENDS[block])
    counts = dict(zip(_NAMES, np.bincount(_SCRIPT[block[letters]], minlength=len(_NAMES)).tolist(), strict=True))
    kana, both = counts["Kana"], counts["Kana"] + counts["Han"]
    counts |= {"Kana": both, "Han": 0} if kana >= KANA_SHARE * both else {"Kana": 0, "Han": both}
    return {name: count for name, count in counts.items() if count}


def script_of(text: str) -> str:
    """The script of most letters: ``Latin``, ``Han``, ``Kana`` (Japanese), ``Cyrillic`` …; ``mixed``, or ``no letters``.

    Example:
        >>> script_of("Hi, 世界"), script_of("房间很干净，早餐不错，有wifi"), script_of("12:30")
        ('mixed', 'Han', 'no letters')
    """
    counts = letters_in(text)
    if not counts:
        return "no letters"
    most = max(counts, key=counts.__getitem__)
    return most if counts[most] >= MOSTLY * sum(counts.values()) else "mixed"


def words_in(text: str) -> list[str]:
    """Words as a reader counts them; where no blanks stand between words, every character with its signs.

    Example:
        >>> words_in("don't panic 别慌"), len(words_in("हिन्दी में")), len(words_in("ครับ"))
        (["don't", 'panic', '别', '慌'], 2, 3)
    """
    return _WORD.findall(text)
