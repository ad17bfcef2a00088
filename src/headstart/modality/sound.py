"""Bytes of a sound file in, its samples as one channel out, whatever format, rate or number of channels it has, or a short reason why not.

Traps that this file is about: libsndfile reads a truncated file without a word (`whole` says which); headers promise hours; float files hold NaN; recorders
write files of silence; the channels of a cable with two wires swapped cancel each other out.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.modality.protocol import Unreadable
from headstart.modality.whole import CHUNKS, refuse_dropped, refuse_truncated

if TYPE_CHECKING:
    import soundfile

Samples = NDArray[np.float32]
VALUES_MAX = 1 << 27  # frames x channels: 512 MiB as float32, 46 minutes of mono at 48 kHz
BYTES_MAX = 640 << 20  # VALUES_MAX as float32, with some air; larger files are not read at all
RATE_MAX_HERTZ = 384_000
RATE_MIN_HERTZ = 2_000
CHANNELS_MAX = 16
LEAST_SECONDS = 0.01
SILENT = "silent"
SILENT_PEAK = 1e-4  # -80 dB of full scale: three steps of 16 bits, where dither ends
CANCELLED = 0.05  # peak of the mean over that of the loudest channel: of sixteen channels of which one speaks it is 0.06
BLOCK_FRAMES = 1 << 20
FORMATS = frozenset({"WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF", "AU", "W64", "RF64", "CAF"})
SIGNATURES = {b"%PDF": "a PDF, not a recording", b"PK\x03\x04": "a ZIP archive, not a recording", b"\x89PNG": "a picture, not a recording"}
EXPORT = "not read here: save it as WAV or FLAC"
SIGNATURES |= {b"\x1aE\xdf\xa3": f"WebM or Matroska, {EXPORT}", b"#!AMR": f"AMR, {EXPORT}", b"0&\xb2u": f"WMA, {EXPORT}"}


@dataclass(frozen=True, eq=False)
class Sound:
    """A decoded recording.

    Attributes:
        samples: ``(n,)`` the mean of its channels, or the loudest one where they cancel out; finite, of any level.
        rate: Samples a second.
        channels: How many channels the file has.
    """

    samples: Samples
    rate: int
    channels: int

    @property
    def is_silent(self) -> bool:
        """Is nothing in it but zeros, or the dither of a few steps?"""
        return bool(np.abs(self.samples).max() < SILENT_PEAK)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


def decode(content: bytes, *, may_be_silent: bool = False) -> Sound:
    """Decode a whole recording; what it claims to be is checked before a sample is decoded.

    Args:
        content: Bytes of the file.
        may_be_silent: Take silence, too.

    Raises:
        Unreadable: empty, no recording, too long, truncated, damaged, without sound, not a number, silent, too short.

    Cost: about a millisecond a second of sound; eight bytes of memory a sample and channel.
    """
    if not content:
        raise Unreadable("empty file")
    if len(content) > BYTES_MAX:
        raise Unreadable(f"larger than {BYTES_MAX >> 20} MiB")
    refuse_truncated(content)
    samples, rate, channels = _decoded(content)
    if not len(samples):
        raise Unreadable("no sound in it: 0 samples")
    if not np.isfinite(samples).all():
        raise Unreadable("some of its samples are not numbers (NaN or infinite)")
    if len(samples) < LEAST_SECONDS * rate:
        raise Unreadable(f"too short: {1000 * len(samples) / rate:.1f} ms, the least is {1000 * LEAST_SECONDS:.0f} ms")
    sound = Sound(samples, rate, channels)
    if sound.is_silent and not may_be_silent:
        raise Unreadable(SILENT)
    return sound


def resampled(samples: Samples, rate: int, to: int) -> Samples:
    """Bring samples to another rate, by soxr's filter of high quality; where the rates are equal, nothing happens."""
    if rate == to:
        return samples
    import soxr

    found: Samples = np.ascontiguousarray(soxr.resample(samples, rate, to, quality="HQ"), np.float32)
    return found


def wav(samples: Samples, rate: int) -> bytes:
    """A WAV file of one channel and 16 bits; what is louder than full scale is clipped."""
    numbers = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(numbers), b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", len(numbers))
    return head + numbers


def refuse_header(written_as: str, rate: int, channels: int) -> None:
    """Refuse what a file says of itself that no recording has.

    Raises:
        Unreadable: when its format, rate or number of channels is none that is read.
    """
    if written_as not in FORMATS:
        raise Unreadable(f"{written_as} is no format of recordings that is read here")
    if not RATE_MIN_HERTZ <= rate <= RATE_MAX_HERTZ:
        raise Unreadable(f"{rate:,} samples a second, {RATE_MIN_HERTZ:,} to {RATE_MAX_HERTZ:,} are read")
    if not 1 <= channels <= CHANNELS_MAX:
        raise Unreadable(f"{channels} channels")


def reason(content: bytes, said: str) -> str:
    """Why a file cannot be decoded, in a few words: from its first bytes and what libsndfile said."""
    for start, said_of_it in SIGNATURES.items():
        if content.startswith(start):
            return said_of_it
    if content[4:8] == b"ftyp":
        return f"M4A or MP4, {EXPORT}"
    known = content[:4] in (*CHUNKS, b"fLaC", b"OggS", b".snd") or content[:3] == b"ID3"
    return f"damaged ({said.rstrip('. ').partition(': ')[2] or said.rstrip('. ')})" if known else "not a recording"


def mixed(file: soundfile.SoundFile, first: int, n: int) -> Samples:
    """A stretch of a recording as one channel: the mean of all, or the loudest one where they cancel out.

    Raises:
        Unreadable: when the file ends before.
        soundfile.SoundFileError: when it is damaged there.
    """
    samples, peaks = _mixed(file, first, n, None)
    channel = loudest_of_cancelled(float(np.abs(samples).max(initial=0)), peaks)
    return samples if channel is None else _mixed(file, first, n, channel)[0]


def blocks(file: soundfile.SoundFile, first: int, n: int, size: int) -> Iterator[Samples]:
    """A stretch of a recording, ``(size, channels)`` at a time.

    Raises:
        Unreadable: when the file ends before.
        soundfile.SoundFileError: when it is damaged there.
    """
    file.seek(first)
    left = n
    while left > 0:
        block = file.read(min(size, left), dtype="float32", always_2d=True)
        if not len(block):
            break
        yield block
        left -= len(block)
    if left and file.format != "MP3":  # the length of an MP3 file is an estimate, unless its header states it; that was looked at before
        raise Unreadable(f"truncated: {left:,} of {file.frames:,} samples are missing")


def one_channel(block: Samples, channel: int | None) -> Samples:
    """The mean of the channels ``(n, channels)``, or one of them."""
    with np.errstate(over="ignore", invalid="ignore"):  # two channels at the two infinities; what is not finite is refused later
        return block.mean(axis=1, dtype=np.float32) if channel is None else block[:, channel].copy()


def loudest_of_cancelled(mean_peak: float, peaks: Samples) -> int | None:
    """The channel to listen to where the mean of all is as good as silent; None where it is not.

    Args:
        mean_peak: Of the mean.
        peaks: ``(channels,)`` of each.
    """
    return int(peaks.argmax()) if mean_peak < CANCELLED * peaks.max() else None


class _Bytes(io.BytesIO):
    """Bytes in which a place before the first is not sought: a damaged AIFF asks libsndfile to, and an error in its callback would be printed, not raised."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there, or stay."""
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


def _decoded(content: bytes) -> tuple[Samples, int, int]:
    import soundfile

    try:
        with soundfile.SoundFile(_Bytes(content)) as file:
            refuse_header(file.format, file.samplerate, file.channels)
            if file.frames * file.channels > VALUES_MAX:
                raise Unreadable(f"too long: {file.frames / file.samplerate / 60:,.0f} minutes of {file.channels} channels")
            if file.format == "MP3":
                refuse_dropped(content, file.frames)
            rate, channels = file.samplerate, file.channels
            samples = mixed(file, 0, file.frames)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise Unreadable(reason(content, str(error))) from None
    return samples, rate, channels


def _mixed(file: soundfile.SoundFile, first: int, n: int, channel: int | None) -> tuple[Samples, Samples]:
    """The mean of the channels, or one of them, and the peak of each."""
    parts, peaks = [np.zeros(0, np.float32)], np.zeros(file.channels, np.float32)
    for block in blocks(file, first, n, BLOCK_FRAMES):
        parts.append(one_channel(block, channel))
        peaks = np.maximum(peaks, np.abs(block).max(axis=0))
    return np.concatenate(parts), peaks
