"""Clips for the tests: tones and words of noise that differ from each other, in any format; real recordings come from the gallery's packages elsewhere."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile

RATE = 16_000


def word(seed: int, seconds: float = 0.7, rate: int = RATE) -> np.ndarray:
    """Something like a word: a few syllables of harmonics that glide, each seed another one."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(time)
    for begin in np.linspace(0.05, seconds - 0.25, 3):
        pitch = generator.uniform(90, 300) * (1 + generator.uniform(-0.3, 0.3) * time)
        envelope = np.exp(-np.square((time - begin - 0.1) / 0.05))
        weights = generator.uniform(0, 1, 12)
        sound += envelope * sum(weight * np.sin(2 * np.pi * n * np.cumsum(pitch) / rate) for n, weight in enumerate(weights, 1))
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def encoded(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str | None = None, **how: Any) -> bytes:
    """The bytes of a file; samples ``(n,)`` or ``(n, channels)``; how it is compressed."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype, **how)
    return stream.getvalue()
