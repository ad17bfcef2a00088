"""What a run decided is found again after a kill, in one piece; what is damaged is named and decided anew."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.base.events import Event
from headstart.base.journal import JOURNAL, Journal, afresh, begin, recall_record, reopen


@dataclass(frozen=True)
class Speed:
    """A record."""

    precision: str
    seconds: float
    n: int = 1


VALUES = {"a": 1.1 / 3, "b": ["花", None, True], "c": {"x": float("inf")}}


def written(folder: Path) -> Journal:
    journal = begin(folder, time.perf_counter())
    for key, value in VALUES.items():
        journal.recall(key, lambda value=value: value)
    return journal


def heard(folder: Path) -> tuple[Journal, list[str]]:
    events: list[Event] = []
    return reopen(folder, time.perf_counter(), events.append), [event.text for event in events]


def never() -> Any:
    raise AssertionError("it was computed again")


def test_a_value_is_computed_once_in_a_runs_life(tmp_path: Path) -> None:
    first = written(tmp_path)
    again, notes = heard(tmp_path)
    for journal in (first, again):
        assert {key: journal.recall(key, never) for key in VALUES} == VALUES
    assert not notes and again.find("d") is None


def test_what_is_recorded_now_looks_as_it_will_look_when_it_is_recalled(tmp_path: Path) -> None:
    assert begin(tmp_path, 0.0).recall("pair", lambda: (1, 2)) == [1, 2]
    with pytest.raises(TypeError, match="plain values only"):
        begin(tmp_path, 0.0).recall("array", lambda: np.zeros(2))


def test_a_record_comes_back_as_a_record(tmp_path: Path) -> None:
    speed = Speed("float32", 0.1, 2)
    assert recall_record(begin(tmp_path, 0.0).recall, Speed, "step", lambda: speed) == speed
    assert recall_record(heard(tmp_path)[0].recall, Speed, "step", never) == speed
    assert recall_record(afresh, Speed, "step", lambda: speed) == speed


def test_parts_have_keys_of_their_own_and_the_latest_note_counts(tmp_path: Path) -> None:
    journal = begin(tmp_path, 0.0)
    assert [journal.within(name).recall("key", lambda name=name: name) for name in ("round 1", "round 2")] == ["round 1", "round 2"]
    journal.note("piece", 1)
    journal.note("piece", 2)
    again = heard(tmp_path)[0]
    assert again.within("round 2").find("key") == "round 2" and again.find("piece") == 2


def test_a_journal_without_a_file_keeps_nothing() -> None:
    journal = Journal()
    assert journal.recall("key", lambda: 1) == 1 and journal.recall("key", lambda: 2) == 2 and journal.find("key") is None


def test_the_clock_goes_on_where_it_stopped_and_an_instant_stays_where_it_was(tmp_path: Path) -> None:
    first = begin(tmp_path, time.perf_counter() - 100.0)
    instant = first.instant("race")
    again = heard(tmp_path)[0]
    assert again.seconds == pytest.approx(100.0, abs=1.0)
    assert time.perf_counter() - again.instant("race") == pytest.approx(time.perf_counter() - instant, abs=1.0)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_dropped_and_said(tmp_path: Path, cut: int) -> None:
    written(tmp_path)
    file = tmp_path / JOURNAL
    file.write_bytes(file.read_bytes()[:-cut])
    journal, notes = heard(tmp_path)
    assert len(notes) == 1 and "in the middle of a line" in notes[0]
    assert journal.find("b") == VALUES["b"] and journal.recall("c", lambda: 7) == 7
    assert heard(tmp_path)[0].recall("c", never) == 7 and not heard(tmp_path)[1]


def test_any_flipped_bit_is_found_and_named_and_what_stands_behind_it_is_decided_anew(tmp_path: Path) -> None:
    written(tmp_path)
    file = tmp_path / JOURNAL
    whole = file.read_bytes()
    ends = [n for n, byte in enumerate(whole) if byte == ord("\n")]
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << (place % 8)
        file.write_bytes(bytes(content))
        journal, notes = heard(tmp_path)
        line = sum(end < place for end in ends)
        assert len(notes) == 1 and ("is damaged in line" in notes[0] or "middle of a line" in notes[0]), place
        known = {key: value for key, value in VALUES.items() if journal.find(key) is not None}
        assert known == dict(list(VALUES.items())[:line]), place


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    journal, notes = heard(tmp_path)
    assert notes == [f"{JOURNAL} is missing: what it held is measured and decided anew"] and journal.find("a") is None


@pytest.mark.parametrize("line", ["[]", "3", '{"key": 1, "value": 1, "at": 1, "sum": ""}', '{"key": "a"}', "{", "[" * 100_000, "\udcff"])
def test_a_line_that_is_no_entry_is_damage_whatever_it_is(tmp_path: Path, line: str) -> None:
    (tmp_path / JOURNAL).write_bytes(line.encode("utf-8", "surrogateescape") + b"\n")
    assert "is damaged in line 1 of 1" in heard(tmp_path)[1][0]


def test_half_a_letter_in_a_key_or_value_is_recorded_and_comes_back(tmp_path: Path) -> None:
    key, value = "file \udcff.png", ["é\ud83d"]
    begin(tmp_path, time.perf_counter()).recall(key, lambda: value)
    begin(tmp_path, time.perf_counter()).recall("é", lambda: "猫")
    again = reopen(tmp_path, time.perf_counter())
    assert (again.find(key), again.find("é")) == (value, "猫") and "猫".encode() in (tmp_path / JOURNAL).read_bytes()
