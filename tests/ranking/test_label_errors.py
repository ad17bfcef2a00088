"""Labels that were changed on purpose are named, labels that are right hardly ever, and nothing is said aloud."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.ranking.label_errors import MOST, LabelError, likely_label_errors
from headstart.ranking.probe import Folds, probe


def digits(n: int, share: float, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Pixels of handwritten digits, their labels of which a share was changed, and where."""
    from sklearn.datasets import load_digits

    pixels, truth = load_digits(return_X_y=True)
    random = np.random.default_rng(seed)
    items = random.permutation(len(truth))[:n]
    labels, flipped = truth[items].astype(np.int64), random.choice(n, round(share * n), replace=False)
    labels[flipped] = (labels[flipped] + random.integers(1, 10, len(flipped))) % 10
    return (pixels[items] / 16).astype(np.float32), labels, flipped


def folds(n: int) -> Folds:
    return [(np.flatnonzero(np.arange(n) % 5 != one), np.flatnonzero(np.arange(n) % 5 == one)) for one in range(5)]


def found_in(features: NDArray[np.float32], labels: NDArray[np.int64], most: int = MOST) -> tuple[LabelError, ...]:
    probed = probe(features, labels, 10, folds(len(labels)))
    return likely_label_errors(probed.probabilities, labels[probed.items], probed.items, most)


def test_of_five_percent_changed_labels_seven_in_ten_are_named_and_four_in_five_of_the_named_were_changed(capfd: pytest.CaptureFixture[str]) -> None:
    features, labels, flipped = digits(1000, 0.05)
    found = found_in(features, labels)
    hits = np.isin([error.position for error in found], flipped)
    assert hits.mean() >= 0.8 and hits.sum() / len(flipped) >= 0.7
    assert capfd.readouterr() == ("", "")


def test_the_suggested_label_is_mostly_the_right_one() -> None:
    features, labels, flipped = digits(1000, 0.05)
    clean = digits(1000, 0.0)[1]
    hit = [error for error in found_in(features, labels) if error.position in set(flipped.tolist())]
    assert np.mean([error.suggested == clean[error.position] for error in hit]) > 0.85


def test_where_no_label_was_changed_hardly_any_is_named() -> None:
    features, labels, _ = digits(1000, 0.0)
    assert len(found_in(features, labels)) <= 10


def test_no_more_are_named_than_a_person_looks_through() -> None:
    features, labels, flipped = digits(1000, 0.15)
    found = found_in(features, labels)
    assert len(flipped) == 150 and len(found) == MOST
    assert np.isin([error.position for error in found], flipped).mean() >= 0.95  # the surest come first


rows = st.integers(0, 10_000).map(np.random.default_rng)


@settings(max_examples=40, deadline=None)
@given(rows, st.integers(2, 40), st.integers(2, 6))
def test_every_named_item_is_suggested_another_label_that_is_more_probable(random: np.random.Generator, n: int, k: int) -> None:
    probabilities = random.dirichlet(np.full(k, 0.3), n).astype(np.float32)
    labels = random.integers(0, k, n)
    found = likely_label_errors(probabilities, labels)
    for error in found:
        assert error.given == labels[error.position] != error.suggested
        assert error.probability == probabilities[error.position].max() >= error.given_probability == probabilities[error.position, error.given]
    assert [error.given_probability for error in found] == sorted(error.given_probability for error in found)
    assert len({error.position for error in found}) == len(found)


def test_a_class_that_nobody_gave_and_data_of_one_class_are_no_trouble() -> None:
    probabilities = np.tile(np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], np.float32), (20, 1))
    labels = np.tile([0, 1], 20)
    labels[0] = 1
    (only,) = likely_label_errors(probabilities, labels, np.arange(100, 140))
    assert (only.position, only.given, only.suggested) == (100, 1, 0)
    assert likely_label_errors(probabilities, np.zeros(40, np.int64)) == ()
