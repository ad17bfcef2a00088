"""Which languages a text model without a card reads, and what stands before each text: from what its publisher wrote beside the weights.

In: a way to get small files: the model card (``README.md``), what sentence-transformers keeps, the tokenizer's words. Out: codes, a prefix; where nobody
says which languages and the words do not tell for sure, ``unknown``: the model then competes on every text, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from headstart.base.errors import InputError
from headstart.gallery.configs import read_config

README, PROMPTS = "README.md", "config_sentence_transformers.json"
README_BYTES = 1 << 20  # of a model card that are looked at: lists of benchmark scores before the languages take a tenth of it
MANY, UNKNOWN = "multilingual", "unknown"
NOBODY_SAYS = "nobody says which languages it reads, so it competes on texts in any"
BY_ITS_WORDS = "which languages it reads was told by the words of its tokenizer: nobody says it"
NOT_SAID = (NOBODY_SAYS, BY_ITS_WORDS)
# The front matter is YAML, of which one field is wanted: no parser, whose aliases can grow without bound, reads a stranger's file for it.
_FRONT = re.compile(r"\A\s*---[ \t]*\n(.*?)\n---", re.DOTALL)
_LANGUAGE = re.compile(r"^languages?:[ \t]*(\[[^\]]*\]|[^\n]*(?:\n[ \t]*-[ \t][^\n]*)*)", re.MULTILINE)
_CODE = re.compile(r"[a-z]{2,3}")
# Other spellings than those of ISO 639-1, of the languages that are noticed in texts.
_SPELLINGS = {"mul": MANY, "multi": MANY, MANY: MANY, "zho": "zh", "chi": "zh", "cmn": "zh", "chinese": "zh", "eng": "en", "english": "en"}
_SPELLINGS |= {"jpn": "ja", "japanese": "ja", "kor": "ko", "korean": "ko", "deu": "de", "ger": "de", "german": "de", "fra": "fr", "fre": "fr", "french": "fr"}
_SPELLINGS |= {"spa": "es", "spanish": "es", "ita": "it", "italian": "it", "por": "pt", "portuguese": "pt", "nld": "nl", "dut": "nl", "dutch": "nl"}
_SPELLINGS |= {"rus": "ru", "russian": "ru", "ara": "ar", "arabic": "ar"}
# What those who speak them call them, for whoever looks for a model; and how Chinese readers call English.
_OWN_NAMES = {
    "zh": "中文 汉语",
    "en": "英文 英语",
    "ja": "日本語 日语",
    "ko": "한국어 韩语",
    "de": "deutsch",
    "fr": "français",
    "es": "español",
    MANY: "多语言",
}
_HAN, _CYRILLIC = re.compile("[\u3400-\u9fff]"), re.compile("[\u0400-\u04ff]")
WORDS_MIN = 1000  # of a vocabulary that can tell
# Share of the words with letters. Of bert-base-chinese two thirds hold Chinese, of XLM-RoBERTa 8 % (and 13 % Cyrillic), of an English BERT 2 % (0.3 %).
CHINESE_SHARE, MANY_SHARE = 0.4, 0.04
QUERY, PASSAGE = "query: ", "passage: "  # what E5 was taught to see before its texts; the first for everything but what is searched in
_E5 = re.compile(r"(?:^|[-_.])e5(?:[-_.]|$)(?!.*instruct)")
PREFIX_LIMIT = 1000  # characters: a longer one would leave no room for the text


def spellings(languages: Collection[str]) -> str:
    """Every word by which somebody may look for a model that reads these languages; one that reads many is found by each.

    Example:
        >>> spellings(["zh"])
        'zh zho chi cmn chinese 中文 汉语'
        >>> "中文" in spellings(["multilingual"]), "chinese" in spellings(["en"])
        (True, False)
    """
    codes = dict.fromkeys((*languages, *(_SPELLINGS.values() if MANY in languages else ())))
    return " ".join(" ".join(filter(None, (code, *(word for word, known in _SPELLINGS.items() if known == code), _OWN_NAMES.get(code)))) for code in codes)


def readme(get: Callable[[str], Path | None]) -> str:
    """The beginning of the model card, or nothing.

    Args:
        get: Gives the place of a small file beside the weights, or None.
    """
    path = get(README)
    if path is None:
        return ""
    with path.open("rb") as stream:
        return stream.read(README_BYTES).decode("utf-8-sig", "replace").replace("\r\n", "\n")


def languages_of(readme: str, tokenizer: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """The languages that a model reads, and a caveat where its publisher does not say.

    Args:
        readme: Its model card.
        tokenizer: The plain values of its ``tokenizer.json``.
    """
    front = _FRONT.match(readme)
    said = _LANGUAGE.search(front[1]) if front else None
    if said and (named := codes(re.findall(r"[^\s,\[\]\"']+", re.sub(r"^[ \t]*-[ \t]|#.*$", "", said[1], flags=re.MULTILINE)))):
        return named, ""
    spoken = _by_words(tokenizer.get("model"))
    return ((spoken,), BY_ITS_WORDS) if spoken else ((UNKNOWN,), NOBODY_SAYS)


def prefix_of(readme: str, get: Callable[[str], Path | None], name: str) -> str:
    """What stands before every text that is to be classified: the model's own prompt for that, or E5's.

    A prompt for searching alone ("Represent this sentence for searching …") is not taken: it was not taught for anything else.
    """
    path = get(PROMPTS)
    plain = read_config(path) if path is not None else {}
    given = plain.get("prompts")
    prompts = {key.lower(): said for key, said in given.items() if isinstance(said, str) and len(said) <= PREFIX_LIMIT} if isinstance(given, dict) else {}
    for key in (str(plain.get("default_prompt_name")).lower(), "classification"):
        if key in prompts:
            return prompts[key]
    is_e5 = prompts.get("query") == QUERY or (f'"{QUERY}"' in readme and f'"{PASSAGE}"' in readme) or _E5.search(name.lower())
    return QUERY if is_e5 else ""


def codes(words: Iterable[str]) -> tuple[str, ...]:
    """Languages as cards write them (``zh-CN``, ``Chinese``) as codes, ``multilingual`` alone where it is among them; what is no language is left out.

    Example:
        >>> codes(["zh-CN", "English", "-"]), codes(["multilingual", "af"])
        (('zh', 'en'), ('multilingual',))
    """
    parts = (re.split(r"[-_]", word.strip().lower())[0] for word in words)
    found = tuple(dict.fromkeys(code for part in parts if _CODE.fullmatch(code := _SPELLINGS.get(part, part)) or code == MANY))
    return (MANY,) if MANY in found else found


def told(languages: Collection[str]) -> tuple[str, ...]:
    """Languages that a user names.

    Raises:
        InputError: when one of them is no code.
    """
    wrong = [one for one in languages if not codes([one])]
    if wrong:
        raise InputError("--languages takes codes of two letters", got=", ".join(wrong), allowed=["zh", "en", MANY], fix="--languages zh,en")
    return codes(languages)


def _by_words(model: Any) -> str:
    """The language that most words of a vocabulary are in, or many; empty where they do not tell: those of byte-level tokenizers are no letters."""
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    words = vocabulary if isinstance(vocabulary, dict) else [one[0] for one in vocabulary or () if isinstance(one, list) and one]
    spelt = [word for word in map(str, words) if any(map(str.isalpha, word))]
    if len(spelt) < WORDS_MIN:
        return ""
    han, cyrillic = (sum(script.search(word) is not None for word in spelt) / len(spelt) for script in (_HAN, _CYRILLIC))
    return "zh" if han >= CHINESE_SHARE else MANY if min(han, cyrillic) >= MANY_SHARE else ""
