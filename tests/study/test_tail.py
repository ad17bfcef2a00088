"""What the end of a run takes is remembered between runs; damage is no news."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headstart.study.tail import LEAVING_SECONDS, MOST_SECONDS, OLD_SHARE, USUAL_SECONDS, USUAL_SHARE, recall, timed


def kept(home: Path) -> Path:
    return home / "engines" / "tail-image.json"


def test_before_any_run_the_usual_is_expected(empty_home: Path) -> None:
    assert recall("image") == USUAL_SECONDS and not kept(empty_home).exists()


def test_a_machine_that_starts_slowly_is_expected_to_end_slowly_until_a_run_of_the_kind_has_ended(empty_home: Path) -> None:
    assert recall("image", 2 * USUAL_SECONDS) == USUAL_SHARE * 2 * USUAL_SECONDS
    with timed("text"):
        pass
    assert recall("image", 2 * USUAL_SECONDS) == USUAL_SHARE * 2 * USUAL_SECONDS and recall("text", 2 * USUAL_SECONDS) < USUAL_SECONDS


def test_the_first_run_is_the_estimate_and_a_later_one_moves_it_most_of_the_way(empty_home: Path) -> None:
    with timed("image"):
        pass
    quick = recall("image")
    assert quick == pytest.approx(LEAVING_SECONDS, abs=0.1)
    kept(empty_home).write_text(json.dumps({"seconds": USUAL_SECONDS}), encoding="utf-8")
    quick = USUAL_SECONDS
    with timed("image"):
        pass
    assert recall("image") == pytest.approx(OLD_SHARE * quick + (1 - OLD_SHARE) * LEAVING_SECONDS, abs=0.1)


def test_a_run_that_failed_is_not_remembered(empty_home: Path) -> None:
    with pytest.raises(KeyError), timed("image"):
        raise KeyError
    assert not kept(empty_home).exists()


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 0.5), (-3.0, 0.5), (4.0, 4.0), (1e9, MOST_SECONDS)])
def test_the_estimate_stays_within_reason(empty_home: Path, seconds: float, expected: float) -> None:
    kept(empty_home).parent.mkdir()
    kept(empty_home).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    assert recall("image") == expected


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"seconds": null}', '{"seconds": "soon"}', '{"seconds": NaN}', "\x00"])
def test_what_is_damaged_is_forgotten(empty_home: Path, content: str) -> None:
    kept(empty_home).parent.mkdir()
    kept(empty_home).write_text(content, encoding="utf-8")
    assert recall("image") == USUAL_SECONDS
