"""Metrics equal scikit-learn's, with classes that never occur too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from headstart.base.errors import InputError
from headstart.evaluation import METRICS, Predictions, score, table
from headstart.evaluation.table import confusion


def expected(predictions: Predictions) -> dict[str, float]:
    truth, called = predictions.truth, predictions.predicted
    macro = {"average": "macro", "zero_division": 0}
    return {
        "accuracy": reference.accuracy_score(truth, called),
        "balanced_accuracy": np.mean([np.mean(called[truth == label] == label) for label in np.unique(truth)]),
        "precision": reference.precision_score(truth, called, **macro),
        "recall": reference.recall_score(truth, called, **macro),
        "f1": reference.f1_score(truth, called, **macro),
        "log_loss": reference.log_loss(truth, predictions.probabilities, labels=range(len(predictions.classes))),
    }


@pytest.mark.parametrize("arm", ["good", "poor"])
def test_metrics_on_digits_equal_those_of_scikit_learn(digits: dict[str, Predictions], arm: str) -> None:
    wanted = expected(digits[arm])
    assert {metric: score(digits[arm], metric) for metric in METRICS} == pytest.approx(wanted, abs=1e-6)
    assert wanted["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(digits[arm].truth, digits[arm].predicted))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_metrics_equal_scikit_learn_when_classes_are_absent(pairs: list[tuple[int, int]]) -> None:
    truth, called = np.array(pairs).T
    probabilities = np.full((len(pairs), 4), 0.1)
    probabilities[np.arange(len(pairs)), called] = 0.7
    predictions = Predictions(tuple(map(str, range(len(pairs)))), truth, probabilities, tuple("wxyz"), np.arange(len(pairs)))
    assert {metric: score(predictions, metric) for metric in METRICS} == pytest.approx(expected(predictions), abs=1e-6)


def test_the_confusion_matrix_and_the_class_rows_equal_scikit_learn(digits: dict[str, Predictions]) -> None:
    poor = digits["poor"]
    assert np.array_equal(confusion(poor), reference.confusion_matrix(poor.truth, poor.predicted))
    precision, recall, f1, n = reference.precision_recall_fscore_support(poor.truth, poor.predicted, zero_division=0)
    rows = table(poor).classes
    assert [row.n for row in rows] == n.tolist()
    assert [row.precision.value for row in rows] == pytest.approx(precision)
    assert [row.recall.value for row in rows] == pytest.approx(recall)
    assert [row.f1.value for row in rows] == pytest.approx(f1)


def test_log_loss_stays_finite_when_a_model_was_sure_and_wrong() -> None:
    sure = Predictions(("a",), np.array([0]), np.array([[0.0, 1.0]]), ("x", "y"), np.array([0]))
    assert score(sure, "log_loss") == pytest.approx(-np.log(np.finfo(np.float32).eps))


def test_an_unknown_metric_is_refused_with_a_suggestion(digits: dict[str, Predictions]) -> None:
    with pytest.raises(InputError, match="did you mean: accuracy"):
        score(digits["good"], "acuracy")
