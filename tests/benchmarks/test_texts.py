"""The labelled texts of the benchmarks: topics by their words, repeats and contradictions left out, files as they were pinned."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from benchmarks.texts import once, texts, topic_of


def test_a_tweet_about_an_airline_is_that_whatever_else_it_names() -> None:
    assert topic_of("@JetBlue my iPhone died") == "airline" and topic_of("my iPhone died") == "apple"
    assert topic_of("Apple's self-driving car") == "other" == topic_of("lunch")


def test_repeats_are_kept_once_and_contradictions_not_at_all() -> None:
    assert list(once([("a", "x"), ("a", "x"), ("b", "x"), ("b", "y"), ("", "x")])) == [("a", "x")]


@pytest.mark.network
@pytest.mark.parametrize(("name", "n", "n_classes"), [("airline", 14_403, 3), ("books-zh", 3_850, 2), ("hotels-zh", 7_773, 2)])
def test_the_fetched_texts_are_as_many_as_were_counted(gallery_home: Path, name: str, n: int, n_classes: int) -> None:
    with texts(name).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == n and len({row["label"] for row in rows}) == n_classes and len({row["text"] for row in rows}) == n
