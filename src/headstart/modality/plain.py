"""What can be said of a picture without a network: an RGB picture in, edges by direction and colours out, for the model that transfer has to beat.

Source: Dalal and Triggs 2005, "Histograms of Oriented Gradients for Human Detection", with their best setting (9 unsigned directions, cells of 8 pixels,
blocks of 2 x 2 cells, L2-hys); colours as the square root of a joint histogram (Hellinger distance). OpenCV had a fast HOG until 4.x; 5 no longer
carries it, and scikit-image would be a large dependency for these forty lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64  # pixels to which every picture is brought, its proportions not kept
CELL = 8
DIRECTIONS = 9
CLIP = 0.2  # L2-hys: no single edge counts for more than this in its block
COLOUR_LEVELS = 4  # a channel: 64 colours
N_CELLS = SIDE // CELL
N_FEATURES = (N_CELLS - 1) ** 2 * 4 * DIRECTIONS + COLOUR_LEVELS**3
_CELL_OF = (np.arange(SIDE) // CELL)[:, None] * N_CELLS + (np.arange(SIDE) // CELL)[None]


def features(picture: Image.Image) -> NDArray[np.float32]:
    """Edges, then colours: ``(N_FEATURES,)``, each of the two parts about as long as the other in sum of squares per block."""
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("RGB")
    return np.concatenate([edges(np.asarray(small.convert("L"), np.float32)), colours(np.asarray(small))])


def edges(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Histograms of oriented gradients of a ``(64, 64)`` grey picture: ``(1764,)``."""
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    down[1:-1] = grey[2:] - grey[:-2]
    strength = np.hypot(across, down)
    place = np.arctan2(down, across) * (DIRECTIONS / np.pi) - 0.5  # in directions; opposite ones are the same
    lower = np.floor(place)
    share = place - lower
    first = lower.astype(np.int64) % DIRECTIONS
    second = (first + 1) % DIRECTIONS
    bins = np.concatenate([(_CELL_OF * DIRECTIONS + first).ravel(), (_CELL_OF * DIRECTIONS + second).ravel()])
    weights = np.concatenate([(strength * (1 - share)).ravel(), (strength * share).ravel()])
    cells = np.bincount(bins, weights, N_CELLS**2 * DIRECTIONS).reshape(N_CELLS, N_CELLS, DIRECTIONS)
    blocks = np.concatenate([cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=-1)
    return _unit(np.minimum(_unit(blocks), CLIP)).ravel().astype(np.float32)


def colours(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Square roots of the shares of 64 colours in ``(64, 64, 3)`` pixels."""
    level = (pixels >> 6).astype(np.int64)
    counts = np.bincount(((level[..., 0] * COLOUR_LEVELS + level[..., 1]) * COLOUR_LEVELS + level[..., 2]).ravel(), minlength=COLOUR_LEVELS**3)
    shares: NDArray[np.float32] = np.sqrt(counts / counts.sum()).astype(np.float32)
    return shares


def _unit(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    tiny = 1.0  # in grey levels: blocks flatter than this stay small
    length: NDArray[np.float64] = blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + tiny**2)
    return length
