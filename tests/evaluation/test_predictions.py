"""Predictions are refused when they do not fit together, and survive Parquet."""

from pathlib import Path

import numpy as np
import pytest

from headstart.base.errors import InputError
from headstart.evaluation import Predictions


def three() -> Predictions:
    return Predictions(
        items=("花/一.png", "rose/2.png", "rose/3.png"),
        truth=np.array([1, 0, 0]),
        probabilities=np.array([[0.25, 0.75], [0.5, 0.5], [0.1, 0.9]]),
        classes=("rose", "花"),
        units=np.array([7, 7, 9]),
    )


def test_parquet_gives_back_the_same_predictions(tmp_path: Path) -> None:
    path = three().to_parquet(tmp_path / "predictions" / "transfer.parquet")
    assert Predictions.from_parquet(path) == three()


def test_other_programs_can_read_the_parquet_file(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    read = pq.read_table(three().to_parquet(tmp_path / "t.parquet"))
    assert read["item"].to_pylist()[0] == "花/一.png"
    assert read["probabilities"].to_pylist()[0] == [0.25, 0.75]


def test_of_equal_probabilities_the_first_class_is_predicted() -> None:
    assert three().predicted.tolist() == [1, 0, 1]
    assert three().right.tolist() == [True, True, False]


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InputError, match=r"truth must lie in 0..1(.|\n)*sums to 1.4"):
        Predictions(("a",), np.array([2]), np.array([[0.9, 0.5]]), ("x", "y"), np.array([0]))


@pytest.mark.parametrize("wrong", [np.array([[np.nan, 1.0]]), np.array([[-0.5, 1.5]])])
def test_probabilities_that_are_none_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="finite and not negative"):
        Predictions(("a",), np.array([0]), wrong, ("x", "y"), np.array([0]))


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match=r"truth has shape \(2,\), expected \(1,\)"):
        Predictions(("a",), np.array([0, 1]), np.array([[0.5, 0.5]]), ("x", "y"), np.array([0]))


def test_no_item_is_refused() -> None:
    with pytest.raises(InputError, match="there is no item"):
        Predictions((), np.array([]), np.zeros((0, 2)), ("x", "y"), np.array([]))


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plain.parquet"
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(InputError, match=r"plain\.parquet cannot be read as Parquet"):
        Predictions.from_parquet(path)


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"item": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="column truth is missing"):
        Predictions.from_parquet(tmp_path / "t.parquet")
