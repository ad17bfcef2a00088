"""Which languages a data set's texts are in, and which backbones can read them: texts in, shares by language out; a card's languages in, yes or no out.

The script decides for most languages of the world; among those in Latin letters the commonest little words do. That is coarse on purpose: it has to tell
whether an English network will do or one for many languages is needed, and errs towards the latter only where words were seen that are not English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from headstart.modality.scripts import MOSTLY, letters_in, words_in

MANY = "multilingual"  # what a card says that reads about a hundred languages
UNKNOWN = "unknown"  # what a card says of which nobody knows it
OTHER = "other"
OF_SCRIPT = {"Han": "zh", "Kana": "ja", "Hangul": "ko", "Thai": "th", "Greek": "el", "Hebrew": "he", "Armenian": "hy", "Georgian": "ka", "Tamil": "ta"}
OF_SCRIPT |= {"Cyrillic": "ru", "Arabic": "ar", "Devanagari": "hi", "Bengali": "bn"}  # the language that most of those who write it speak
TITLES = {"en": "English", "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian"}
TITLES |= {"pt": "Portuguese", "nl": "Dutch", "ru": "Russian or another language in Cyrillic", "ar": "Arabic or another language in its letters"}
_LITTLE_WORDS = {
    "en": "the and is was of to for you that this with not are have it on my be at so but your from they just will has were what",
    "de": "der die das und ist nicht ich mit ein eine auf für den dem es von zu sich auch sehr aber wie war bei wir nur noch",
    "fr": "le les des et est une pas que je pour dans qui sur avec ce très mais plus nous vous au du il elle cette sont",
    "es": "el los las y es una no que por para con muy pero del se lo más como está este son fue mi al todo",
    "it": "il di che è e non per una con sono molto gli della ma anche come più questo del nel alla ho",
    "pt": "o os as e é uma não que para com muito mas do da em no na se por mais como foi um eu ao",
    "nl": "de het een en is niet ik van dat op met voor zijn maar ook aan er heel bij naar was wij nog te",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _LITTLE_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)
LOOKED_AT = 400  # texts
LOOKED_AT_CHARACTERS = 2000  # of each
# Of the letters of a text, from which on those that are not Latin name its language: one Han character says what three or four Latin letters do, so that in
# "MacBook Pro性价比高" they are the larger part of what is said. A single letter (ツ, ω) is a face.
NOTABLE, NOTABLE_LETTERS = 0.2, 2
SURE_WORDS = 2  # little words that make it plain which language a single text is in
LEAST_SHARE = 0.05  # of the texts: fewer in another language do not decide which network is needed


def guess(text: str, least_words: int = 1) -> str:
    """A language's code, or ``other`` where nothing tells.

    Args:
        text: Its beginning is looked at.
        least_words: How many common little words have to speak for a language in Latin letters.

    Example:
        >>> guess("The room was clean, but the staff..."), guess("房间很干净"), guess("Das Zimmer war nicht sauber")
        ('en', 'zh', 'de')
        >>> guess("这个iPhone手机的WiFi信号很好")
        'zh'
    """
    text = text[:LOOKED_AT_CHARACTERS]
    counts = letters_in(text)
    total, script = sum(counts.values()), max(OF_SCRIPT, key=lambda one: counts.get(one, 0))
    letters = counts.get(script, 0)
    if letters and (letters >= MOSTLY * total or letters >= max(NOTABLE_LETTERS, NOTABLE * total)):
        return OF_SCRIPT[script]
    votes = Counter(language for word in words_in(text.lower()) for language in _LANGUAGES_OF.get(word, ()))
    most = max(votes.values(), default=0)
    return next((language for language in _LITTLE_WORDS if most >= least_words and votes[language] == most), OTHER)


def noticed(texts: Sequence[str]) -> dict[str, float]:
    """The share of each language among texts, the largest first; those in which nothing tells are not counted."""
    step = max(1, len(texts) // LOOKED_AT)
    counts = Counter(guess(text) for text in texts[::step])
    counts.pop(OTHER, None)
    total = sum(counts.values())
    return {language: count / total for language, count in counts.most_common()}


def suits(languages: Collection[str], shares: Mapping[str, float]) -> bool:
    """Can a network that was taught these languages read the texts?

    Args:
        languages: What its card says: codes, ``multilingual``, or ``unknown``: then evidence decides.
        shares: What `noticed` found.

    Example:
        >>> suits(["en"], {"zh": 1.0}), suits(["multilingual"], {"zh": 1.0}), suits(["en"], {"en": 0.97, "es": 0.03})
        (False, True, True)
    """
    return MANY in languages or UNKNOWN in languages or all(language in languages for language, share in shares.items() if share >= LEAST_SHARE)


def not_read(texts: Sequence[str], languages: Collection[str]) -> Counter[str]:
    """How many texts are in each language that a network was not taught; one little word (`die`, `no`) does not make a text German or Spanish.

    Args:
        texts: All of them are looked at.
        languages: What the network's card says: of one for many languages, or of which nobody knows it, none is counted.

    Example:
        >>> not_read(["房间很干净", "a clean room", "die hard"], ["en"]), not_read(["房间很干净"], ["multilingual"])
        (Counter({'zh': 1}), Counter())
    """
    if MANY in languages or UNKNOWN in languages:
        return Counter()
    return Counter(found for text in texts if (found := guess(text, SURE_WORDS)) != OTHER and found not in languages)


def sentence(shares: Mapping[str, float]) -> str:
    """What was noticed, and which networks that asks for; empty where it is English, or nothing was noticed.

    Example:
        >>> sentence({"zh": 0.98, "en": 0.02})
        'the texts are in Chinese: a multilingual network is needed, an English one cannot read them'
    """
    found = [language for language, share in shares.items() if share >= LEAST_SHARE]
    if found in ([], ["en"]):
        return ""
    said = ", ".join(TITLES.get(language, language) for language in found)
    return f"the texts are in {said}: a multilingual network is needed, an English one cannot read them"
