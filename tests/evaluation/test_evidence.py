"""What validation fits is measured on other items, holds there, and can be written as JSON and read again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from headstart.base.records import from_plain, to_plain
from headstart.evaluation import Measured
from headstart.evaluation.conformal import conformal_threshold, measured_coverage
from headstart.evaluation.evidence import Trust, trust
from headstart.evaluation.predictions import Predictions, joined
from headstart.evaluation.temperature import fit_temperature, with_temperature

from .made import drawn


def held_out(validation: Predictions, judged: Predictions) -> tuple[Predictions, list[tuple[Predictions, Predictions]]]:
    return validation, [(validation, judged)]


def test_a_model_that_is_too_sure_is_calibrated_abstains_and_gives_sets_that_hold() -> None:
    found = trust(*held_out(drawn(600, too_sure=3.0, spread=4.0), drawn(1500, seed=1, too_sure=3.0, spread=4.0)))
    assert found.calibration.temperature == pytest.approx(3, rel=0.15) and found.calibration.n == 600
    assert found.calibration.after.error < 0.04 < 0.08 < found.calibration.before.error
    assert found.abstention.threshold is not None and found.abstention.test is not None
    assert found.abstention.test.accuracy.value >= 0.95 and 0.2 < found.abstention.test.coverage.value < 0.9
    for row in found.conformal:
        assert row.measured.value == pytest.approx(row.coverage, abs=0.04)
    assert [row.coverage for row in found.conformal] == [0.8, 0.9, 0.95]


def test_in_rounds_each_promise_is_measured_by_what_its_own_round_chose_and_never_by_what_is_delivered() -> None:
    rounds = [(drawn(200, 2 * n, too_sure=sure, spread=4.0), drawn(150, 2 * n + 1, too_sure=sure, spread=4.0)) for n, sure in enumerate((1.0, 3.0, 0.4))]
    everything = joined([judged for _, judged in rounds])  # in a nested cross-validation the delivered model's validation items are the judged ones
    found, other = trust(everything, rounds), trust(drawn(300, 9, too_sure=5.0), rounds)
    assert (found.calibration.before, found.calibration.after) == (other.calibration.before, other.calibration.after)
    assert found.abstention.test == other.abstention.test and [one.measured for one in found.conformal] == [one.measured for one in other.conformal]
    assert found.calibration.after.error < 0.6 * found.calibration.before.error  # three temperatures, where none alone would do
    temperatures = [fit_temperature(validation) for validation, _ in rounds]
    held = []
    for heat, (validation, judged) in zip(temperatures, rounds, strict=True):
        threshold = conformal_threshold(with_temperature(validation, heat), 0.9)
        held.append(measured_coverage(with_temperature(judged, heat), threshold)[0].value)
    assert found.conformal[1].measured.value == pytest.approx(np.mean(held))


def test_the_record_is_written_as_json_and_read_again() -> None:
    found = trust(*held_out(drawn(120, too_sure=2.0), drawn(200, seed=1, too_sure=2.0)))
    plain = json.loads(json.dumps(to_plain(found), allow_nan=False))
    assert from_plain(Trust, plain) == found
    assert set(plain) == {"calibration", "abstention", "conformal"}
    assert set(plain["calibration"]) == {"temperature", "n", "before", "after"} and set(plain["calibration"]["after"]) == {"bins", "error"}
    assert set(plain["abstention"]) >= {"target", "threshold", "validation", "test", "curve"}
    assert set(plain["abstention"]["curve"][0]) == {"threshold", "coverage", "accuracy"}
    assert set(plain["conformal"][0]) == {"coverage", "threshold", "measured", "mean_size"}


@pytest.mark.parametrize("n", [1, 2, 10])
def test_a_handful_of_validation_items_promises_nothing_and_breaks_nothing(n: int) -> None:
    found = trust(*held_out(drawn(n), drawn(30, seed=1)))
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
