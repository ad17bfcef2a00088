"""What ``evaluate`` tells people: per cent once, counts as counts, classes by their names, a wake word in words."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from headstart.base.records import to_plain
from headstart.cli.predictions import metrics_parts
from headstart.evaluation import Measured, Predictions, measure, table
from headstart.evaluation.rates import per_hour


def drawn(metrics: dict[str, Any], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in metrics_parts(metrics):
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined]


def judged(classes: tuple[str, ...], n: int = 60) -> dict[str, Any]:
    """What ``evaluate`` gives for a model that takes every fourth item for the class after its own."""
    truth = np.arange(n) % len(classes)
    called = np.where(np.arange(n) % 4 == 0, (truth + 1) % len(classes), truth)
    said = Predictions(tuple(map(str, range(n))), truth, 0.1 / len(classes) + 0.9 * np.eye(len(classes))[called], classes, np.arange(n))
    scores = {name: measure(said, name) for name in ("accuracy", "balanced_accuracy", "log_loss")}
    return dict(to_plain({**scores, "table": table(said), "n": n, "left_out": [{"source": "a.png", "reason": "empty file"}]}))


def test_scores_are_per_cent_and_told_once_and_counts_are_counts() -> None:
    told = drawn(judged(("tulip", "玫瑰", "aster")))
    assert told.count("\naccuracy") == 1 and "accuracy           75.0 % (" in told and "Evaluation on 60 items, with 95 % intervals" in told
    assert "0.75" not in told and "Table" not in told
    assert "empty file" in told and max(map(cell_len, told.splitlines())) <= 80


def test_the_confusion_names_its_classes_and_says_which_side_is_the_truth() -> None:
    lines = drawn(judged(("tulip", "玫瑰", "aster"))).splitlines()
    begin = lines.index("Confusion: row = truth, column = what it was called")
    assert [line.split() for line in lines[begin + 1 : begin + 5]] == [
        ["truth", "tulip", "玫瑰", "aster", "all"],
        ["tulip", "15", "5", "0", "20"],
        ["玫瑰", "0", "15", "5", "20"],
        ["aster", "5", "0", "15", "20"],
    ]


def test_names_that_do_not_fit_above_their_columns_are_numbered_and_of_many_classes_the_worst_pairs_are_told() -> None:
    told = drawn(judged(tuple(f"a rather long name of a class {place}" for place in range(12))))
    assert "a rather …lass 7" in told and max(map(cell_len, told.splitlines())) <= 80
    assert [line.split()[:3] for line in told.splitlines() if line.startswith("truth")] == [["truth", "1", "2"]]
    many = drawn(judged(tuple(f"class {place}" for place in range(40)), n=400))
    assert "Confusion" not in many and "Most often confused; --json has the whole matrix" in many
    assert "class 0 class 1 10 10" in [" ".join(line.split()) for line in many.splitlines()]


@pytest.mark.parametrize("columns", [80, 160])
def test_a_wake_word_is_told_in_words(columns: int) -> None:
    mistakes = [
        {"source": "positive/CY/1.wav", "kind": "missed", "seconds": None, "probability": None},
        {"source": "evening.wav", "kind": "false accept", "seconds": 50.4, "probability": 0.9876},
    ]
    speakers = [{"speaker": "CY", "words": 1, "missed": 1}]
    rates = {"missed": Measured(0.25, 0.05, 0.7, 4), "false_accepts_per_hour": per_hour(1, 0.05)}
    told = drawn(dict(to_plain({**rates, "hours": 0.05, "speakers": speakers, "mistakes": mistakes, "left_out": []})), columns)
    assert "missed         1 of 4 words: 25.0 % (5.0 to 70.0)" in told and "false accepts  1 in 3.0 min of other sound: 20.00 an hour (" in told
    assert "50.40 s  98.8 %" in told and "Left out" not in told
    nothing: dict[str, Any] = {"missed": None, "false_accepts_per_hour": None, "hours": 0.0, "speakers": [], "mistakes": [], "left_out": []}
    assert drawn(nothing, columns).count("cannot be told") == 2
