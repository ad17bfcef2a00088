"""A recording in blocks says what the whole recording says, and holds no more than a block of it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.modality.sounds import RATE, word

import headstart
from headstart.modality import Unreadable
from headstart.modality.sound import decode, resampled, wav
from headstart.modality.stream import BLOCK_FRAMES, streamed

SECONDS = 7  # several blocks at every rate


def recorded(rate: int, channels: int) -> np.ndarray:
    generator = np.random.default_rng(rate + channels)
    return (0.1 * generator.standard_normal((SECONDS * rate, channels))).astype(np.float32)


@pytest.mark.parametrize(("rate", "channels", "suffix"), [(44_100, 2, "wav"), (48_000, 1, "flac"), (22_050, 2, "ogg"), (44_100, 1, "mp3"), (16_000, 3, "wav")])
def test_blocks_hold_the_samples_of_the_whole(tmp_path: Path, rate: int, channels: int, suffix: str) -> None:
    file = tmp_path / f"said.{suffix}"
    soundfile.write(file, recorded(rate, channels), rate)
    whole, parts = decode(file.read_bytes()), list(streamed(file, RATE))
    assert len(parts) > 2 or rate * SECONDS < 2 * BLOCK_FRAMES
    heard = resampled(whole.samples, whole.rate, RATE)
    assert np.allclose(np.concatenate(parts), heard, rtol=0, atol=1e-6 if suffix == "mp3" else 0)  # its decoder rounds by where it was asked to begin


def test_of_channels_that_cancel_out_the_loudest_is_heard(tmp_path: Path) -> None:
    one = recorded(RATE, 1)
    soundfile.write(tmp_path / "swapped.wav", np.hstack([one, -one]), RATE)
    whole = decode((tmp_path / "swapped.wav").read_bytes())
    assert np.array_equal(np.concatenate(list(streamed(tmp_path / "swapped.wav", RATE))), whole.samples) and np.abs(whole.samples).max() > 0.1


def test_what_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    content = wav(word(1), RATE)
    flac = io.BytesIO()
    soundfile.write(flac, recorded(RATE, 1), RATE, format="FLAC")
    broken = {
        "empty.wav": (b"", "empty"),
        "text.wav": (b"this is no sound", "not a recording"),
        "short.wav": (content[: len(content) // 2], "truncated"),
        "short.flac": (flac.getvalue()[: len(flac.getvalue()) // 2], "truncated|damaged"),
    }
    for name, (written, said) in broken.items():
        (tmp_path / name).write_bytes(written)
        with pytest.raises(Unreadable, match=said):
            list(streamed(tmp_path / name, RATE))
    odd = recorded(RATE, 1)
    odd[-1] = np.nan
    soundfile.write(tmp_path / "nan.wav", odd, RATE, subtype="FLOAT")
    heard = streamed(tmp_path / "nan.wav", RATE)
    assert len(next(heard)) == BLOCK_FRAMES  # what came before is heard
    with pytest.raises(Unreadable, match="not numbers"):
        list(heard)


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    for minutes in (1, 40):
        with soundfile.SoundFile(tmp_path / f"{minutes}.wav", "w", 16_000, 2) as file:
            for _ in range(minutes):
                file.write(np.full((60 * 16_000, 2), 0.01, np.float32))
    script = (
        "import resource, sys; from pathlib import Path; from headstart.modality.stream import streamed\n"
        "n = sum(len(block) for block in streamed(Path(sys.argv[1]), 8_000))\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    used = []
    for minutes in (1, 40):
        command = [sys.executable, "-c", script, str(tmp_path / f"{minutes}.wav")]
        environment = {"PYTHONPATH": str(Path(headstart.__file__).parents[1])}
        n, peak = map(int, subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split())
        assert n == 60 * minutes * 8_000
        used.append(peak)
    assert used[1] - used[0] < 60_000, used  # kB; the samples alone would be 307 MB
