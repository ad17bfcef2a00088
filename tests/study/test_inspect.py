"""What lies there is described as a fit would take it: in so many rounds, and a wake word as a wake word."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.study.keyword_data import lay_out, rustle

import headstart
from headstart.base.errors import InputError
from headstart.cli.profile import classes_table
from headstart.data.labels import BACKGROUND, OTHER_WORDS, THE_WORD
from headstart.modality.sound import wav
from headstart.planning.rules import judged_in
from headstart.study.keyword_sides import WORDS


def test_a_wake_word_is_shown_by_words_voices_and_hours_and_needs_no_four_recordings_of_background(tmp_path: Path, empty_home: Path) -> None:
    lay_out(tmp_path)
    for number, file in enumerate(sorted((tmp_path / "background").iterdir())):
        if number:
            file.unlink()
        else:
            file.write_bytes(wav(rustle(1, 160.0), 16_000))
    for number, file in enumerate(sorted((tmp_path / "positive").iterdir())):
        (tmp_path / "positive" / f"voice {number // 2}").mkdir(exist_ok=True)
        file.rename(tmp_path / "positive" / f"voice {number // 2}" / file.name)
    found = headstart.inspect(tmp_path)
    assert found.size == "a wake word" and "the word 10 times by 5 speakers" in found.advice and "2.7 min of background" in found.advice
    assert f"headstart fit {tmp_path} --task keyword" in found.advice and any("background is one recording" in note for note in found.notes)
    assert not any("unequal classes" in note for note in found.notes)


def test_a_class_beside_those_of_a_wake_word_makes_it_classes(tmp_path: Path, empty_home: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "door").mkdir()
    (tmp_path / "door" / "1.wav").write_bytes(wav(rustle(3, 1.0), 16_000))
    with pytest.raises(InputError, match="class door has 1 readable example"):
        headstart.inspect(tmp_path)


def test_the_labels_of_a_wake_word_are_those_that_the_task_takes() -> None:
    assert tuple(map(frozenset, WORDS.values())) == (THE_WORD, OTHER_WORDS, BACKGROUND)


def test_where_a_fit_would_judge_in_rounds_so_does_what_is_told_of_the_data(tmp_path: Path, empty_home: Path) -> None:
    table = tmp_path / "reviews.csv"
    draw = random.Random(0)
    said = [" ".join("".join(draw.choices("abcdefghij", k=6)) for _ in range(8)) for _ in range(40)]
    table.write_text("text,label\n" + "".join(f"{one},{n % 2}\n" for n, one in enumerate(said)))
    found = headstart.inspect(table)
    rounds = judged_in(sum(one.test for one in found.classes), ())
    assert found.rounds == rounds.value == 5 and found.split == rounds.why
    assert "validation" not in str(vars(classes_table(found).renderables[1])["columns"])  # type: ignore[attr-defined]
