"""A step is timed once per network, cut and machine; then it is recalled, unless what was kept is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.training.network import Classifier, new_head
from headstart.training.settings import Settings
from headstart.training.speed import PRECISIONS, Speed, fastest

SETTINGS = Settings(learning_rate=1e-3, weight_decay=0.01, batch_items=8, epochs=1, patience=None, warmup_fraction=0.1, precision="float32")
FEATURES = torch.from_numpy(np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32))


class Same(nn.Module):
    """A part that passes features on."""

    def forward(self, features: Tensor) -> tuple[Tensor]:
        return (features,)


class Reader:
    """Reads features and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def read(self, index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:
        self.asked += 1
        return (FEATURES[index],)


def measured(key: str, reader: Reader, precisions: tuple[str, ...] = PRECISIONS) -> Speed:
    classifier = Classifier(Same(), new_head(4, 2, 0), keep_statistics=True)
    return fastest(key, classifier, reader.read, np.arange(16) % 2, np.arange(16), SETTINGS, precisions)


def test_a_step_is_measured_in_each_arithmetic_and_then_remembered(empty_home: Path) -> None:
    reader = Reader()
    first = measured("one", reader)
    assert first.precision in PRECISIONS and first.seconds_per_step > 0 and reader.asked == 8
    assert measured("one", reader) == first and reader.asked == 8


def test_another_network_is_measured_on_its_own(empty_home: Path) -> None:
    reader = Reader()
    measured("one", reader, ("float32",))
    measured("two", reader, ("float32",))
    assert reader.asked == 8


def test_an_arithmetic_that_is_not_wanted_is_not_recalled(empty_home: Path) -> None:
    reader = Reader()
    measured("one", reader, ("bfloat16",))
    assert measured("one", reader, ("float32",)).precision == "float32" and reader.asked == 8


@pytest.mark.parametrize("content", ["", "{", "[]", '{"precision": 3}', "\x00"])
def test_what_was_kept_and_is_damaged_is_measured_again(empty_home: Path, content: str) -> None:
    reader = Reader()
    measured("one", reader, ("float32",))
    (kept,) = (empty_home / "engines").iterdir()
    kept.write_text(content)
    measured("one", reader, ("float32",))
    assert reader.asked == 8
    measured("one", reader, ("float32",))
    assert reader.asked == 8
