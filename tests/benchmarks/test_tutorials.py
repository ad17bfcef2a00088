"""The table against the tutorials: pairing, ratios, and a peer that is not installed says so."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
from benchmarks.ledger import CellError
from benchmarks.tutorials import METHODS, PAIRS, as_values, comparisons, difference, interpreter, ratios


def answer(right: int, wrong: int, **phases: float) -> dict[str, Any]:
    predictions = {f"test/a/{n}.png": "a" if n < right else "b" for n in range(right + wrong)}
    return {"seconds": 2.0, "phases": phases, "predictions": predictions, "versions": {"python": "3"}}


def test_accuracy_comes_with_an_interval_and_with_what_was_right() -> None:
    values = as_values(answer(8, 2), process=3.0, cpu=2.5, threads=2)
    assert values["accuracy"]["value"] == 0.8 and values["accuracy"]["low"] < 0.8 < values["accuracy"]["high"]
    assert values["right"] == "1111111100"


def test_epochs_that_were_not_run_are_counted_and_stated() -> None:
    values = as_values(answer(1, 1, **{"frozen": 1.0, "frozen, epochs not run": 9.0}), process=3.0, cpu=2.5, threads=2)
    assert values["seconds"] == 11.0 and values["seconds_not_run"] == 9.0


def test_ratios_are_averaged_as_logarithms() -> None:
    mean, low, high = ratios([1.0, 1.0], [10.0, 1000.0])
    assert mean == pytest.approx(100) and low < mean < high


def test_a_difference_is_paired_over_all_seeds() -> None:
    ahead = difference(["1111", "1110"], ["1110", "1110"])
    assert ahead.points == 12.5 and ahead.low <= 12.5 <= ahead.high


def test_pairs_share_their_backbone_and_need_both_records() -> None:
    assert all(METHODS[ours].backbone == METHODS[theirs].backbone for ours, theirs in PAIRS)
    values = as_values(answer(8, 2), process=3.0, cpu=2.5, threads=2)
    records = [{"key": {"task": "birds", "method": name, "seed": 0}, "values": values} for name in ("headstart", "fastai")]
    assert comparisons(records[:1]) == []
    (line,) = comparisons(records)
    assert line.startswith("birds: headstart is 1.0 times faster than fastai (1.0 as whole processes), accuracy +0.0") and "1 seed" in line


def test_a_peer_without_an_environment_says_what_to_do() -> None:
    with pytest.raises(CellError, match="--peer-venvs"):
        interpreter(METHODS["fastai"], None)


def test_headstarts_own_environment_serves_the_plain_loops(tmp_path: Path) -> None:
    given = argparse.Namespace(peer_venvs=tmp_path)
    assert interpreter(METHODS["timm-loop"], given.peer_venvs) == interpreter(METHODS["headstart"], None)
