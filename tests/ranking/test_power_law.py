"""Laws are found where they are known, never below zero, and drawn towards the usual where errors say little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.ranking.power_law import USUAL_DECAY, fit_power_laws

SIZES = np.array([50.0, 100.0, 200.0, 300.0, 400.0])


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 0.4), st.floats(0.1, 3), st.floats(0.1, 1.9))
def test_a_law_without_noise_is_extrapolated_as_it_is(floor: float, scale: float, decay: float) -> None:
    errors = floor + scale * SIZES**-decay
    laws = fit_power_laws(SIZES, errors[None])
    assert laws.at(800)[0] == pytest.approx(floor + scale * 800**-decay, abs=0.005 * scale * 50**-decay + 1e-4)
    assert laws.at(400)[0] == pytest.approx(errors[-1], abs=0.005 * scale * 50**-decay + 1e-4)


def test_the_fit_is_at_least_as_good_as_that_of_scipy() -> None:
    from scipy.optimize import curve_fit

    random = np.random.default_rng(0)
    for _ in range(10):
        errors = 0.05 + 1.2 * SIZES**-0.6 + 0.005 * random.normal(size=5)
        found, _ = curve_fit(lambda n, a, b, c: a + b * n**-c, SIZES, errors, p0=[0.05, 1, 0.5], bounds=([0, 0, 0.02], [1, 100, 2]), maxfev=20_000)
        laws = fit_power_laws(SIZES, errors[None])
        theirs, ours = (np.sum((errors - values) ** 2) for values in (found[0] + found[1] * SIZES ** -found[2], _values(laws)))
        assert ours <= 1.02 * theirs + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_whatever_the_errors_more_labels_never_harm_and_no_error_is_negative(errors: list[float]) -> None:
    for spread in (None, np.full(5, 0.02)):
        laws = fit_power_laws(SIZES, np.array([errors]), spread)
        assert laws.floor[0] >= 0 and laws.scale[0] >= 0
        assert laws.at(400)[0] >= laws.at(800)[0] >= 0


def test_an_error_that_rises_with_the_labels_is_taken_as_flat() -> None:
    laws = fit_power_laws(SIZES, np.array([[0.1, 0.11, 0.12, 0.13, 0.14]]))
    assert laws.scale[0] == 0 and laws.floor[0] == pytest.approx(0.12)


def test_errors_that_say_little_leave_the_usual_decay_and_exact_ones_theirs() -> None:
    errors = (0.5 * SIZES**-1.2)[None]
    assert fit_power_laws(SIZES, errors, np.full(5, 10.0)).decay[0] == pytest.approx(USUAL_DECAY, rel=0.1)
    assert fit_power_laws(SIZES, errors, np.full(5, 1e-5)).decay[0] == pytest.approx(1.2, rel=0.1)


def test_many_curves_at_once_are_fitted_like_one_after_another() -> None:
    errors = np.random.default_rng(0).random((20, 5))
    together = fit_power_laws(SIZES, errors)
    alone = [fit_power_laws(SIZES, row[None]) for row in errors]
    assert np.allclose(together.at(800), [one.at(800)[0] for one in alone])


def _values(laws: object) -> np.ndarray:
    return np.array([laws.at(n)[0] for n in SIZES])  # type: ignore[attr-defined]
