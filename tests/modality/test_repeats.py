"""The same text, sent again, is known by its thumbnail; other texts are not, short ones least of all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.modality import repeats

TWEET = "@JetBlue's new CEO seeks the right balance to please passengers and Wall Street http://t.co/NzDXRvszWv"
REVIEW = "性价比非常好的酒店，房间设施超好，卫生间非常干净，装修很有欧式风格，就是枕头不太舒服，一个太低，两个太高。"


def thumbnails(*texts: str) -> np.ndarray:
    return np.stack([np.frombuffer(repeats.thumbnail(text), np.uint8) for text in texts])


def alike(left: str, right: str) -> bool:
    return bool(repeats.alike(thumbnails(left), thumbnails(right))[0])


@pytest.mark.parametrize(
    "again",
    [
        "RT @united: " + TWEET,
        TWEET.replace("NzDXRvszWv", "w8MTmSP2RY"),
        TWEET.upper().replace("HTTP", "http"),
        TWEET.replace("@JetBlue's", "@united's"),
        TWEET + " !!!",
        TWEET.replace("passengers", "its passengers"),
    ],
)
def test_a_tweet_sent_again_is_the_same(again: str) -> None:
    assert alike(TWEET, again)


@pytest.mark.parametrize("again", ["补充点评 2008年7月20日 ： " + REVIEW, REVIEW.replace("非常干净", "很干净"), REVIEW[:-1] + "！！"])
def test_a_review_posted_again_is_the_same(again: str) -> None:
    assert alike(REVIEW, again)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (TWEET, "@JetBlue lost my bag again and nobody answers the phone http://t.co/NzDXRvszWv"),
        (REVIEW, "房间太小，设施陈旧，服务员态度很差，下次不会再住了，周围也没有什么吃饭的地方。"),
        ("@united thanks", "@JetBlue thanks"),
        ("thank you so much", "thank you very much"),
        ("很好", "不好"),
        ("@united you guys are awesome! Thanks!", "@united you people are awful. Never again!"),
    ],
)
def test_other_texts_are_others(left: str, right: str) -> None:
    assert not alike(left, right)


def test_vowel_signs_tell_texts_apart() -> None:
    said = "यह होटल बहुत अच्छा था और कमरा साफ था, हम फिर आएंगे"
    assert alike(said, said + "!!") and not alike("की", "का")
    assert not alike(said, "".join(letter for letter in said if letter.isalpha() or letter == " "))


def test_short_texts_are_the_same_only_word_by_word() -> None:
    assert alike("Thanks!", "thanks")
    assert alike("👍👍", "👍👍") and not alike("👍👍", "👎👎")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_every_text_has_a_thumbnail_of_one_length_and_is_like_itself(text: str) -> None:
    raw = thumbnails(text)
    assert raw.shape == (1, repeats.SIDE) and repeats.alike(raw, raw).all()
    assert np.isclose(np.linalg.norm(repeats.sketch(raw)), 1)
