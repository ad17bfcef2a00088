"""The page of a wake word: whether it is of use, in one plain sentence; numbers as people say them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.report.reader import read

from headstart.base.files import write_json
from headstart.report import write_report


def found(n_missed: int, n: int, *, promised: bool = False, test_hours: float = 0.05, n_wrong: int = 0) -> dict[str, Any]:
    """What ``keyword.json`` holds of a run."""
    none = {"value": n_wrong / test_hours, "low": 0.0, "high": 67.2, "n": n_wrong}
    point = {"threshold": 4.4387, "accepted": none, "hours": test_hours, "promised": promised, "hours_to_promise": 7.3778}
    arm = {"point": point, "missed": {"value": n_missed / n, "low": 0.0, "high": 1.0, "n": n}, "false_accepts_per_hour": none}
    result = {"asked": 0.5, "transfer": arm, "random": None, "test_hours": test_hours, "sentence": "Misses some.", "cautions": []}
    card = {"title": "A speech embedding", "licence": "Apache-2.0", "name": "speech"}
    return {"result": result, "card": card, "items": {"train": 4, "validation": 1, "test": n}, "split": "by recordings"}


def page(folder: Path, *rows: dict[str, Any], **more: Any) -> str:
    write_json(folder / "keyword.json", found(**more))
    write_json(folder / "mistakes.json", list(rows))
    (folder / "events.jsonl").write_text("".join(json.dumps({"kind": "end", "stage": "test", "seconds": 31.4}) + "\n" for _ in range(2)), encoding="utf-8")
    return read(write_report(folder).read_text(encoding="utf-8")).text


@pytest.mark.parametrize(
    ("n_missed", "n", "promised", "opening"),
    [
        (4, 4, False, "Not usable yet It misses 4 of 4 words at 0.00 false accepts an hour (none in 3.0 min)."),
        (3, 5, True, "Not usable yet It misses 3 of 5 words"),
        (1, 2, True, "Hears its word It misses 1 of 2 words"),
        (0, 1, False, "Hears its word, but promises nothing It misses 0 of 1 word at"),
    ],
)
def test_the_headline_says_whether_it_is_of_use(tmp_path: Path, n_missed: int, n: int, promised: bool, opening: str) -> None:
    text = page(tmp_path, n_missed=n_missed, n=n, promised=promised)
    assert opening in text
    assert ("o promise at most 0.5 false accepts an hour, 7.4 h of background without any would be needed" in text) == (not promised)


def test_the_threshold_and_the_missed_words_are_told_in_the_same_unit(tmp_path: Path) -> None:
    text = page(tmp_path, {"kind": "missed", "source": "a.wav", "seconds": None, "probability": 0.98469}, n_missed=1, n=1)
    assert "threshold 98.8 % sure" in text and "missed: a.wav (98.5 % sure that it was the word)" in text


def test_one_is_not_plural_and_short_times_are_minutes(tmp_path: Path) -> None:
    text = page(tmp_path, n_missed=0, n=1, n_wrong=1)
    assert "1 time: 20.00 an hour" in text and "3.0 min and 1 recording of the word" in text and "1 word of the test" in text
    assert "(1 in 3.0 min)" in text
    text = page(tmp_path, n_missed=0, n=2, test_hours=2.5)
    assert "0 times: 0.00 an hour" in text and "2.50 h and 2 recordings of the word" in text and "2 words of the test" in text


def test_date_duration_and_the_chinese_sentence_are_there_as_on_other_pages(tmp_path: Path) -> None:
    text = page(tmp_path, n_missed=2, n=2)
    assert " UTC " in text and "63 s" in text
    assert text.endswith("唤醒词：2 次中漏掉 2 次，每小时误唤醒 0.00 次；还不能用。")
