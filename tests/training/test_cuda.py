"""On a CUDA card: the same training as on the processor but for rounding, the same bits twice and after a kill, and nothing left behind on the card.

Skipped where there is no card.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training import made
from tests.training.test_way import EVERYTHING, HELD, KilledError, learn, place_in, timeless
from torch import nn

from headstart.backbone.cuda import has_cuda
from headstart.backbone.cut import Backbone
from headstart.backbone.engines import race
from headstart.backbone.engines.torch_engine import TorchEngine
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.base.errors import HeadstartError
from headstart.training.arithmetic import autocast, device_of, precisions
from headstart.training.loop import train
from headstart.training.network import Classifier, new_head
from headstart.training.range_test import highest_rate
from headstart.training.speed import seconds_per_step

CARD = pytest.mark.skipif(not has_cuda(), reason="no CUDA card here")
ON_CARD = replace(EVERYTHING, precision="float32-cuda")
ROUNDING = 1e-4


@pytest.mark.parametrize("arithmetic", ["float32", "float32 or bfloat16, the faster"])
def test_without_a_card_in_the_plan_nothing_goes_there(arithmetic: str) -> None:
    assert all(device_of(one).type == "cpu" for one in precisions(arithmetic))


@pytest.mark.skipif(has_cuda(), reason="there is a CUDA card")
def test_a_card_that_is_not_there_is_named() -> None:
    with pytest.raises(HeadstartError, match=r"float32-cuda, and torch sees no CUDA card here\n  fix: resume it where it began"):
        autocast("float32-cuda")


@CARD
@pytest.mark.parametrize("settings", [ON_CARD, replace(ON_CARD, contrastive=0.1, mixup=0.0), replace(ON_CARD, at_once=5)], ids=["all", "contrastive", "parts"])
def test_a_training_on_the_card_is_the_processors_but_for_rounding(settings: object) -> None:
    here, there = (learn(replace(settings, precision=one, dropout=0.0)) for one in ("float32", "float32-cuda"))  # type: ignore[type-var]
    for name, value in here[1].state_dict().items():
        assert torch.allclose(value, there[1].state_dict()[name].cpu(), atol=ROUNDING), name
    assert np.allclose(here[0].probabilities, there[0].probabilities, atol=ROUNDING)
    assert [row.epoch for row in here[0].history] == [row.epoch for row in there[0].history]


@CARD
@pytest.mark.parametrize("precision", precisions("CUDA"))
def test_killed_on_the_card_it_ends_in_the_same_bits(precision: str, tmp_path: Path) -> None:
    settings = replace(ON_CARD, precision=precision)
    whole, weights = learn(settings)
    for steps in range(0, 13, 3):
        folder = tmp_path / str(steps)
        folder.mkdir()
        try:
            learn(settings, place_in(folder, first=True), steps)
        except KilledError:
            torch.manual_seed(steps)  # of the card's generator too
        done, again = learn(settings, place_in(folder, first=False))
        assert timeless(done) == timeless(whole)
        assert all(torch.equal(value, again.state_dict()[name]) for name, value in weights.state_dict().items())
    assert next(weights.parameters()).is_cuda and len(HELD) == len(whole.probabilities)


@CARD
def test_a_network_of_convolutions_trains_on_the_card_to_the_same_bits_twice() -> None:
    import_torchvision()
    import timm

    pictures = torch.from_numpy(np.random.default_rng(0).random((made.ITEMS, 3, 64, 64), dtype=np.float32))

    class Features(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.network = timm.create_model("resnet18", pretrained=False, num_classes=0, drop_path_rate=0.2)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor]:
            return (self.network(pixels),)

    found = []
    for _ in range(2):
        classifier = Classifier(Features(), new_head(512, made.CLASSES, 0), keep_statistics=False)
        settings = replace(ON_CARD, precision="bfloat16-cuda", channels_last=True, unfreeze=0.0, rate_decay=1.0, learning_rate=1e-3)
        done = train(classifier, lambda index, epoch: (pictures[index],), made.LABELS, np.arange(40), HELD, settings, seed=1, name="x")
        found.append((timeless(done), {name: value.cpu() for name, value in classifier.state_dict().items()}))
    assert found[0][0] == found[1][0]
    assert all(torch.equal(value, found[1][1][name]) for name, value in found[0][1].items())


@CARD
def test_steps_and_rates_are_measured_on_the_card() -> None:
    classifier = made.classifier()
    before = made.state(classifier)
    assert 0 < seconds_per_step(classifier, made.read, made.LABELS, np.arange(32), ON_CARD) < 1
    assert highest_rate(classifier, made.read, made.LABELS, np.arange(32), ON_CARD, seed=0) > 0
    assert all(torch.equal(value, classifier.state_dict()[name].cpu()) for name, value in before.items())


@CARD
def test_the_engine_on_the_card_takes_part_in_the_race_and_leaves_the_network_where_it_was() -> None:
    import_torchvision()
    import timm

    backbone = Backbone(timm.create_model("mobilenetv2_100", pretrained=False, num_classes=0).eval(), torch.zeros(1, 3, 96, 96))
    batch = np.random.default_rng(0).random((32, 3, 96, 96), dtype=np.float32)
    choice = race._race(backbone, (batch,), ())
    (lap,) = [lap for lap in choice.race if lap.engine == TorchEngine(torch.bfloat16, "cuda").name]
    assert lap.items_per_second > 0 and lap.mean_cosine > race.LEAST_MEAN_COSINE
    assert not any(value.is_cuda for value in backbone.network.state_dict().values())
    with torch.inference_mode():
        backbone.network(torch.from_numpy(batch[:2]))
