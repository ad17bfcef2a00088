"""Hours in one file: read in blocks that together are the file, whatever format and length, in the memory that one block needs."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile

from headstart.base.errors import IntegrityError
from headstart.data import load
from headstart.data.blocks import BlockRows
from headstart.data.dataset import Dataset
from headstart.modality.sound import decode, wav

RATE = 4_000
MEBIBYTE = 1 << 20


def noise(seconds: float, seed: int, rate: int = RATE) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def beside(root: Path, n: int = 3) -> Path:
    """Short recordings of a word."""
    (root / "positive").mkdir(parents=True)
    for number in range(n):
        (root / "positive" / f"{number}.wav").write_bytes(wav(noise(1.0, number), RATE))
    (root / "background").mkdir()
    return root


def read(root: Path) -> Dataset:
    return load(root, modality="audio", minimum_per_class=1, cut=lambda label: label == "background")


@pytest.mark.parametrize(("name", "subtype"), [("evening.wav", "PCM_16"), ("evening.flac", "PCM_16"), ("evening.aiff", "PCM_24")])
def test_a_long_recording_is_read_in_blocks_that_together_are_the_recording(tmp_path: Path, name: str, subtype: str) -> None:
    root, samples = beside(tmp_path / "data"), noise(170.0, 9)
    soundfile.write(root / "background" / name, np.stack([samples, samples], axis=1), RATE, subtype=subtype)
    dataset = read(root)
    blocks = [index for index, source in enumerate(dataset.sources) if source.startswith("background")]
    assert [dataset.sources[index] for index in blocks] == [f"background/{name} from 0:0{m}:{s:02d}" for m, s in ((0, 0), (0, 30), (1, 0), (1, 30), (2, 0))]
    assert dataset.sizes[blocks, 0].tolist() == [30_000, 30_000, 30_000, 30_000, 50_000]
    heard = np.concatenate([decode(dataset.read(index)).samples for index in blocks])
    assert len(heard) == len(samples) and np.abs(heard - samples).max() < 1e-4
    assert isinstance(dataset.rows, BlockRows) and len(set(dataset.rows.recordings[blocks].tolist())) == 1


def test_what_is_short_or_not_to_be_cut_stays_whole(tmp_path: Path) -> None:
    root = beside(tmp_path / "data")
    (root / "background" / "minute.wav").write_bytes(wav(noise(140.0, 5), RATE))
    (root / "positive" / "long.wav").write_bytes(wav(noise(200.0, 6), RATE))
    dataset = read(root)
    assert "background/minute.wav" in dataset.sources and "positive/long.wav" in dataset.sources and len(dataset) == 5


def test_a_long_mp3_of_which_the_decoder_would_drop_a_part_stays_whole_and_is_named(tmp_path: Path) -> None:
    root = beside(tmp_path / "data")
    for name, seed in (("one", 1), ("two", 2)):
        soundfile.write(tmp_path / f"{name}.mp3", noise(170.0, seed, 8_000), 8_000)
    (root / "background" / "joined.mp3").write_bytes((tmp_path / "one.mp3").read_bytes() + (tmp_path / "two.mp3").read_bytes())
    (root / "background" / "one.mp3").write_bytes((tmp_path / "one.mp3").read_bytes())
    dataset = read(root)
    assert sum(source.startswith("background/one.mp3 from") for source in dataset.sources) == 5
    assert not any("joined" in source for source in dataset.sources)


def test_silence_is_hours_of_what_is_cut_and_a_fault_of_what_is_not(tmp_path: Path) -> None:
    root, still = beside(tmp_path / "data"), np.zeros(60 * RATE, np.float32)
    dither = 3e-5 * np.sign(noise(60.0, 8))
    soundfile.write(root / "background" / "night.wav", np.concatenate([noise(60.0, 9), still, noise(60.0, 10)]), RATE)
    soundfile.write(root / "background" / "off.wav", still, RATE)
    soundfile.write(root / "background" / "off too.wav", dither, RATE, subtype="FLOAT")
    soundfile.write(root / "positive" / "empty.wav", still[:RATE], RATE)
    for _ in ("first", "remembered"):
        dataset = read(root)
        silent = [source for source, mode in zip(dataset.sources, dataset.modes, strict=True) if mode == "silent"]
        assert silent == ["background/night.wav from 0:01:00", "background/night.wav from 0:01:30", "background/off too.wav", "background/off.wav"]
        assert dataset.sizes[[dataset.sources.index(one) for one in silent], 0].tolist() == [30_000, 30_000, 60_000, 60_000]
        assert [(fault.source, fault.reason) for fault in dataset.faults] == [("positive/empty.wav", "silent")]
        assert not np.isin(dataset.near, [dataset.sources.index(one) for one in silent]).any()


def test_the_same_silence_under_two_labels_is_no_contradiction(tmp_path: Path) -> None:
    root, still = beside(tmp_path / "data"), np.zeros(60 * RATE, np.float32)
    (root / "negative").mkdir()
    for kind in ("negative", "background"):
        soundfile.write(root / kind / "evening.wav", np.concatenate([noise(120.0, len(kind)), still]), RATE)
    dataset = load(root, modality="audio", minimum_per_class=1, cut=lambda label: label != "positive")
    assert dataset.faults == () and len(dataset) == 3 + 6 + 6


def test_a_recording_that_changed_or_went_is_named(tmp_path: Path) -> None:
    root, file = beside(tmp_path / "data"), tmp_path / "data" / "background" / "evening.wav"
    file.write_bytes(wav(noise(170.0, 9), RATE))
    dataset = read(root)
    index = next(index for index, source in enumerate(dataset.sources) if source.endswith("0:01:00"))
    file.write_bytes(wav(noise(170.0, 10), RATE))
    with pytest.raises(IntegrityError, match="has changed"):
        dataset.read(index)
    file.unlink()
    with pytest.raises(IntegrityError, match="cannot be read any more"):
        dataset.read(index)


def test_hours_need_no_more_memory_than_a_block(tmp_path: Path, empty_home: Path) -> None:
    """18 minutes in eight channels, which no decoder of whole files takes: 276 MB on the disk, 553 MB as numbers."""
    root = beside(tmp_path / "data")
    minute = np.repeat(noise(60.0, 4, 16_000)[:, None], 8, axis=1)
    with soundfile.SoundFile(root / "background" / "evening.wav", "w", 16_000, 8, "PCM_16") as file:
        for number in range(18):
            file.write(np.roll(minute, number, axis=0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    dataset = read(root)
    assert len(dataset) == 3 + 36 and empty_home.is_dir()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < 200 * MEBIBYTE


def test_opposite_channels_of_a_long_recording_are_heard_as_those_of_a_short_one(tmp_path: Path) -> None:
    root, samples = beside(tmp_path / "data"), noise(170.0, 9)
    soundfile.write(root / "background" / "swapped.wav", np.stack([samples, -0.9 * samples], axis=1), RATE, subtype="PCM_16")
    soundfile.write(root / "background" / "opposite.wav", np.stack([samples[::-1], -samples[::-1]], axis=1), RATE, subtype="PCM_16")
    dataset = read(root)
    blocks = [index for index, source in enumerate(dataset.sources) if source.startswith("background/opposite.wav")]
    heard = np.concatenate([decode(dataset.read(index)).samples for index in blocks])
    assert not dataset.faults and len(heard) == len(samples) and np.abs(np.abs(heard) - np.abs(samples[::-1])).max() < 1e-3
