"""The temperature is found where it is known, held near 1 where nothing is, and never changes what is predicted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from headstart.evaluation import Predictions, calibration_error, reliability
from headstart.evaluation.metrics import score
from headstart.evaluation.temperature import fit_temperature, tempered, with_temperature

from .made import drawn, of, softmax

logits = arrays.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(2, 5)), elements=st.floats(-30, 30))


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_is_the_factor_by_which_logits_were_multiplied(too_sure: float) -> None:
    assert fit_temperature(drawn(4000, too_sure=too_sure)) == pytest.approx(too_sure, rel=0.08)


def test_with_many_items_it_is_the_one_with_the_lowest_log_loss_as_scikit_learn_counts_it() -> None:
    from sklearn.metrics import log_loss

    given = drawn(3000, too_sure=2.5)
    tried = np.geomspace(0.5, 8, 400)
    best = tried[np.argmin([log_loss(given.truth, with_temperature(given, one).probabilities, labels=range(4)) for one in tried])]
    assert fit_temperature(given) == pytest.approx(best, rel=0.02)


def test_a_poor_model_that_is_far_too_sure_is_calibrated_on_items_that_did_not_choose(digits: dict[str, Predictions]) -> None:
    half = [_part(digits["poor"], part) for part in (slice(0, 300), slice(300, 600))]
    after = with_temperature(half[1], fit_temperature(half[0]))
    assert calibration_error(reliability(after)) < 0.6 * calibration_error(reliability(half[1]))
    assert score(after, "log_loss") < 0.5 * score(half[1], "log_loss")
    assert np.array_equal(after.predicted, half[1].predicted)


@settings(max_examples=200, deadline=None)
@given(logits, st.floats(0.05, 20))
def test_no_temperature_changes_what_is_predicted_or_the_sum_of_probabilities(values: np.ndarray, temperature: float) -> None:
    given = of(softmax(values), np.zeros(len(values)))
    after = with_temperature(given, temperature)
    assert np.array_equal(after.predicted, given.predicted)
    assert np.allclose(after.probabilities.sum(axis=1), 1, atol=1e-5)


def test_two_classes_that_round_to_the_same_number_keep_their_order() -> None:
    near = np.array([[0.49999997, 0.5, 0.0]], np.float32)
    assert tempered(near, 20.0).argmax() == near.argmax() == 1


@settings(max_examples=100, deadline=None)
@given(logits, st.data())
def test_on_its_own_items_it_is_never_worse_than_none(values: np.ndarray, data: st.DataObject) -> None:
    truth = data.draw(arrays.arrays(np.int64, len(values), elements=st.integers(0, values.shape[1] - 1)))
    given = of(softmax(values), truth)
    temperature = fit_temperature(given)
    assert 0.05 <= temperature <= 20
    own = np.arange(len(given)), given.truth
    assert (
        np.log(np.maximum(with_temperature(given, temperature).probabilities[own], 1e-38)).mean()
        >= np.log(np.maximum(given.probabilities[own], 1e-38)).mean() - 1e-4
    )


def test_a_temperature_of_one_leaves_the_predictions_as_they_are() -> None:
    given = drawn(20)
    assert with_temperature(given, 1.0) is given


def test_few_items_move_the_temperature_less_than_many_that_say_the_same() -> None:
    few, many = (np.median([fit_temperature(drawn(n, seed, too_sure=3.0)) for seed in range(20)]) for n in (8, 2000))
    assert 1 < few < 2 < 2.8 < many < 3.2


def test_items_of_one_unit_speak_once() -> None:
    alone, tenfold = drawn(30, too_sure=3.0), drawn(300, too_sure=3.0, units=np.repeat(np.arange(30), 10))
    assert np.array_equal(alone.probabilities, tenfold.probabilities[::10])
    assert fit_temperature(tenfold) == pytest.approx(fit_temperature(alone), rel=1e-3)


def test_classes_that_do_not_occur_hold_the_temperature_back() -> None:
    given = drawn(40, too_sure=3.0)
    more = np.concatenate([given.probabilities, np.zeros((40, 8), np.float32)], axis=1)
    assert 1 < fit_temperature(of(more, given.truth)) < fit_temperature(given)


def test_twelve_right_answers_do_not_make_the_model_certain() -> None:
    temperature = fit_temperature(of(np.tile([0.7, 0.3], (12, 1)), np.zeros(12)))
    assert 0.4 < temperature < 1


def test_a_temperature_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        tempered(np.full((1, 2), 0.5, np.float32), -1.0)


def _part(predictions: Predictions, part: slice) -> Predictions:
    fields = (predictions.items, predictions.truth, predictions.probabilities)
    items, truth, probabilities = (field[part] for field in fields)
    return Predictions(items, truth, probabilities, predictions.classes, predictions.units[part])
