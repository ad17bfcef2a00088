"""A step is timed once per network, cut and machine; then it is recalled, unless what was kept is damaged, doubted or corrected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.base.files import write_json
from headstart.training.arithmetic import precisions as candidates
from headstart.training.network import Classifier, new_head
from headstart.training.settings import Settings
from headstart.training.speed import Speed, correct, fastest, recall

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


PRECISIONS = candidates("float32 or bfloat16, the faster")


def measured(key: str, reader: Reader, precisions: tuple[str, ...] = PRECISIONS, doubted: Callable[[Speed], bool] = lambda _: False) -> Speed:
    classifier = Classifier(Same(), new_head(4, 2, 0), keep_statistics=True)
    return fastest(key, classifier, reader.read, np.arange(16) % 2, np.arange(16), SETTINGS, precisions, doubted=doubted)


def test_a_step_is_measured_in_each_arithmetic_and_then_remembered(empty_home: Path) -> None:
    reader = Reader()
    first = measured("one", reader)
    assert first.precision in PRECISIONS and first.seconds_per_step > 0 and reader.asked == 12
    assert measured("one", reader) == first and reader.asked == 12


def test_another_network_is_measured_on_its_own(empty_home: Path) -> None:
    reader = Reader()
    measured("one", reader, ("float32",))
    measured("two", reader, ("float32",))
    assert reader.asked == 12


def test_an_arithmetic_that_is_not_wanted_is_not_recalled(empty_home: Path) -> None:
    reader = Reader()
    measured("one", reader, ("bfloat16",))
    assert measured("one", reader, ("float32",)).precision == "float32" and reader.asked == 12


@pytest.mark.parametrize("content", ["", "{", "[]", '{"precision": 3}', "\x00"])
def test_what_was_kept_and_is_damaged_is_measured_again(empty_home: Path, content: str) -> None:
    reader = Reader()
    measured("one", reader, ("float32",))
    (kept,) = (empty_home / "engines").iterdir()
    kept.write_text(content)
    measured("one", reader, ("float32",))
    assert reader.asked == 12
    measured("one", reader, ("float32",))
    assert reader.asked == 12


def write_speed(home: Path, key: str, seconds: float, n_measured: int = 1) -> None:
    write_json(home / "engines" / f"step-{key}.json", {"precision": "float32", "seconds_per_step": seconds, "n_measured": n_measured})


def test_few_items_are_timed_as_a_whole_batch(empty_home: Path) -> None:
    sizes: list[int] = []

    def read(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:
        sizes.append(len(index))
        return (FEATURES[index],)

    classifier = Classifier(Same(), new_head(4, 2, 0), keep_statistics=True)
    fastest("few", classifier, read, np.arange(16) % 2, np.arange(3), SETTINGS, ("float32",))
    assert set(sizes) == {SETTINGS.batch_items}


def test_a_step_that_looked_dear_on_a_busy_machine_is_measured_again_when_it_would_decide_something(empty_home: Path) -> None:
    write_speed(empty_home, "busy", 50.0)
    reader = Reader()
    assert measured("busy", reader).seconds_per_step == 50.0 and reader.asked == 0
    again = measured("busy", reader, doubted=lambda speed: speed.seconds_per_step > 1)
    assert again.seconds_per_step < 1 and again.n_measured == 2 and recall("busy") == again


def test_a_step_that_is_dear_however_often_it_is_measured_is_believed_after_three_times(empty_home: Path) -> None:
    write_speed(empty_home, "dear", 1e-9)
    reader = Reader()
    asked = []
    for _ in range(4):
        assert measured("dear", reader, ("float32",), doubted=lambda _: True).seconds_per_step == 1e-9
        asked.append(reader.asked)
    assert asked == [6, 12, 12, 12]


def test_a_training_that_was_clearly_quicker_than_what_is_remembered_corrects_it(empty_home: Path) -> None:
    write_speed(empty_home, "one", 1.0)
    correct("one", "bfloat16", 0.1)
    assert recall("one") == Speed("bfloat16", 0.1, 1)


def test_a_slower_training_and_a_little_quicker_one_change_nothing_so_that_the_same_plan_admits_the_same_entrants(empty_home: Path) -> None:
    write_speed(empty_home, "one", 1.0)
    for seconds in (10.0, 0.9):
        correct("one", "float32", seconds)
    assert recall("one") == Speed("float32", 1.0, 1)


def test_what_was_never_measured_is_not_remembered_by_a_training(empty_home: Path) -> None:
    correct("never", "float32", 0.1)
    assert recall("never") is None
