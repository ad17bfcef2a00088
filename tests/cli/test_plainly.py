"""What labels and file names hold is shown on the terminal and never obeyed by it."""

from __future__ import annotations

import io
import json
import sys

import pytest
from rich.text import Text

from headstart.cli.show import Plainly, answer, answer_json, table
from headstart.data.listing import plain, printable

EVIL = "cat\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\x08"


def obeyed(text: str) -> list[str]:
    return [letter for letter in text if (ord(letter) < 32 and letter != "\n") or 126 < ord(letter) < 160 or "\u202a" <= letter <= "\u202e"]


def test_tables_texts_and_titles_show_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    answer(Text(EVIL), table(EVIL, [EVIL], [[EVIL], [Text(EVIL, style="bold")]]), EVIL)
    shown = capsys.readouterr().out
    assert obeyed(shown) == [] and r"\x1b]0;owned" in shown and r"\u202e" in shown


def test_colours_of_our_own_stay() -> None:
    console = Plainly(file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text(f"{EVIL}", style="red"))
    assert console.file.getvalue().count("\x1b") == 2  # type: ignore[attr-defined]  # on, off


def test_json_keeps_the_value_by_its_own_escapes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert sys.stdout.encoding
    answer_json({"label": EVIL})
    shown = capsys.readouterr().out
    assert obeyed(shown) == [] and json.loads(shown) == {"label": EVIL}


def test_labels_and_sources_of_a_data_set_are_harmless_from_the_start() -> None:
    assert obeyed(plain(EVIL)) == obeyed(printable(EVIL)) == [] and plain("猫 é") == "猫 é" and printable("a b/猫.png") == "a b/猫.png"


def test_a_word_between_colons_stays_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    answer(table("", ["text"], [["I am :angry: about :coffee:"]]), "and :tea:")
    shown = capsys.readouterr().out
    assert ":angry:" in shown and ":coffee:" in shown and ":tea:" in shown
