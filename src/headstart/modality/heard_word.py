"""A recorded word in, the same word as other people on other microphones in other rooms would have said it, out: windows that end when the word has ended.

Speed and pitch together (a tape's), the colour of a microphone, the band of a telephone, other sound behind it, room, noise and level. Few voices stand for
all of them, so each is heard in many ways. Source: Lin et al., 2020, section 3 (synthetic speech and augmentation for few recordings); the band of a
telephone is ITU-T G.712's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.modality.sound import Samples, resampled
from headstart.modality.varied_sound import vary

FRAME_SECONDS = 0.02
OUTSIDE_DECIBELS = 38.0  # below the loudest 20 ms: what is quieter at either end is no part of the word, but the hiss of its last letter is
SPEEDS = (0.88, 1.15)
COLOUR_CHANCE, COLOUR_DECIBELS, COLOUR_CORNERS = 0.5, 6.0, 7
TELEPHONE_CHANCE, TELEPHONE_LOW_HERTZ, TELEPHONE_HIGH_HERTZ = 0.5, (150.0, 350.0), (3200.0, 3900.0)
BEHIND_CHANCE, BEHIND_DECIBELS = 0.5, (5.0, 30.0)  # word over background
LEVEL_DECIBELS = (-32.0, -14.0)  # root mean square, of full scale
ENDS_SECONDS = (0.05, 0.3)  # how long before the end of its window the word ends
LEAST_LEVEL = 1e-5


def trimmed(word: Samples, rate: int) -> Samples:
    """The word without the quiet before and behind it."""
    size = round(FRAME_SECONDS * rate)
    n = len(word) // size
    if n < 2:
        return word
    power = np.square(word[: n * size].reshape(n, size), dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-OUTSIDE_DECIBELS / 10))
    return word[loud[0] * size : (loud[-1] + 1) * size]


def otherwise(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """Another speaker's speed and pitch, another microphone: of another length."""
    varied = resampled(samples, rate, round(rate * generator.uniform(*SPEEDS)))
    spectrum, hertz = np.fft.rfft(varied), np.fft.rfftfreq(len(varied), 1 / rate)
    if generator.random() < COLOUR_CHANCE:
        corners = np.linspace(0, rate / 2, COLOUR_CORNERS)
        spectrum *= 10 ** (np.interp(hertz, corners, generator.uniform(-COLOUR_DECIBELS, COLOUR_DECIBELS, COLOUR_CORNERS)) / 20)
    if generator.random() < TELEPHONE_CHANCE:
        low, high = generator.uniform(*TELEPHONE_LOW_HERTZ), generator.uniform(*TELEPHONE_HIGH_HERTZ)
        steep = 8  # 48 dB an octave, as two filters of fourth order have
        spectrum /= np.sqrt((1 + (low / np.maximum(hertz, 1.0)) ** steep) * (1 + (hertz / high) ** steep))
    return np.ascontiguousarray(np.fft.irfft(spectrum, len(varied)), np.float32)


def window_of(word: Samples, length: int, rate: int, generator: np.random.Generator, backgrounds: Sequence[Samples] = (), *, varied: bool = True) -> Samples:
    """A window ``(length,)`` shortly before whose end the word ends: as it is, or in another hearing.

    Args:
        word: The recording.
        length: Of the window, in samples; of a longer word the end is taken.
        rate: Samples a second.
        generator: What is drawn.
        backgrounds: Other sound; what is shorter than the window is not used.
        varied: As another speaker on another microphone?
    """
    spoken = trimmed(word, rate)
    spoken = otherwise(spoken, rate, generator) if varied else spoken
    end = length - round(generator.uniform(*ENDS_SECONDS) * rate)
    begin = max(0, end - len(spoken))
    window = np.zeros(length, np.float32)
    window[begin:end] = spoken[len(spoken) - (end - begin) :]
    if not varied:
        return window
    usable = [one for one in backgrounds if len(one) >= length]
    if usable and generator.random() < BEHIND_CHANCE:
        noise = usable[int(generator.integers(len(usable)))]
        place = int(generator.integers(len(noise) - length + 1))
        behind = noise[place : place + length]
        window = window + behind * np.float32(_level(spoken) / _level(behind) * 10 ** (-generator.uniform(*BEHIND_DECIBELS) / 20))
    return at_level(vary(window, rate, generator), _level(window[begin:end]), generator)


def at_level(samples: Samples, was: float, generator: np.random.Generator) -> Samples:
    """Samples whose level was measured, at another one."""
    found: Samples = (samples * np.float32(10 ** (generator.uniform(*LEVEL_DECIBELS) / 20) / was)).astype(np.float32)
    return found


def other_hearing(samples: Samples, rate: int, generator: np.random.Generator) -> Samples:
    """A whole recording as another speaker on another microphone in another room, at another level."""
    return at_level(vary(otherwise(samples, rate, generator), rate, generator), _level(samples), generator)


def _level(samples: Samples) -> float:
    return max(float(np.sqrt(np.square(samples, dtype=np.float64).mean())), LEAST_LEVEL) if len(samples) else LEAST_LEVEL
