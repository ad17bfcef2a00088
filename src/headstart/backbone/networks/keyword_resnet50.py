"""ResNet-50 over log mel spectra, slightly pruned, trained to tell spoken words apart: a clip in, one vector of length 1 out.

In: samples (n, s) in -1..1 at 16 kHz; the published network hears 1.5 s, this one any length. Out: features (n, 2048).
Sources: He et al., Deep Residual Learning, 2015; Deng et al., ArcFace, 2019 (how it was taught); the graph of the package EfficientWord-Net, rebuilt from
its operations; Davis and Mermelstein 1980 and O'Shaughnessy 1987 (mels by 2595 log10(1 + f / 700)) for its front end.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.backbone.networks.fresh import start
from headstart.backbone.networks.speech_front import Spectrum

RATE = 16_000
LENGTH, POINTS, HOP = 400, 512, 160  # 25 ms under no window at all, 10 ms from frame to frame
BESIDE = (POINTS - LENGTH) // 2  # points of the transform on either side of the 25 ms
N_BANDS = 64
SMALLEST_POWER = float(np.finfo(np.float64).eps)
SMALLEST_RANGE = 1e-6  # of a clip's logarithms: silence has none
STEM_CHANNELS = 61  # 64 before it was pruned
STAGES = ((3, 61, 256), (4, 122, 512), (6, 243, 1024), (3, 486, 2048))  # blocks, inner and outer channels
WIDTH = 2048
TINY = 1e-12


class Mels(nn.Module):
    """Samples (n, s) to logarithms of mel bands (n, 1, frames, 64), brought to -1..1 within each clip: how loud it is does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = Spectrum(RATE, LENGTH, POINTS, HOP, N_BANDS, 0.0, RATE / 2, window=np.ones(LENGTH), bands=_bands())

    def forward(self, samples: Tensor) -> Tensor:
        """The quietest number of a clip becomes -1, the loudest 1; the last frame is filled up with zeros."""
        missing = (LENGTH - samples.shape[1]) % HOP
        heard = nn.functional.pad(samples, (BESIDE, missing + BESIDE))
        logarithms = torch.log((self.spectrum(heard) / POINTS).clamp_min(SMALLEST_POWER))
        lowest = logarithms.amin(dim=(1, 2), keepdim=True)
        spread = (logarithms.amax(dim=(1, 2), keepdim=True) - lowest).clamp_min(SMALLEST_RANGE)
        return ((logarithms - lowest) / spread * 2 - 1).transpose(1, 2)[:, None]


class Stem(nn.Module):
    """Normalisation, 7 x 7 at every second place, the largest of 3 x 3 at every second of these."""

    def __init__(self) -> None:
        super().__init__()
        self.normalisation = nn.BatchNorm2d(1)
        self.convolution = nn.Conv2d(1, STEM_CHANNELS, 7, 2, padding=3)
        self.pool = nn.MaxPool2d(3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, t, 64) to (n, 61, t / 4, 16)."""
        out: Tensor = self.pool(nn.functional.relu(self.convolution(self.normalisation(x))))
        return out


class Bottleneck(nn.Module):
    """Three convolutions plus a shortcut; normalisation is folded into them. The children stand in the order of the published graph."""

    def __init__(self, before: int, inner: int, after: int, stride: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(before, inner, 1)
        self.spatial = nn.Conv2d(inner, inner, 3, stride, padding=1)
        self.expand = nn.Conv2d(inner, after, 1)
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, t, f) to (n, after, t / stride, f / stride)."""
        inner = nn.functional.relu(self.spatial(nn.functional.relu(self.reduce(x))))
        return nn.functional.relu(self.expand(inner) + self.shortcut(x))


class Unit(nn.Module):
    """Maps (n, 2048, t, f) to one vector of length 1: their mean, normalised feature by feature."""

    def __init__(self) -> None:
        super().__init__()
        self.normalisation = nn.BatchNorm1d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """What tells words apart by their angle."""
        raw = self.normalisation(x.mean(dim=(2, 3)))
        unit: Tensor = raw / raw.norm(dim=1, keepdim=True).clamp_min(TINY)
        return unit


def keyword_resnet50() -> nn.Sequential:
    """The network, from samples to features, with fresh weights."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(mel=Mels(), stem=Stem())
    before = STEM_CHANNELS
    for number, (blocks, inner, after) in enumerate(STAGES, 1):
        for block in range(blocks):
            parts[f"stage{number}_{block + 1}"] = Bottleneck(before, inner, after, stride=2 if block == 0 and number > 1 else 1)
            before = after
    network = nn.Sequential(parts | {"pool": Unit()})
    network.apply(start)
    return network


def _bands() -> NDArray[np.float64]:
    """Triangles (257, 64) between whole bins, evenly spaced in mels, each one high at its peak."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    corners = np.floor((POINTS + 1) * 700 * (10 ** (np.linspace(0, highest, N_BANDS + 2) / 2595) - 1) / RATE)
    bins = np.arange(POINTS // 2 + 1)[:, None]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins - low) / np.maximum(middle - low, 1), (high - bins) / np.maximum(high - middle, 1)
    triangles: NDArray[np.float64] = np.where((low <= bins) & (bins < middle), rising, np.where((middle <= bins) & (bins < high), falling, 0.0))
    return triangles
