"""Columns of tables as plain values: the same as Arrow's own, counted before they are laid out, equal words one object."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headstart.base.errors import InputError
from headstart.data.cells import ROWS_MAX, bounded, check_rows, read_columns, values_of


def test_values_are_arrows_own_and_equal_words_are_one_object(tmp_path: Path) -> None:
    words = ["cat", None, "dog", "cat"] * 50
    pq.write_table(pa.table({"label": words, "n": range(200), "list": [[1]] * 200}), tmp_path / "a.parquet")
    table = read_columns(tmp_path / "a.parquet", ["label", "n", "list"])
    found = values_of(table.column("label"))
    assert found == words and found[0] is found[3]
    assert values_of(table.column("n")) == list(range(200)) and values_of(table.column("list")) == [[1]] * 200


def test_too_many_rows_are_refused_by_what_the_file_says(tmp_path: Path) -> None:
    check_rows(tmp_path, ROWS_MAX)
    with pytest.raises(InputError, match="too many rows"):
        check_rows(tmp_path, ROWS_MAX + 1)


def test_pieces_stop_where_a_file_of_that_size_cannot_honestly_go_on(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1000))
    assert list(bounded(["x" * 1000] * 9, tmp_path / "a", len)) == ["x" * 1000] * 9
    with pytest.raises(InputError, match="more than 200 times its size"):
        list(bounded(["x" * (1 << 20)] * 65, tmp_path / "a", len))
