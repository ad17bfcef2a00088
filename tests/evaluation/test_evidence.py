"""What validation fits is measured on other items, holds there, and can be written as JSON and read again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from headstart.base.records import from_plain, to_plain
from headstart.evaluation import Measured
from headstart.evaluation.conformal import conformal_threshold, measured_coverage
from headstart.evaluation.evidence import Trust, trust
from headstart.evaluation.temperature import fit_temperature, with_temperature

from .made import drawn


def test_a_model_that_is_too_sure_is_calibrated_abstains_and_gives_sets_that_hold() -> None:
    found = trust(drawn(600, too_sure=3.0, spread=4.0), drawn(1500, seed=1, too_sure=3.0, spread=4.0))
    assert found.calibration.temperature == pytest.approx(3, rel=0.15) and found.calibration.n == 600
    assert found.calibration.after.error < 0.04 < 0.08 < found.calibration.before.error
    assert found.abstention.threshold is not None and found.abstention.test is not None
    assert found.abstention.test.accuracy.value >= 0.95 and 0.2 < found.abstention.test.coverage.value < 0.9
    for row in found.conformal:
        assert row.measured.value == pytest.approx(row.coverage, abs=0.04)
    assert [row.coverage for row in found.conformal] == [0.8, 0.9, 0.95]


def test_the_record_is_written_as_json_and_read_again() -> None:
    found = trust(drawn(120, too_sure=2.0), drawn(200, seed=1, too_sure=2.0))
    plain = json.loads(json.dumps(to_plain(found), allow_nan=False))
    assert from_plain(Trust, plain) == found
    assert set(plain) == {"calibration", "abstention", "conformal"}
    assert set(plain["calibration"]) == {"temperature", "n", "before", "after"} and set(plain["calibration"]["after"]) == {"bins", "error"}
    assert set(plain["abstention"]) >= {"target", "threshold", "validation", "test", "curve"}
    assert set(plain["abstention"]["curve"][0]) == {"threshold", "coverage", "accuracy"}
    assert set(plain["conformal"][0]) == {"coverage", "threshold", "measured", "mean_size"}


@pytest.mark.parametrize("n", [1, 2, 10])
def test_a_handful_of_validation_items_promises_nothing_and_breaks_nothing(n: int) -> None:
    found = trust(drawn(n), drawn(30, seed=1))
    assert found.abstention.threshold is None and 0.3 < found.calibration.temperature < 3
    assert found.conformal[-1].threshold == 1.0 and found.conformal[-1].measured.value == 1 and found.conformal[-1].mean_size == 4
    assert isinstance(found.conformal[0].measured, Measured)


def test_one_temperature_fitted_to_the_same_items_does_not_break_the_promise_of_sets() -> None:
    everything, held = drawn(3000, seed=7, too_sure=3.0), []
    for seed in range(200):
        validation = drawn(40, seed, too_sure=3.0)
        temperature = fit_temperature(validation)
        threshold = conformal_threshold(with_temperature(validation, temperature), 0.9)
        held.append(measured_coverage(with_temperature(everything, temperature), threshold)[0].value)
    assert np.mean(held) >= 0.9 - 3 * np.std(held) / np.sqrt(200)
