"""Reliability bins hold every item once; a model that is as sure as it is right has no error."""

import numpy as np
import pytest

from headstart.evaluation import Predictions, calibration_error, reliability, table


def test_every_item_lies_in_one_bin(digits: dict[str, Predictions]) -> None:
    bins = reliability(digits["poor"])
    assert sum(one.accuracy.n for one in bins) == 600
    assert all(one.low - 1e-6 <= one.confidence <= one.high + 1e-6 for one in bins)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error() -> None:
    truth = np.array([0, 0, 0, 1] * 25)
    honest = Predictions(tuple(map(str, range(100))), truth, np.tile([0.75, 0.25], (100, 1)), ("a", "b"), np.arange(100))
    (only,) = reliability(honest)
    assert (only.low, only.high, only.confidence, only.accuracy.value) == pytest.approx((0.7, 0.8, 0.75, 0.75))
    assert calibration_error((only,)) == pytest.approx(0)


def test_the_table_holds_every_metric_and_can_be_written_as_json(digits: dict[str, Predictions]) -> None:
    import json

    from headstart.base.records import to_plain

    plain = json.loads(json.dumps(to_plain(table(digits["good"])), allow_nan=False))
    assert set(plain["metrics"]) == {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss"}
    assert sum(map(sum, plain["confusion"])) == plain["n"] == 600


def test_a_class_that_was_never_predicted_has_an_unknown_precision(digits: dict[str, Predictions]) -> None:
    rows = table(digits["majority"]).classes
    assert sum(row.precision.n == 0 and row.precision.high == 1 for row in rows) == 9
