"""A wake word that nobody said: words of harmonics by ten speakers, other words, background; written as folders of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.modality.sounds import RATE, word

from headstart.modality.sound import resampled, wav

WORD, OTHER = 1, 50


def spoken(seed: int, speaker: int) -> np.ndarray:
    """A word by a speaker: at another speed, with a little noise."""
    samples = resampled(word(seed), RATE, round(RATE * (0.9 + 0.02 * speaker)))
    return (samples + 0.003 * np.random.default_rng(100 * seed + speaker).standard_normal(len(samples))).astype(np.float32)


def rustle(seed: int, seconds: float) -> np.ndarray:
    """Background: noise that comes and goes, and now and then another word."""
    generator = np.random.default_rng(seed)
    noise = 0.02 * generator.standard_normal(round(seconds * RATE)).astype(np.float32)
    for place in range(RATE, len(noise) - 2 * RATE, 3 * RATE):
        other = spoken(OTHER + int(generator.integers(20)), int(generator.integers(9)))
        noise[place : place + len(other)] += other
    return noise


def lay_out(root: Path) -> Path:
    """A word by ten speakers, other words, a few minutes of background."""
    for kind, sounds in (
        ("positive", [spoken(WORD, speaker) for speaker in range(10)]),
        ("negative", [spoken(OTHER + n, n % 10) for n in range(15)]),
        ("background", [rustle(n, 20.0) for n in range(8)]),
    ):
        (root / kind).mkdir()
        for number, samples in enumerate(sounds):
            (root / kind / f"{number:02d}.wav").write_bytes(wav(samples, RATE))
    return root
