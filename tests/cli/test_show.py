"""Answers: one JSON object that any program can read, tables that fit 80 columns and keep Chinese in line."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from headstart import gallery
from headstart.cli.gallery import cards_parts, taken
from headstart.cli.records import in_words
from headstart.cli.show import answer_json, in_seconds, table
from headstart.report import words


@dataclass(frozen=True)
class Kept:
    """A record with everything that JSON has no word for."""

    path: Path
    counts: np.ndarray
    one: np.float32
    broken: float


def drawn(width: int, *parts: object) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in parts:
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_json_holds_paths_arrays_and_numbers_and_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    answer_json(Kept(Path("花/a.png"), np.array([1, 2]), np.float32(0.5), float("nan")))
    assert json.loads(capsys.readouterr().out) == {"path": "花/a.png", "counts": [1, 2], "one": 0.5, "broken": None}


def test_a_table_fits_80_columns_and_lines_up_chinese_by_width() -> None:
    rows = [("郁金香", 12, "a" * 90), ("tulip", 7, "short"), ("玫瑰", 1_000, "也很短")]
    lines = drawn(80, table("类别", ["class", "n", "note"], rows, numbers=["n"])).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert {cell_len(line[: line.index(note)]) for line, note in zip(lines[-2:], ["short", "也很短"], strict=True)} == {
        cell_len(lines[1][: lines[1].index("note")])
    }


def test_a_narrow_table_leaves_columns_out_whole_and_names_them_but_never_the_first_and_cuts_no_number() -> None:
    made = table("", ["class", "found", "note", "right"], [("tulip", "100.0 % (64 to 100)", "long enough", "12.5")], numbers=["found", "right"], least=["note"])
    assert drawn(60, made).split("\n")[1].split() == ["tulip", "100.0", "%", "(64", "to", "100)", "long", "enough", "12.5"]
    assert "too narrow for: note (COLUMNS=" in drawn(34, made) and "12.5" in drawn(34, made)
    narrow = drawn(30, made)
    assert "too narrow for: note, right" in narrow and "100.0 % (64 to 100)" in narrow and narrow.splitlines()[1].startswith("tulip")
    needed = int(narrow.split("COLUMNS=")[1].split()[0])
    assert "too narrow" not in drawn(needed, made) and "too narrow" in drawn(needed - 1, made)


def test_two_columns_of_one_name_each_keep_their_own_cells() -> None:
    assert drawn(40, table("", ["truth", "all", "all"], [("tulip", 1, 2)], numbers=["all"])).splitlines()[1].split() == ["tulip", "1", "2"]


def test_a_name_wider_than_the_screen_is_folded_not_cut() -> None:
    assert "".join(drawn(10, table("", ["run", "kept"], [("a" * 25, "plain")], whole=["run"])).split("too")[0].split()[1:]) == "a" * 25


def test_names_from_the_users_data_are_never_markup() -> None:
    assert "[red]x[/red]" in drawn(80, table("", ["class"], [("[red]x[/red]",)]))


def test_a_measured_number_is_shown_with_its_interval() -> None:
    assert in_words({"value": 0.8512345, "low": 0.8, "high": 0.9, "n": 160}) == "0.8512 (95 % 0.8 to 0.9, n = 160)"
    assert in_words({"points": 7.2, "low": 3.1, "high": 11.4}) == "7.2 (95 % 3.1 to 11.4)"


def test_the_terminal_and_the_pages_say_a_span_of_time_alike() -> None:
    spans = (0.01, 0.42, 9.96, 59.6, 119.7, 251.6, 3599.7, 7170.0)
    assert [in_seconds(span) for span in spans] == [words.seconds(span) for span in spans]
    assert [in_seconds(span) for span in spans[-4:]] == ["2 min 00 s", "4 min 12 s", "1 h 00 min", "2 h 00 min"]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_gallery_says_what_a_model_takes_and_breaks_no_name_whatever_the_width(width: int, empty_home: Path) -> None:
    lines = drawn(width, *cards_parts(gallery.cards(), (), width)).splitlines()
    assert max(map(cell_len, lines)) <= width and all(word in lines[1] for word in ("name", "takes", "download", "licence"))
    for name, unit in (("efficientnet_lite0", "pictures"), ("e5_small_multilingual", "texts"), ("speech_embedding", "clips")):
        assert any(line.split()[:2] == [name, unit] for line in lines)


def test_the_input_of_a_text_model_names_its_languages_in_words() -> None:
    assert taken(gallery.card("minilm_l6").input).startswith("texts in English of up to")
    assert taken(gallery.card("e5_small_multilingual").input).startswith("texts in about a hundred languages (Chinese, English among them) of up to")
