"""Clips: bytes of a sound file in; what it is, what a network takes, and what a plain model takes, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.base.hashing import digest
from headstart.modality import cepstra, hearing, varied_sound
from headstart.modality.protocol import Examined, Preview, Unreadable
from headstart.modality.sound import BYTES_MAX, SILENT, Samples, decode, resampled, wav

EXAMINATION = 3  # raise it when `examine` or `alike` answers differently
PREPARATION = 2  # raise it when `prepare` gives other samples: stored activations of older ones are then not found
DECODER = f"soundfile-{version('soundfile')}"
SUFFIXES = frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64", ".caf"})
WINDOWS_SECONDS = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)  # few, so that data sets share what was compiled for a window
COVERED = 95  # percentile of the lengths that the window holds whole
# Beside the clip: networks without padding see the ends of a window least. The same head on real digits after synthetic ones: .73 with a window of 1.0 s
# about clips of 0.96 s, 1.00 with 1.5 s.
MARGIN_SECONDS = 0.5
LOUDNESS = 0.1  # root mean square over the loud part of a clip: -20 dB of full scale, where speech networks expect it
PEAK = 1.0
HOP_SECONDS = 0.01  # places at which a longer clip's window may begin
PREVIEW_RATE = 16_000
USUAL_RATE = 16_000  # of every network of speech: what `augment` reckons its seconds by
PREVIEW_SECONDS = 4.0
EXAMINED_SECONDS = 30.0  # the loudest stretch of a longer clip decides what it is like
MONO, STEREO = 1, 2


@dataclass(frozen=True)
class AudioRecipe:
    """How samples reach a network.

    Attributes:
        rate: Samples a second.
        seconds: Length of the window, the same for all clips of a data set.
    """

    rate: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse what holds no sample."""
        if self.rate < 1 or self.n_samples < 1:
            raise InputError("a window of sound holds at least one sample", got=f"{self.seconds} s at {self.rate} Hz")

    @property
    def n_samples(self) -> int:
        """How many samples the window holds."""
        return round(self.rate * self.seconds)

    @property
    def identity(self) -> str:
        """Its two values, the version of the preparation and those of what decodes and resamples."""
        return digest("audio", str(PREPARATION), DECODER, version("scipy"), str(self.rate), repr(self.seconds))

    def example(self) -> NDArray[np.generic]:
        """Faint noise, always the same: silence would be nothing to time a network with."""
        return (0.01 * np.random.default_rng(0).standard_normal(self.n_samples)).astype(np.float32)

    def moved(self, folder: Path) -> AudioRecipe:  # noqa: ARG002 - it needs no files
        """Itself."""
        return self


@dataclass(frozen=True)
class AudioModality:
    """Recordings in any format that libsndfile decodes and that people use."""

    name: str = "audio"
    version: str = f"{EXAMINATION}-{DECODER}"
    suffixes: frozenset[str] = SUFFIXES
    bytes_max: int = BYTES_MAX
    reach: float = hearing.REACH
    unit: str = "clips"
    measures: tuple[str, str] = ("milliseconds", "hertz")
    description: str = "a linear model on MFCC statistics"
    varies: bool = True
    counts: bool = False

    def recipe(self, given: Any, folder: Path, sizes: NDArray[np.int64]) -> AudioRecipe:  # noqa: ARG002 - networks of sound need no files
        """The rate that the model's card asks for, and a window that holds 95 of 100 clips whole, with a margin, within what the model takes."""
        longest = MARGIN_SECONDS + float(np.percentile(sizes[:, 0], COVERED)) / 1000 if len(sizes) else given.least_seconds
        wanted = next((window for window in WINDOWS_SECONDS if window >= longest), longest)
        return AudioRecipe(given.rate, float(min(max(wanted, given.least_seconds), given.most_seconds)))

    def restored(self, plain: Mapping[str, Any]) -> AudioRecipe:
        """From plain values."""
        return AudioRecipe(**plain)

    def examine(self, content: bytes) -> Examined:
        """Decode to the end and say what it is.

        Raises:
            Unreadable: whatever is wrong with it; of silence it says what it is all the same.

        Cost: about 2 ms for a second of sound.
        """
        sound = decode(content, may_be_silent=True)
        if sound.is_silent:
            raise Unreadable(SILENT, Examined((round(1000 * sound.seconds), sound.rate), SILENT, bytes(hearing.THUMBNAIL_BYTES)))
        mode = {MONO: "mono", STEREO: "stereo"}.get(sound.channels, f"{sound.channels} channels")
        thumbnail = hearing.thumbnail(loudest(sound.samples, round(EXAMINED_SECONDS * sound.rate), sound.rate), sound.rate)
        return Examined((round(1000 * sound.seconds), sound.rate), mode, thumbnail)

    def prepare(self, content: bytes, recipe: AudioRecipe) -> Samples:
        """One channel at the recipe's rate and at one loudness; the loudest window of longer clips, shorter ones in the middle of zeros.

        Measured with a linear head on the speech embedding, trained on one speaker's prompts and tested on another's (100 Italian prompts): in the middle
        .75, at the beginning .60. One loudness: .60 to .63 at the beginning, no difference in the middle.

        Returns:
            ``(recipe.n_samples,)`` within -1 and 1.
        """
        sound = decode(content)
        window = round(recipe.seconds * sound.rate) + 1
        heard = resampled(loudest(sound.samples, window, sound.rate), sound.rate, recipe.rate)[: recipe.n_samples]
        missing = recipe.n_samples - len(heard)
        return levelled(np.pad(heard, (missing // 2, missing - missing // 2)))

    def vocabulary(self, contents: Iterable[bytes], recipe: AudioRecipe) -> None:
        """Clips have none."""

    def augment(self, prepared: Samples, generator: np.random.Generator) -> Samples:
        """The same clip by another microphone in another room."""
        return varied_sound.vary(prepared, USUAL_RATE, generator)

    def halved(self, batch: NDArray[Any]) -> None:  # noqa: ARG002 - half the samples would be another pitch, or half the word
        """Clips know no half size."""
        return

    def plain_features(self, content: bytes) -> NDArray[np.float32]:
        """Statistics of mel cepstra: ``(cepstra.N_FEATURES,)``."""
        sound = decode(content)
        return cepstra.features(loudest(sound.samples, round(EXAMINED_SECONDS * sound.rate), sound.rate), sound.rate)

    def preview(self, content: bytes) -> Preview:
        """A WAV file of 16 kHz and 16 bits: the clip, or its loudest four seconds."""
        sound = decode(content)
        heard = loudest(sound.samples, round(PREVIEW_SECONDS * sound.rate), sound.rate)
        return Preview(".wav", wav(levelled(resampled(heard, sound.rate, PREVIEW_RATE)), PREVIEW_RATE))

    def alike(self, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether pairs of thumbnails are of the same recording."""
        return hearing.alike(left, right)

    def sketch(self, thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The coarse waves of each thumbnail, as a point."""
        return hearing.sketch(thumbnails)


def loudest(samples: Samples, window: int, rate: int) -> Samples:
    """The stretch of so many samples with the most energy, in steps of 10 ms; all of a clip that is no longer."""
    if len(samples) <= window:
        return samples
    step = max(1, round(HOP_SECONDS * rate))
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    begins = np.arange(0, len(samples) - window + 1, step)
    begin = int(begins[np.argmax(energy[begins + window] - energy[begins])])
    return samples[begin : begin + window]


def levelled(samples: Samples) -> Samples:
    """Bring the loud part of a clip to one loudness, and never beyond full scale.

    The loud part is the samples' own root mean square twice over: those above it, so that pauses and filled-up zeros do not count.
    """
    squares = np.square(samples, dtype=np.float64)
    loud = squares[squares >= squares.mean()]
    gain = min(LOUDNESS / np.sqrt(loud.mean()), PEAK / np.sqrt(squares.max())) if squares.max() > 0 else 1.0
    return np.ascontiguousarray(samples * gain, np.float32)
