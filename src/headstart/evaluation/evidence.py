"""Whether a model's own sureness can be used: validation Predictions and judged ones in, one record out (parts of ``evidence.json``).

Everything is fitted on validation and measured on the judged items. In a nested cross-validation the validation items of what is delivered have been judged
in some round: there each round fits temperature and thresholds of its own, and what these do to the round's own judged items is what is measured.
Abstention and sets work on the calibrated probabilities, so whoever uses their
thresholds applies the temperature first. Temperature and thresholds come from the same items: one number fitted to all of them alike moves the thresholds'
promises by less than can be measured (``tests/evaluation/test_evidence.py`` simulates it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.evaluation.abstention import TARGET, Abstention, abstain
from headstart.evaluation.calibration import Bin, calibration_error, reliability
from headstart.evaluation.conformal import COVERAGES, Conformal, conformal
from headstart.evaluation.predictions import Predictions, joined
from headstart.evaluation.temperature import fit_temperature, with_temperature


@dataclass(frozen=True)
class Reliability:
    """How sure against how often right, and how far the two lie apart.

    Attributes:
        bins: Items by top probability.
        error: Expected calibration error, 0..1.
    """

    bins: tuple[Bin, ...]
    error: float


@dataclass(frozen=True)
class Calibration:
    """The temperature and what it does.

    Attributes:
        temperature: Of what is delivered, fitted on validation; above 1 = the model was too sure.
        n: Validation items it was fitted on.
        before: Reliability of the judged items as the models said them.
        after: The same, each at its round's temperature.
    """

    temperature: float
    n: int
    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class Trust:
    """What may be built on the model's probabilities; each part stands under its own name in ``evidence.json``."""

    calibration: Calibration
    abstention: Abstention
    conformal: tuple[Conformal, ...]


def trust(
    validation: Predictions,
    rounds: Sequence[tuple[Predictions, Predictions]],
    target: float = TARGET,
    coverages: Sequence[float] = COVERAGES,
    seed: int = 0,
) -> Trust:
    """Fit temperature, abstention and conformal sets on validation, and measure them on the judged items.

    Args:
        validation: Of items that the delivered model was not fitted to; they choose.
        rounds: Of each round, at least one: of items that its model was not fitted to, which choose, and of the items that it is judged on, which decide
            nothing. Where one round is judged and delivered, the former are ``validation``.
        target: Accuracy 0..1 that answers shall have when the model may abstain.
        coverages: Chances with which sets shall hold the right class.
        seed: Of the intervals.

    Cost: under 0.3 s for 1,000 items of 10 classes.
    """
    temperature = fit_temperature(validation)
    calm, calm_rounds = with_temperature(validation, temperature), [_calmed(*one) for one in rounds]
    before, after = (_reliability(joined([judged for _, judged in one]), seed) for one in (rounds, calm_rounds))
    calibration = Calibration(temperature, len(validation), before, after)
    return Trust(calibration, abstain(calm, calm_rounds, target, seed=seed), conformal(calm, calm_rounds, coverages, seed))


def _calmed(validation: Predictions, judged: Predictions) -> tuple[Predictions, Predictions]:
    temperature = fit_temperature(validation)
    return with_temperature(validation, temperature), with_temperature(judged, temperature)


def _reliability(predictions: Predictions, seed: int) -> Reliability:
    bins = reliability(predictions, seed=seed)
    return Reliability(bins, calibration_error(bins))
