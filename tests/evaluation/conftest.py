"""Predictions of real models: scikit-learn's digits, a good and a poor classifier."""

from collections.abc import Callable

import numpy as np
import pytest

from headstart.evaluation import Predictions

Arms = dict[str, Predictions]


@pytest.fixture(scope="session")
def digits() -> Arms:
    """Three models of different strength on the same 600 digits."""
    from sklearn.datasets import load_digits
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    pixels, truth = load_digits(return_X_y=True)
    n_train = 300
    models = {"good": LogisticRegression(max_iter=500), "poor": GaussianNB(), "majority": DummyClassifier()}
    test = slice(n_train, n_train + 600)
    return {
        name: Predictions(
            items=tuple(f"digit/{item}.png" for item in range(600)),
            truth=truth[test],
            probabilities=model.fit(pixels[:n_train] / 16, truth[:n_train]).predict_proba(pixels[test] / 16),
            classes=tuple(str(digit) for digit in range(10)),
            units=np.arange(600),
        )
        for name, model in models.items()
    }


@pytest.fixture(scope="session")
def rights() -> Callable[..., Predictions]:
    """Make two-class predictions from which items are right; the truth is always the first class."""

    def make(right: object, units: object = None) -> Predictions:
        flags = np.asarray(right, bool)
        probabilities = np.where(flags[:, None], [[0.9, 0.1]], [[0.2, 0.8]])
        names = tuple(str(item) for item in range(len(flags)))
        return Predictions(names, np.zeros(len(flags)), probabilities, ("a", "b"), np.arange(len(flags)) if units is None else np.asarray(units))

    return make
