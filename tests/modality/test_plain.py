"""The features of the plain model: right on pictures whose answer is known, and good enough to be worth beating."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import cross_val_score
from tests.modality.photos import encoded, tile

from headstart.modality import get
from headstart.modality.plain import DIRECTIONS, N_FEATURES, SIDE, edges

IMAGE = get("image")


def test_a_picture_gives_finite_numbers_of_fixed_count() -> None:
    for picture in (tile(0), tile(1).convert("L"), Image.new("RGB", (3, 500)), Image.new("1", (1, 1))):
        features = IMAGE.plain_features(encoded(picture))
        assert features.shape == (N_FEATURES,) and features.dtype == np.float32 and np.isfinite(features).all()


def test_vertical_and_horizontal_stripes_fill_the_bins_of_their_direction_and_light_does_not_matter() -> None:
    wave = np.sin(np.arange(SIDE) / 2) * 80 + 120
    standing = np.broadcast_to(wave, (SIDE, SIDE)).astype(np.float32)
    across = edges(standing).reshape(-1, DIRECTIONS).sum(axis=0)
    down = edges(np.ascontiguousarray(standing.T)).reshape(-1, DIRECTIONS).sum(axis=0)
    assert set(np.argsort(across)[-2:]) == {0, DIRECTIONS - 1}, "an edge to the right lies on the border of the first and the last bin"
    assert np.argmax(down) == DIRECTIONS // 2
    assert np.abs(edges(standing * 0.6 + 20) - edges(standing)).max() < 0.01


def test_colours_are_counted() -> None:
    red = IMAGE.plain_features(encoded(Image.new("RGB", (20, 20), (255, 0, 0))))[-64:]
    assert red[48] == 1 and red.sum() == 1


def test_a_linear_model_on_them_reads_digits() -> None:
    digits = load_digits()
    features = np.stack([IMAGE.plain_features(encoded(Image.fromarray((image * 15).astype(np.uint8)))) for image in digits.images[:500]])
    assert cross_val_score(RidgeClassifier(), features, digits.target[:500], cv=5).mean() > 0.93
