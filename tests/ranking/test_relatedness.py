"""Statistics hold the domain: the source's own data is near, other data is far, and a network without statistics is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import nn

from headstart.backbone.cut import Backbone
from headstart.gallery.card import TrainedOn
from headstart.modality import Vocabulary
from headstart.ranking import relatedness as module
from headstart.ranking.relatedness import SAMPLED_ITEMS, SAMPLED_TEXTS, in_words, relatedness, source_distance

DIGITS = load_digits().images.astype(np.float32)[:, None] / 16
ON_DIGITS = TrainedOn("digits", 1797, "written digits")


@dataclass(frozen=True)
class Pictures:
    """Arrays under made-up hashes; an index that is not there cannot be prepared."""

    arrays: NDArray[np.float32]
    content: tuple[str, ...]

    def vocabulary(self, places: Sequence[int]) -> None:
        return None

    def prepare(self, index: int) -> NDArray[np.float32]:
        return self.arrays[index]


def pictures(arrays: NDArray[np.float32]) -> Pictures:
    return Pictures(arrays, tuple(f"{n * 7919 % 10007:05d}{float(array.sum()):.3f}" for n, array in enumerate(arrays)))


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """Two layers with batch normalisation whose statistics were taken over the first thousand digits."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten()]
    network = nn.Sequential(*layers)
    for layer in (network[1], network[4]):
        layer.momentum = None  # plain average
    with torch.no_grad():
        for batch in torch.from_numpy(DIGITS[:1000]).split(100):
            network(batch)
    return Backbone(network, torch.zeros(1, 1, 8, 8))


def test_more_of_the_source_is_near_and_another_contrast_is_far(backbone: Backbone, empty_home: Path) -> None:
    near = relatedness(ON_DIGITS, backbone, pictures(DIGITS[1000:1200]))
    far = relatedness(ON_DIGITS, backbone, pictures(5 * DIGITS[1000:1200] - 2))
    noise = relatedness(ON_DIGITS, backbone, pictures(np.random.default_rng(0).random((40, 1, 8, 8), dtype=np.float32)))
    assert near.words == "near" and far.words == "far"
    assert near.distance is not None and far.distance is not None and noise.distance is not None
    assert near.distance < 0.3 < noise.distance and far.distance > 1
    assert near.source == "written digits (1,797 examples)"


def test_a_network_without_running_statistics_says_that_it_does_not_know(empty_home: Path) -> None:
    layered = Backbone(nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.LayerNorm(8)), torch.zeros(1, 1, 8, 8))
    found = relatedness(TrainedOn("somewhere", 0, "saliency"), layered, pictures(DIGITS[:30]))
    assert (found.source, found.distance, found.words) == ("saliency", None, "unknown")


def test_the_network_is_left_as_it_was(backbone: Backbone, empty_home: Path) -> None:
    before = {name: value.clone() for name, value in backbone.network.state_dict().items()}
    source_distance(backbone, pictures(DIGITS[1200:1300]))
    assert all(torch.equal(value, before[name]) for name, value in backbone.network.state_dict().items())
    assert not any(one._forward_pre_hooks for one in backbone.network.modules())


def test_the_order_of_the_items_does_not_matter_and_few_of_them_are_read(backbone: Backbone, empty_home: Path) -> None:
    items = pictures(DIGITS[:100])
    turned = Pictures(items.arrays[::-1], items.content[::-1])
    first = source_distance(backbone, items)
    for kept in (empty_home / "relatedness").iterdir():
        kept.unlink()
    assert source_distance(backbone, turned) == first
    chosen = module._sample(items.content, SAMPLED_ITEMS)
    assert len(chosen) == SAMPLED_ITEMS == len({items.content[n] for n in chosen})


def test_what_was_measured_is_remembered_and_a_damaged_memory_is_measured_anew(backbone: Backbone, empty_home: Path) -> None:
    items = pictures(DIGITS[:50])
    first = source_distance(backbone, items)
    unreadable = Pictures(items.arrays[:0], items.content)  # preparing would fail: the answer can only be remembered
    assert source_distance(backbone, unreadable) == first
    (kept,) = (empty_home / "relatedness").iterdir()
    kept.write_text("{", encoding="utf-8")
    assert source_distance(backbone, items) == first


def test_words_follow_the_distance() -> None:
    assert [in_words(one) for one in (None, 0.16, 0.76, 1.1)] == ["unknown", "near", "some way off", "far"]


@pytest.mark.parametrize(
    ("pieces", "unknown", "words"),
    [(1.14, 0.0, "near"), (1.6, 0.0, "some way off"), (5.7, 0.0, "far"), (1.0, 0.7, "far"), (1.0, 0.05, "some way off"), (0.8, 0.0, "near")],
)
def test_a_text_network_is_as_near_as_its_vocabulary_fits(pieces: float, unknown: float, words: str) -> None:
    network = Backbone(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), torch.zeros(1, 4))
    asked: list[Sequence[int]] = []

    class Texts(Pictures):
        def vocabulary(self, places: Sequence[int]) -> Vocabulary:
            asked.append(places)
            return Vocabulary(pieces, unknown)

    many = pictures(DIGITS[:300])
    found = relatedness(TrainedOn("the web", 10, "English sentences"), network, Texts(many.arrays, many.content))
    assert (found.words, found.distance, found.vocabulary) == (words, None, Vocabulary(pieces, unknown))
    assert len(asked[0]) == SAMPLED_TEXTS
