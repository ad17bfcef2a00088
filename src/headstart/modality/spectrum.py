"""Samples in, spectra as ears weigh them out: short-time power, mel bands, cepstra; the formulas that networks' front ends and plain features share.

Sources: Stevens, Volkmann and Newman 1937 (the mel); Slaney 1998, "Auditory Toolbox" (linear below 1 kHz, logarithmic above, triangles of equal area);
Davis and Mermelstein 1980, "Comparison of Parametric Representations for Monosyllabic Word Recognition" (cepstra of mel bands).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from headstart.modality.sound import Samples

Floats = NDArray[np.float32]
MELS_AT_BREAK = 15.0  # mels at 1,000 Hz: below it 200/3 Hz a mel
HERTZ_AT_BREAK = 1000.0
HERTZ_A_MEL = 200 / 3
LOG_STEP = np.log(6.4) / 27  # a mel above it: 27 of them between 1 and 6.4 kHz


def hertz_to_mel(hertz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mels."""
    above = MELS_AT_BREAK + np.log(np.maximum(hertz, HERTZ_AT_BREAK) / HERTZ_AT_BREAK) / LOG_STEP
    mels: NDArray[np.float64] = np.where(hertz < HERTZ_AT_BREAK, hertz / HERTZ_A_MEL, above)
    return mels


def mel_to_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """And back."""
    above = HERTZ_AT_BREAK * np.exp((mels - MELS_AT_BREAK) * LOG_STEP)
    hertz: NDArray[np.float64] = np.where(mels < MELS_AT_BREAK, mels * HERTZ_A_MEL, above)
    return hertz


@cache
def mel_bands(rate: int, points: int, n_bands: int, lowest: float, highest: float) -> NDArray[np.float64]:
    """Triangles ``(points // 2 + 1, n_bands)`` of equal area over the frequencies of a Fourier transform of so many points."""
    corners = mel_to_hertz(np.linspace(float(hertz_to_mel(lowest)), float(hertz_to_mel(highest)), n_bands + 2))
    hertz = np.linspace(0, rate / 2, points // 2 + 1)[:, None]
    rising = (hertz - corners[:-2]) / np.diff(corners[:-1])
    falling = (corners[2:] - hertz) / np.diff(corners[1:])
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * 2 / (corners[2:] - corners[:-2])
    return triangles


@cache
def hann(length: int) -> NDArray[np.float64]:
    """The periodic window of von Hann."""
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return window


def frames(samples: Samples, length: int, hop: int) -> Samples:
    """Overlapping stretches ``(t, length)``, at least one; a clip shorter than that is filled up with zeros."""
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]


def band_powers(samples: Samples, rate: int, *, length: int, hop: int, n_bands: int, lowest: float, highest: float) -> Floats:
    """Power ``(t, n_bands)`` in mel bands."""
    window = hann(length).astype(np.float32)
    spectrum = np.fft.rfft(frames(samples, length, hop) * window, axis=1)
    power = np.square(np.abs(spectrum))
    bands: Floats = (power @ mel_bands(rate, length, n_bands, lowest, highest)).astype(np.float32)
    return bands


@cache
def cosines(n_bands: int, n: int) -> Floats:
    """The first n waves of the orthonormal discrete cosine transform (Ahmed, Natarajan and Rao 1974), ``(n_bands, n)``."""
    wave, band = np.arange(n)[None], np.arange(n_bands)[:, None]
    rows = np.cos(np.pi * wave * (2 * band + 1) / (2 * n_bands)) * np.sqrt(2 / n_bands)
    rows[:, 0] /= np.sqrt(2)
    waves: Floats = rows.astype(np.float32)
    return waves
