"""Samples in, log mel spectra out, in torch and without weights: the first layer of networks of sound, written as a convolution so that engines convert it.

In: samples (n, s) in -1..1. Out: decibels of mel bands. The short-time Fourier transform is a convolution with the window's cosines and sines.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.modality.spectrum import hann, mel_bands


class Spectrum(nn.Module):
    """Power in mel bands: samples (n, s) to (n, bands, frames), with fixed kernels that no training changes and no file holds.

    Args:
        rate: Samples a second.
        length: Samples under the window.
        points: Points of the transform; the window stands in their middle.
        hop: Samples from frame to frame.
        n_bands: How many mel bands.
        lowest: Hertz where the first band begins.
        highest: Hertz where the last one ends.
        scale: What samples are multiplied with: 32,768 for networks that learnt from whole numbers.
        centred: Whether the first frame's middle is the first sample (zeros before it), as librosa has it.
        window: ``(length,)`` what the samples are weighed with; von Hann's when not given.
        bands: ``(points // 2 + 1, n_bands)``; Slaney's mel bands when not given.
    """

    waves: Tensor
    bands: Tensor

    def __init__(
        self,
        rate: int,
        length: int,
        points: int,
        hop: int,
        n_bands: int,
        lowest: float,
        highest: float,
        *,
        scale: float = 1.0,
        centred: bool = False,
        window: NDArray[np.float64] | None = None,
        bands: NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__()
        begin = (points - length) // 2
        window = np.pad(hann(length) if window is None else window, (begin, points - length - begin))
        angle = 2 * np.pi * np.outer(np.arange(points // 2 + 1), np.arange(points)) / points
        waves = np.concatenate([np.cos(angle) * window, np.sin(angle) * window]) * scale
        self.hop, self.padding = hop, points // 2 if centred else 0
        self.register_buffer("waves", torch.tensor(waves[:, None], dtype=torch.float32), persistent=False)
        bands = mel_bands(rate, points, n_bands, lowest, highest) if bands is None else bands
        self.register_buffer("bands", torch.tensor(bands.T[:, :, None].copy(), dtype=torch.float32), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (n, s) to power (n, bands, frames)."""
        parts = nn.functional.conv1d(samples[:, None], self.waves, stride=self.hop, padding=self.padding)
        real, imaginary = parts.chunk(2, dim=1)
        power: Tensor = nn.functional.conv1d(real * real + imaginary * imaginary, self.bands)
        return power
