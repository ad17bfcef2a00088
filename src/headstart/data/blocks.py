"""Hours in one file: a listing in, a listing out in which a long recording is so many items of half a minute, each read by itself.

No file is read whole: a block is sought, decoded and handed on as a small WAV file, so memory is the same for a minute and for a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.data.listing import Listing
from headstart.data.rows import FileRows, JoinedRows, Rows, chosen
from headstart.modality import Unreadable
from headstart.modality.sound import CHANNELS_MAX, FORMATS, RATE_MAX_HERTZ, RATE_MIN_HERTZ, mixed, wav
from headstart.modality.stream import refuse_dropped_of

BLOCK_SECONDS = 30
LONG_BLOCKS = 5  # from here on a recording is cut: enough for three parts with gaps between them
HOURS_MAX = 100  # a damaged header may claim years: such a file is left whole, and named when it is read
WAV_HEADER_BYTES = 44
BYTES_A_SAMPLE = 2
WHOLE = (0, 0)


@dataclass(frozen=True, eq=False)
class BlockRows:
    """Items of other rows, whole, or blocks of those that are sound files.

    Attributes:
        rows: The recordings.
        places: ``(n, 3)``: which of the recordings, first sample, number of samples; no samples stand for all of it.
    """

    rows: Rows
    places: NDArray[np.int64]

    @property
    def recordings(self) -> NDArray[np.int64]:
        """``(n,)`` the recording that each item comes from."""
        return self.places[:, 0]

    @property
    def are_blocks(self) -> NDArray[np.bool_]:
        """``(n,)`` whether an item is a part of its recording."""
        return self.places[:, 2] > 0

    def read(self, index: int) -> bytes:
        """The recording's bytes, or a WAV file of 16 bits with the block's samples.

        Raises:
            OSError: when the file is gone or damaged there.

        Cost: of a block, about 15 ms; of an MP3 file another 0.1 s for each quarter of an hour before it, which has no index to seek by.
        """
        recording, first, n = self.places[index].tolist()
        return self.rows.read(recording) if n == 0 else _block(_path(self.rows, recording), first, n)

    def size(self, index: int) -> int:
        """How many bytes `read` returns."""
        recording, _, n = self.places[index].tolist()
        return self.rows.size(recording) if n == 0 else WAV_HEADER_BYTES + BYTES_A_SAMPLE * n

    def stamp(self, index: int) -> str | None:
        """The recording's stamp and the place in it."""
        recording, first, n = self.places[index].tolist()
        seen = self.rows.stamp(recording)
        return seen if seen is None or n == 0 else f"{seen}#{first}+{n} samples"

    def take(self, kept: Iterable[int]) -> BlockRows:
        """Only these items."""
        return BlockRows(self.rows, self.places[np.fromiter(kept, np.int64)])


def in_blocks(listing: Listing, cut: Callable[[str], bool]) -> Listing:
    """Cut long recordings of some classes into blocks of half a minute, the last of which takes the rest; what is shorter than five stays whole.

    Args:
        listing: Sound files.
        cut: Of which classes?
    """
    places: list[tuple[int, int, int]] = []
    sources: list[str] = []
    for recording, (source, label) in enumerate(zip(listing.sources, listing.labels, strict=True)):
        rate, length = _measured(_path(listing.rows, recording)) if cut(label) else WHOLE
        block = BLOCK_SECONDS * rate
        begins = list(range(0, length - block + 1, block)) if length >= LONG_BLOCKS * block > 0 else []
        for first, end in zip(begins, [*begins[1:], length], strict=False):
            places.append((recording, first, end - first))
            sources.append(f"{source} from {_clock(first // rate)}")
        if not begins:
            places.append((recording, 0, 0))
            sources.append(source)
    rows = BlockRows(listing.rows, np.array(places, np.int64).reshape(-1, 3))
    kept = rows.recordings.tolist()
    groups, parts = (chosen(values, kept) if values is not None else None for values in (listing.groups, listing.parts))
    return replace(listing, rows=rows, sources=tuple(sources), labels=chosen(listing.labels, kept), groups=groups, parts=parts)


def _path(rows: Rows, index: int) -> str | None:
    """The file that an item is; None for the cell of a table."""
    if isinstance(rows, JoinedRows):
        part, place = (int(number) for number in rows.places[index])
        return _path(rows.parts[part], place)
    return rows.paths[index] if isinstance(rows, FileRows) else None


def _measured(path: str | None) -> tuple[int, int]:
    """Samples a second and number of samples; nothing of what had better be looked at whole."""
    import soundfile

    try:
        seen = soundfile.info(path) if path is not None else None
        if path is not None and seen is not None and seen.format == "MP3":
            refuse_dropped_of(Path(path), seen.frames)
    except (soundfile.SoundFileError, RuntimeError, OSError, Unreadable):
        return WHOLE
    if seen is None or seen.format not in FORMATS or not RATE_MIN_HERTZ <= seen.samplerate <= RATE_MAX_HERTZ or seen.channels > CHANNELS_MAX:
        return WHOLE
    return (seen.samplerate, seen.frames) if seen.frames <= HOURS_MAX * 3600 * seen.samplerate else WHOLE


def _block(path: str | None, first: int, n: int) -> bytes:
    import soundfile

    assert path is not None
    Path(path).stat()  # soundfile's error would not say that it is gone
    try:
        with soundfile.SoundFile(path) as file:
            rate, samples = file.samplerate, mixed(file, first, n)
    except (soundfile.SoundFileError, RuntimeError, Unreadable) as error:
        raise OSError(f"damaged there: {error}") from None
    if not np.isfinite(samples).all():
        raise OSError("some of its samples are not numbers (NaN or infinite)")
    return wav(samples, rate)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
