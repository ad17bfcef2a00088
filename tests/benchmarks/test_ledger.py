"""The ledger of the benchmarks: a cell is computed once, a killed run goes on, means come with their intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.ledger import CellError, Column, Table, bootstrap_interval, t_interval


def table(folder: Path) -> Table:
    return Table("example", "An example", ("task",), (Column("accuracy", "accuracy %", 100), Column("seconds", "s", digits=2)), folder=folder)


def values(accuracy: float, seconds: float = 1.0) -> dict[str, Any]:
    return {"accuracy": {"value": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1, "n": 10}, "seconds": seconds}


def test_a_cell_is_computed_once_and_recalled_whatever_the_order_of_its_key(tmp_path: Path) -> None:
    one = table(tmp_path)
    first = one.cell({"task": "a", "seed": 0}, lambda: values(0.5))
    again = one.cell({"seed": 0, "task": "a"}, lambda: pytest.fail("computed again"))
    assert again == first and first["machine"] and first["versions"]["python"] and first["date"]


def test_a_cell_computed_again_replaces_the_old_one(tmp_path: Path) -> None:
    one = table(tmp_path)
    one.cell({"task": "a", "seed": 0}, lambda: values(0.5))
    one.cell({"task": "a", "seed": 0}, lambda: values(0.7), again=True)
    assert [record["values"]["accuracy"]["value"] for record in one.records()] == [0.7]


def test_a_cell_that_failed_says_why_and_is_tried_again(tmp_path: Path) -> None:
    one = table(tmp_path)

    def fails() -> dict[str, Any]:
        raise CellError("not installed")

    assert one.cell({"task": "a", "seed": 0}, fails)["fault"] == "not installed"
    assert not one.has({"task": "a", "seed": 0}) and "not installed" in one.markdown().read_text()
    one.cell({"task": "a", "seed": 0}, lambda: values(0.5))
    assert one.has({"task": "a", "seed": 0}) and "not installed" not in one.markdown().read_text()


def test_a_line_torn_by_a_kill_is_left_out_and_the_next_record_stands_whole(tmp_path: Path) -> None:
    one = table(tmp_path)
    one.cell({"task": "a", "seed": 0}, lambda: values(0.5))
    with one.path.open("a") as stream:
        stream.write('{"key": {"task": "a", "se')
    one.cell({"task": "a", "seed": 1}, lambda: values(0.7))
    assert [record["key"]["seed"] for record in one.records()] == [0, 1]


def test_means_over_seeds_come_with_n_and_students_interval(tmp_path: Path) -> None:
    one = table(tmp_path)
    for seed, accuracy in enumerate((0.1, 0.2, 0.3)):
        one.cell({"task": "a", "seed": seed}, lambda accuracy=accuracy: values(accuracy, 2 * accuracy))
    assert "| a | 3 | 20.0 (-4.8 to 44.8) | 0.40 (-0.10 to 0.90) |" in one.markdown().read_text()


def test_a_single_seed_shows_the_interval_over_its_test_items_and_says_so(tmp_path: Path) -> None:
    one = table(tmp_path)
    one.cell({"task": "a", "seed": 0}, lambda: values(0.5))
    assert "| a | 1 | 50.0 (40.0 to 60.0)* | 1.00 |" in one.markdown().read_text()


def test_an_empty_table_says_that_nothing_was_measured(tmp_path: Path) -> None:
    assert "Nothing measured yet." in table(tmp_path).markdown().read_text()


def test_intervals_hold_their_mean() -> None:
    for interval in (t_interval, bootstrap_interval):
        mean, low, high = interval([0.0, 0.5, 1.0, 4.0])
        assert low < mean < high and mean == pytest.approx(1.375)
