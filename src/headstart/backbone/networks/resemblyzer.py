"""A speaker encoder: three recurrent layers over mel spectra, trained so that utterances of one speaker lie together.

In: samples (n, s) in -1..1 at 16 kHz. Out: an embedding (n, 256) of length 1.
Source: Wan, Wang, Papir and Moreno, Generalized End-to-End Loss for Speaker Verification, 2018; the weights of the package Resemblyzer.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from headstart.backbone.networks.speech_front import Spectrum

RATE = 16_000
LENGTH, HOP = 400, 160  # 25 ms, 10 ms
N_BANDS = 40
WIDTH = 256
LOUDNESS = 10 ** (-30 / 20)  # root mean square to which every clip is brought: -30 dB of full scale
TINY = 1e-9


class Mels(nn.Module):
    """Samples (n, s) at one loudness to power in mel bands (n, frames, 40)."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = Spectrum(RATE, LENGTH, LENGTH, HOP, N_BANDS, 0.0, RATE / 2, centred=True)

    def forward(self, samples: Tensor) -> Tensor:
        """Power, not its logarithm: the layers learnt from it."""
        loudness = (samples.square().mean(dim=-1, keepdim=True) + TINY * TINY).sqrt()
        bands: Tensor = self.spectrum(samples * (LOUDNESS / loudness))
        return bands.transpose(1, 2)


class Recurrent(nn.Module):
    """One layer: a sequence (n, t, c) to a sequence (n, t, 256)."""

    def __init__(self, before: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(before, WIDTH, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Every state of the sequence."""
        states: Tensor = self.lstm(x)[0]
        return states


class Embedding(nn.Module):
    """The last state, mapped, rectified and brought to length 1: (n, t, 256) to (n, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """What tells speakers apart by their angle."""
        raw = nn.functional.relu(self.linear(x[:, -1]))
        unit: Tensor = raw / (raw.norm(dim=1, keepdim=True) + TINY)
        return unit


def resemblyzer() -> nn.Sequential:
    """The network, from samples to an embedding, with fresh weights."""
    layers = OrderedDict((f"layer{n}", Recurrent(N_BANDS if n == 1 else WIDTH)) for n in (1, 2, 3))
    return nn.Sequential(OrderedDict(mel=Mels(), **layers, embedding=Embedding()))
