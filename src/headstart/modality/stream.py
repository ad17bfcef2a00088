"""A recording of any length, a little at a time: a sound file in; one channel at the rate that is asked for, block by block, out.

What is held does not grow with the recording, so an evening of it can be listened to; `sound.decode` holds a clip whole.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.modality.protocol import Unreadable
from headstart.modality.sound import Samples, blocks, loudest_of_cancelled, one_channel, reason, refuse_header
from headstart.modality.whole import refuse_dropped, refuse_truncated

if TYPE_CHECKING:
    import soundfile

BLOCK_FRAMES = 1 << 16  # a second and a half at 44.1 kHz


def streamed(path: Path, to: int) -> Iterator[Samples]:
    """The samples of a recording: the mean of its channels, or the loudest one where they cancel out.

    Args:
        path: A sound file.
        to: Samples a second of what comes out.

    Raises:
        Unreadable: before the first block where the file says so itself; where a block cannot be decoded, behind those that could.
        OSError: when the file cannot be read.

    Cost: about 0.3 ms a second of sound; of several channels, which are looked at first, twice that.
    """
    import soundfile
    import soxr

    _refuse_at_once(path)
    try:
        with soundfile.SoundFile(path) as file:
            refuse_header(file.format, file.samplerate, file.channels)
            if file.format == "MP3":
                refuse_dropped_of(path, file.frames)
            channel = _to_hear(file) if file.channels > 1 else None
            filtered = None if file.samplerate == to else soxr.ResampleStream(file.samplerate, to, 1, dtype="float32", quality="HQ")
            for block in blocks(file, 0, file.frames, BLOCK_FRAMES):
                mixed = one_channel(block, channel)
                if not np.isfinite(mixed).all():
                    raise Unreadable("some of its samples are not numbers (NaN or infinite)")
                yield mixed if filtered is None else filtered.resample_chunk(mixed)
            if filtered is not None:
                yield filtered.resample_chunk(np.zeros(0, np.float32), last=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise Unreadable(reason(_start(path), str(error))) from None


def _refuse_at_once(path: Path) -> None:
    """What can be known without decoding."""
    if not path.stat().st_size:
        raise Unreadable("empty file")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        refuse_truncated(content)


def refuse_dropped_of(path: Path, samples: int) -> None:
    """`refuse_dropped` of a file that need not be held.

    Raises:
        Unreadable: when much of the sound would be dropped.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        refuse_dropped(content, samples)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _to_hear(file: soundfile.SoundFile) -> int | None:
    """Which channel of several; None for the mean of all."""
    mean_peak, peaks = 0.0, np.zeros(file.channels, np.float32)
    for block in blocks(file, 0, file.frames, BLOCK_FRAMES):
        mean_peak = max(mean_peak, float(np.abs(one_channel(block, None)).max()))
        peaks = np.maximum(peaks, np.abs(block).max(axis=0))
    return loudest_of_cancelled(mean_peak, peaks)
