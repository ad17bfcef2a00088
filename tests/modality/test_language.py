"""Scripts, words and languages are told apart, and which networks can read them."""

from __future__ import annotations

import pytest

from headstart.modality import language
from headstart.modality.scripts import script_of, words_in


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The room", "Latin"),
        ("房间不错，离地铁站很近，有免费的 wifi", "Han"),
        ("房间 wifi", "mixed"),
        ("部屋はとてもきれいでした", "Kana"),
        ("Номер", "Cyrillic"),
        ("방이 아주", "Hangul"),
        ("10:30!", "no letters"),
    ],
)
def test_the_script_of_most_letters_is_the_texts(text: str, script: str) -> None:
    assert script_of(text) == script


def test_words_are_counted_as_a_reader_does() -> None:
    assert len(words_in("It's 3 o'clock, isn't it?")) == 5
    assert len(words_in("房间很好")) == 4


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("हिन्दी में लिखा गया वाक्य", 5),
        ("क्या यह ठीक है। हाँ॥", 5),
        ("বাংলা ভাষায় লেখা", 3),
        ("தமிழ் மொழி", 2),
        ("مَرْحَبًا بِكُم", 2),
        ("שָׁלוֹם עֲלֵיכֶם", 2),
        ("cafe\u0301 nai\u0308ve", 2),
        ("สวัสดีครับ ฿20", 8),  # seven letters with their signs, and a number
        ("\u0301 ❤\ufe0f", 0),
    ],
)
def test_words_hold_together_at_their_vowel_signs(text: str, n: int) -> None:
    assert len(words_in(text)) == n, words_in(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The flight was late and nobody told us", "en"),
        ("Der Flug war verspätet und wir haben nichts gehört", "de"),
        ("Le vol est en retard et nous ne savons pas", "fr"),
        ("航班延误了两个小时", "zh"),
        ("xyzzy", "other"),
        ("这个iPhone手机的WiFi信号很好", "zh"),
        ("MacBook Pro性价比高", "zh"),
        ("今天在Starbucks喝了一杯Latte很不错", "zh"),
        ("Netflixの新しいドラマが面白い", "ja"),
        ("아이폰 iPhone 최고", "ko"),
        ("Купил iPhone Pro Max, отличный", "ru"),
        ("We love Beijing (北京) for its food and its people", "en"),
        ("thanks a lot for that ツ", "en"),
        ("lol ω", "other"),
    ],
)
def test_a_language_is_told_by_its_script_or_its_little_words(text: str, code: str) -> None:
    assert language.guess(text) == code


def test_an_english_network_is_refused_for_chinese_and_said_so() -> None:
    shares = language.noticed(["航班延误了", "服务很好", "the staff was nice"])
    assert list(shares) == ["zh", "en"]
    assert not language.suits(["en"], shares) and language.suits(["multilingual"], shares) and language.suits(["zh", "en"], shares)
    assert "multilingual network is needed" in language.sentence(shares)
    assert language.sentence({"en": 1.0}) == "" == language.sentence({})
