"""What a person is told of a table's columns and labels: which were taken, which others could be meant, and which labels may be slips."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.modality.sounds import RATE, word

from headstart.base.events import Event
from headstart.data import Profile, load, profile, split
from headstart.data.labels import to_look_at
from headstart.modality.sound import wav

TEXTS = ("the room was clean", "the bed was soft", "a fine breakfast", "we come again", "loud all night", "cold and dark", "nobody helped", "far too dear")


@pytest.fixture(autouse=True)
def _home(empty_home: Path) -> None:
    """What is examined here is forgotten afterwards."""


def told(path: Path, header: str, *labels: str, **columns: str) -> tuple[Profile, list[str]]:
    """The profile of a table whose rows take turns with these cells behind their text, and the notes that a fit would show."""
    rows = [(f"{text} {number}", *labels[(number + place) % len(labels)].split(",")) for number in range(3) for place, text in enumerate(TEXTS)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    heard: list[Event] = []
    dataset = load(path, sink=heard.append, **columns)
    return profile(dataset, split(dataset)), [event.text for event in heard if event.kind == "note"]


def test_the_columns_that_were_taken_are_named_and_so_are_others_that_could_be_meant(tmp_path: Path) -> None:
    told_of, heard = told(tmp_path / "x.csv", "text,sentiment,topic,category", "good,bed,a", "bad,food,b")
    assert told_of.columns == {"text": "text", "label": "category"} and heard[0] == "columns: text from text, label from category"
    other = "the labels are those of the column category; sentiment, topic could be the label too: --label sentiment"
    assert other in told_of.notes and other in heard


def test_a_column_of_answers_could_be_the_text_and_is_not_taken_unasked(tmp_path: Path) -> None:
    told_of, _ = told(tmp_path / "x.csv", "question,answer,topic", "yes indeed,bed", "by no means,food")
    assert told_of.columns == {"text": "question", "label": "topic"}
    assert "the texts are those of the column question; answer could be the text too: --text answer" in told_of.notes


def test_a_column_that_the_user_names_and_one_without_a_rival_raise_no_doubt(tmp_path: Path) -> None:
    named, _ = told(tmp_path / "x.csv", "text,sentiment,topic", "good,bed", "bad,food", label="topic")
    alone, _ = told(tmp_path / "y.csv", "text,sentiment,length", "good,1", "bad,2")
    assert named.columns["label"] == "topic" and alone.columns["label"] == "sentiment"
    assert not [note for one in (named, alone) for note in one.notes if "could be" in note]


def test_labels_that_differ_in_case_or_look_missing_are_classes_and_pointed_out(tmp_path: Path) -> None:
    told_of, heard = told(tmp_path / "x.csv", "text,label", "NEGATIVE", "negative", "NA")
    assert [one.name for one in told_of.classes] == ["NA", "NEGATIVE", "negative"]
    for said in ("case, blanks or width are classes of their own: NEGATIVE and negative", "look as if one were missing are classes too: NA"):
        assert any(said in note for note in told_of.notes) and any(said in note for note in heard)


def test_folders_of_a_wake_word_name_the_task_that_teaches_one(tmp_path: Path) -> None:
    for place, name in enumerate(("positive", "negative", "background")):
        (tmp_path / "my word" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "my word" / name / f"{number}.wav").write_bytes(wav(word(10 * place + number), RATE))
    assert any(f"headstart fit '{tmp_path}/my word' --task keyword" in note for note in load(tmp_path / "my word").notes)
    (tmp_path / "my word" / "background").rename(tmp_path / "my word" / "neutral")
    assert not load(tmp_path / "my word").notes


@pytest.mark.parametrize("names", [("TRUE", "true"), ("so  so", "so so"), ("Ａ", "A"), ("nan",), ("None",), ("null",), ("无",), ("N/A",)])
def test_a_label_that_may_be_a_slip_is_pointed_out(names: tuple[str, ...]) -> None:
    (note,) = to_look_at([*names, "fine"])
    assert all(name in note for name in names)


def test_ordinary_labels_are_not_pointed_out() -> None:
    assert to_look_at(["positive", "negative", "neutral", "1", "01", "nano"]) == ()
