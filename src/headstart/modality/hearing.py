"""Which clips are the same recording, saved again: samples in, thumbnails of their spectra out, and answers about pairs of them.

A thumbnail is the spectrum between the first and the last loud moment as a small grey picture (bands x time, so that leading silence, rate, format and
gain fall away) and how long that stretch is. The 64-bit fingerprint is that of `likeness` (Zauner 2010), taken of this picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.modality import likeness
from headstart.modality.likeness import SIDE
from headstart.modality.sound import Samples, resampled
from headstart.modality.spectrum import Floats, band_powers

RATE = 8_000  # telephones: a copy at this rate must still be found
LENGTH = 256  # 32 ms
HOP = 32  # 4 ms
LOWEST_HERTZ, HIGHEST_HERTZ = 150.0, 3_400.0
LOUD = 1e-3  # of the loudest frame's power: the stretch is what is within 30 dB of it
RANGE_DECIBELS = 50.0  # what the 256 levels of a thumbnail span
DURATION_BYTES = 4
THUMBNAIL_BYTES = SIDE * SIDE + DURATION_BYTES
CORRELATION_MIN = 0.97
REACH = float(np.sqrt(2 * (1 - CORRELATION_MIN)))
DURATION_MILLISECONDS_MAX = 40
DURATION_FRACTION_MAX = 0.02
FLAT = 1.0  # levels of 255


def thumbnail(samples: Samples, rate: int) -> bytes:
    """32 x 32 levels of the spectrum over the loud stretch, then its length in milliseconds."""
    bands = band_powers(resampled(samples, rate, RATE), RATE, length=LENGTH, hop=HOP, n_bands=SIDE, lowest=LOWEST_HERTZ, highest=HIGHEST_HERTZ)
    loudness = bands.sum(axis=1)
    loud = np.flatnonzero(loudness >= LOUD * loudness.max())
    stretch = bands[loud[0] : loud[-1] + 1]
    decibels = 10 * np.log10(np.maximum(_cells(stretch), 1e-20))
    levels = np.clip(255 * (1 + (decibels - decibels.max()) / RANGE_DECIBELS), 0, 255)
    milliseconds = round(1000 * len(stretch) * HOP / RATE)
    return np.rint(levels).astype(np.uint8).T.tobytes() + milliseconds.to_bytes(DURATION_BYTES, "little")


def alike(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For pairs of thumbnails ``(n, THUMBNAIL_BYTES)``: the same recording, up to saving, rate, gain and leading silence."""
    a, b = _milliseconds(left), _milliseconds(right)
    equal = np.abs(a - b) <= np.maximum(DURATION_MILLISECONDS_MAX, DURATION_FRACTION_MAX * np.maximum(a, b))
    answers: NDArray[np.bool_] = equal & (np.linalg.norm(_normal(left) - _normal(right), axis=1) <= REACH)
    return answers


def sketch(thumbnails: NDArray[np.uint8]) -> Floats:
    """The coarse waves of each spectrum, as a point."""
    return likeness.sketch(thumbnails)


def _cells(bands: Floats) -> Floats:
    """The mean power of 32 stretches of equal length, ``(32, bands)``; stretches of very short clips overlap."""
    edges = np.linspace(0, len(bands), SIDE + 1)
    return np.stack([bands[int(begin) : max(int(begin) + 1, int(np.ceil(end)))].mean(axis=0) for begin, end in zip(edges[:-1], edges[1:], strict=True)])


def _milliseconds(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.ascontiguousarray(thumbnails[:, SIDE * SIDE :]).view("<u4")[:, 0].astype(np.float64)


def _normal(thumbnails: NDArray[np.uint8]) -> Floats:
    """Levels with mean 0 and length 1."""
    levels = thumbnails[:, : SIDE * SIDE].astype(np.float32)
    levels = levels - levels.mean(axis=1, keepdims=True)
    normal: Floats = levels / np.maximum(np.linalg.norm(levels, axis=1, keepdims=True), FLAT * SIDE)
    return normal
