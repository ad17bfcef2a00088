"""What can be said of a clip without a network: samples in, statistics of its cepstra out, for the model that transfer has to beat.

Source: Davis and Mermelstein 1980 (mel cepstra); Furui 1986, "Speaker-Independent Isolated Word Recognition Using Dynamic Features" (their slopes).
"""

from __future__ import annotations

import numpy as np

from headstart.modality.sound import Samples, resampled
from headstart.modality.spectrum import Floats, band_powers, cosines

RATE = 16_000
LENGTH = 400  # 25 ms
HOP = 160  # 10 ms
N_BANDS = 40
N_CEPSTRA = 20
SLOPE_REACH = 2  # frames to each side from which a slope is estimated
FLOOR = 1e-8  # of the loudest frame's power: 80 dB below it nothing is heard
QUIET = 1e-4  # frames 40 dB below the loudest do not count: how long a recorder ran on says nothing
N_FEATURES = 4 * N_CEPSTRA + 3


def features(samples: Samples, rate: int) -> Floats:
    """Mean and spread of cepstra, mean size and spread of their slopes, then length, rise and fall: ``(N_FEATURES,)``."""
    heard = resampled(samples, rate, RATE)
    bands = band_powers(heard, RATE, length=LENGTH, hop=HOP, n_bands=N_BANDS, lowest=20.0, highest=RATE / 2)
    loudness = bands.sum(axis=1)
    active = np.flatnonzero(loudness >= QUIET * loudness.max())
    bands, loudness = bands[active[0] : active[-1] + 1], loudness[active[0] : active[-1] + 1]
    cepstra = np.log(bands + FLOOR * loudness.max()) @ cosines(N_BANDS, N_CEPSTRA)
    slopes = slope(cepstra)
    peak = int(loudness.argmax())
    shape = np.array([np.log(len(bands)), np.log1p(peak), np.log1p(len(bands) - peak)], np.float32)
    return np.concatenate([cepstra.mean(0), cepstra.std(0), np.abs(slopes).mean(0), slopes.std(0), shape]).astype(np.float32)


def slope(cepstra: Floats) -> Floats:
    """How each coefficient moves: the line of least squares over two frames to each side, edges repeated; ``(t, n)``."""
    padded = np.pad(cepstra, ((SLOPE_REACH, SLOPE_REACH), (0, 0)), mode="edge")
    n, steps = len(cepstra), range(1, SLOPE_REACH + 1)
    rise = sum(step * (padded[SLOPE_REACH + step :][:n] - padded[SLOPE_REACH - step :][:n]) for step in steps)
    found: Floats = np.asarray(rise / (2 * sum(step * step for step in steps)), np.float32)
    return found
