"""A prepared clip in, the same clip as another microphone in another room would have heard it, out: gain, shift, noise and a short reverberation.

Source: Ko, Peddinti, Povey, Seltzer and Khudanpur 2017, "A Study on Data Augmentation of Reverberant Speech" (noise and rooms); the room here is the simplest
model there is, noise that decays exponentially (Polack 1988), because it needs no recordings of rooms.
"""

from __future__ import annotations

import numpy as np

from headstart.modality.sound import Samples

GAIN_DECIBELS = 6.0
SHIFT_FRACTION = 0.05  # of the window, to either side
SHIFT_SECONDS_MAX = 0.1
SIGNAL_TO_NOISE_DECIBELS = (10.0, 40.0)
NOISE_COLOURS = (0.0, 1.0)  # the power falls with frequency to this exponent: white to pink
ROOM_CHANCE = 0.5
REVERBERATION_SECONDS = (0.1, 0.4)  # to fall by 60 dB: a small to a common room
DIRECT_TO_ROOM_DECIBELS = (3.0, 15.0)
DECAY = np.log(1e3)  # 60 dB as a factor of amplitude


def vary(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """Another hearing of a clip ``(n,)``, of the same length."""
    varied = samples.astype(np.float64)
    if generator.random() < ROOM_CHANCE:
        varied = _in_room(varied, rate, generator)
    varied = _shifted(varied, rate, generator)
    varied = _noisy(varied, generator)
    gain = 10 ** (generator.uniform(-GAIN_DECIBELS, GAIN_DECIBELS) / 20)
    return np.ascontiguousarray(gain * varied, np.float32)


def _shifted(samples: np.ndarray, rate: int, generator: np.random.Generator) -> np.ndarray:
    reach = int(min(SHIFT_FRACTION * len(samples), SHIFT_SECONDS_MAX * rate))
    by = int(generator.integers(-reach, reach + 1))
    moved = np.zeros_like(samples)
    if by >= 0:
        moved[by:] = samples[: len(samples) - by]
    else:
        moved[:by] = samples[-by:]
    return moved


def _noisy(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    n = len(samples)
    spectrum = np.fft.rfft(generator.normal(size=n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1)) ** generator.uniform(*NOISE_COLOURS)
    noise = np.fft.irfft(spectrum, n)
    sounding = samples[samples != 0]  # the zeros with which a short clip was filled up are no part of its loudness
    level = np.sqrt(np.mean(np.square(sounding))) if len(sounding) else 0.0
    wanted = level * 10 ** (-generator.uniform(*SIGNAL_TO_NOISE_DECIBELS) / 20)
    return samples + noise * (wanted / max(float(np.sqrt(np.mean(np.square(noise)))), np.finfo(np.float64).tiny))


def _in_room(samples: np.ndarray, rate: int, generator: np.random.Generator) -> np.ndarray:
    length = max(2, int(generator.uniform(*REVERBERATION_SECONDS) * rate))
    response = generator.normal(size=length) * np.exp(-DECAY * np.arange(length) / length)
    response[0] = 0.0
    response *= 10 ** (-generator.uniform(*DIRECT_TO_ROOM_DECIBELS) / 20) / np.sqrt(np.sum(np.square(response)))
    response[0] = 1.0
    points = 1 << (len(samples) + length - 1).bit_length()
    heard = np.fft.irfft(np.fft.rfft(samples, points) * np.fft.rfft(response, points), points)[: len(samples)]
    return np.asarray(heard)
