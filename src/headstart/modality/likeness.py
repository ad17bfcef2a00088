"""Which pictures are the same picture, saved or resized again: thumbnails in, points and answers out.

Two pictures are alike when their grey 32 x 32 thumbnails correlate at 0.995 and their colours agree. (The perceptual hash of the discrete cosine
transform, Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", 3.2.1, is too coarse: of 12,000 different Fashion-MNIST
pictures, 3,535 pairs lie within 8 of its 64 bits; of 2,624 solar cells, 1,986 pairs.) That admits 140 of the 1.8 thousand million pairs of
Fashion-MNIST, none of the 12 million of MNIST, and 176 of the 3.4 million of the solar cells: neighbours cut from one ingot, with the same crystals.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32  # pixels of the grey thumbnail
COLOUR_SIDE = 4  # cells of the colour thumbnail
WAVES = 8  # 8 x 8 of them make a point
THUMBNAIL_BYTES = SIDE * SIDE + 2 * COLOUR_SIDE * COLOUR_SIDE
CORRELATION_MIN = 0.995
FLAT = 1.0  # levels of 255: a thumbnail with less contrast than this is flat, what it shows is rounding, and that is not stretched
COLOUR_LEVELS_MAX = 24.0  # levels of 255 by which a cell's colour may differ: JPEG at quality 60 moves it by up to 10
REACH = float(np.sqrt(2 * (1 - CORRELATION_MIN)))  # distance of two vectors of length 1 with that correlation
BRIGHTNESS_LEVELS_MAX = 40.0  # levels of 255 by which the mean may differ: brightening by 15 % moves it by up to 38
FLAT_LEVELS_MAX = 6.0  # the same for flat pictures, which have nothing but their tone: shades of one colour would chain into one family
AT_ONCE = 4096  # thumbnails made into points at once


def _cosines() -> NDArray[np.float32]:
    wave, pixel = np.arange(SIDE)[:, None], np.arange(SIDE)[None]
    rows = np.cos(np.pi * wave * (2 * pixel + 1) / (2 * SIDE)) * np.sqrt(2 / SIDE)
    rows[0] /= np.sqrt(2)
    waves: NDArray[np.float32] = rows.astype(np.float32)
    return waves


COSINES = _cosines()  # orthonormal: distances among waves are distances among pixels


def thumbnail(picture: Image.Image) -> bytes:
    """32 x 32 grey pixels, then 4 x 4 blue-yellow and 4 x 4 red-green cells."""
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR).convert("RGB")
    colours = small.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX).convert("YCbCr").tobytes()
    raw: bytes = small.convert("L").tobytes() + colours[1::3] + colours[2::3]
    return raw


def sketch(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Points ``(n, 64)``, coarse waves first: shadows of the normalised thumbnails, so alike pictures lie within `REACH` of each other."""
    wave = np.arange(WAVES)
    coarse_first = np.argsort(np.maximum(wave[:, None], wave[None]).ravel(), kind="stable")
    points = np.empty((len(thumbnails), WAVES**2), np.float32)
    for start in range(0, len(thumbnails), AT_ONCE):
        part = normal(thumbnails[start : start + AT_ONCE]).reshape(-1, SIDE, SIDE)
        waves = COSINES[:WAVES] @ part @ COSINES[:WAVES].T
        points[start : start + AT_ONCE] = waves.reshape(len(part), -1)[:, coarse_first]
    return points


def alike(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For pairs of thumbnails ``(n, THUMBNAIL_BYTES)``: the same picture, up to saving, resizing and a little brightness."""
    a, b = normal(left), normal(right)
    difference = left.astype(np.float32) - right
    colours = np.abs(difference[:, SIDE * SIDE :]).max(axis=1)
    brightness = np.abs(difference[:, : SIDE * SIDE].mean(axis=1))
    flat = np.minimum(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)) < 1 - 1e-3
    tone = np.where(flat, np.maximum(colours, brightness) <= FLAT_LEVELS_MAX, (colours <= COLOUR_LEVELS_MAX) & (brightness <= BRIGHTNESS_LEVELS_MAX))
    answers: NDArray[np.bool_] = tone & (np.linalg.norm(a - b, axis=1) <= REACH)
    return answers


def normal(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey pixels with mean 0 and length 1 (shorter where they are flat): brightness and contrast no longer count."""
    grey = thumbnails[:, : SIDE * SIDE].astype(np.float32)
    grey -= grey.mean(axis=1, keepdims=True)
    contrast = np.linalg.norm(grey, axis=1, keepdims=True)
    steepened: NDArray[np.float32] = grey / np.maximum(contrast, FLAT * SIDE)
    return steepened
