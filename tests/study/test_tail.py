"""What the end of a run takes is remembered between runs; damage is no news."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headstart.study.tail import LEAVING_SECONDS, OLD_SHARE, USUAL_SECONDS, recall, timed


def kept(home: Path) -> Path:
    return home / "engines" / "tail.json"


def test_before_any_run_the_usual_is_expected(empty_home: Path) -> None:
    assert recall() == USUAL_SECONDS and not kept(empty_home).exists()


def test_a_run_moves_the_estimate_most_of_the_way_towards_what_it_took(empty_home: Path) -> None:
    with timed():
        pass
    quick = OLD_SHARE * USUAL_SECONDS + (1 - OLD_SHARE) * LEAVING_SECONDS
    assert recall() == pytest.approx(quick, abs=0.1)
    with timed():
        pass
    assert recall() == pytest.approx(OLD_SHARE * quick + (1 - OLD_SHARE) * LEAVING_SECONDS, abs=0.1)


def test_a_run_that_failed_is_not_remembered(empty_home: Path) -> None:
    with pytest.raises(KeyError), timed():
        raise KeyError
    assert not kept(empty_home).exists()


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 0.5), (-3.0, 0.5), (4.0, 4.0), (1e9, 10 * USUAL_SECONDS)])
def test_the_estimate_stays_within_reason(empty_home: Path, seconds: float, expected: float) -> None:
    kept(empty_home).parent.mkdir()
    kept(empty_home).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    assert recall() == expected


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"seconds": null}', '{"seconds": "soon"}', '{"seconds": NaN}', "\x00"])
def test_what_is_damaged_is_forgotten(empty_home: Path, content: str) -> None:
    kept(empty_home).parent.mkdir()
    kept(empty_home).write_text(content, encoding="utf-8")
    assert recall() == USUAL_SECONDS
