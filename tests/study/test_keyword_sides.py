"""Who teaches a wake word, who chooses its threshold and who is tested: by hours, whole recordings and speakers apart; what cannot be ensured is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.study.keyword_data import OTHER, spoken

from headstart.base.errors import InputError
from headstart.data import Dataset, load
from headstart.modality.sound import wav
from headstart.study.keyword_sides import _allotted, kind_of, sides

RATE = 4_000
SHARES = np.array([0.6, 0.2, 0.2])


def noise(root: Path, name: str, seconds: float, seed: int) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav((0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32), RATE))


def words(root: Path, names: list[str], n_others: int = 6) -> Path:
    for number, name in enumerate(names):
        path = root / "positive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(spoken(200 + number, 0), 16_000))  # no two alike
    for number in range(n_others):
        path = root / "negative" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(spoken(OTHER + number, number), 16_000))
    return root


def read(root: Path, group: str | None = None) -> Dataset:
    return load(root, group=group, modality="audio", minimum_per_class=1, cut=lambda label: kind_of(label) != "positive")


def background(dataset: Dataset, places: np.ndarray) -> list[str]:
    return [dataset.sources[place] for place in places.tolist() if dataset.sources[place].startswith("background")]


def seconds(dataset: Dataset, places: np.ndarray) -> float:
    return float(sum(dataset.sizes[place, 0] for place in places.tolist() if dataset.sources[place].startswith("background"))) / 1000


def test_one_long_recording_of_background_is_cut_in_order_with_gaps_and_that_is_said(tmp_path: Path) -> None:
    root = words(tmp_path, [f"{n}.wav" for n in range(5)])
    noise(root, "background/evening.wav", 600.0, 1)
    dataset = read(root)
    found = sides(dataset, 0)
    parts = [background(dataset, part) for part in (found.split.train, found.split.validation, found.split.test)]
    assert [len(part) for part in parts] == [11, 4, 3] and parts[0][-1] < parts[1][0] < parts[1][-1] < parts[2][0]
    assert parts[0][-1].endswith("0:05:00") and parts[1][0].endswith("0:06:00") and parts[2][0].endswith("0:08:30")
    assert any("background is one recording, cut in order" in caution for caution in found.cautions)


def lengths(dataset: Dataset, places: np.ndarray, *, silent: bool) -> float:
    return seconds(dataset, np.array([place for place in places.tolist() if (dataset.modes[place] == "silent") == silent], np.int64))


def test_silence_is_hours_like_others_and_binds_nothing(tmp_path: Path) -> None:
    root, still = words(tmp_path, [f"{n}.wav" for n in range(5)]), np.zeros(120 * RATE, np.float32)
    for number in range(5):
        noise(root, f"background/{number}.wav", 300.0, number)
        heard, _ = soundfile.read(root / "background" / f"{number}.wav", dtype="float32")
        soundfile.write(root / "background" / f"{number}.wav", np.concatenate([heard, still]), RATE)
    dataset = read(root)
    found = sides(dataset, 0)
    parts = (found.split.train, found.split.validation, found.split.test)
    assert seconds(dataset, np.concatenate(parts)) == 5 * 420.0 and dataset.faults == ()
    assert [lengths(dataset, part, silent=True) for part in parts] == [360.0, 120.0, 120.0]
    assert [lengths(dataset, part, silent=False) for part in parts] == [900.0, 300.0, 300.0]
    assert any("0.17 of 0.58 h of other sound are digital silence" in caution for caution in found.cautions), found.cautions


def test_silence_in_one_long_recording_is_divided_and_does_not_starve_what_is_heard(tmp_path: Path) -> None:
    root = words(tmp_path, [f"{n}.wav" for n in range(5)])
    noise(root, "background/evening.wav", 600.0, 1)
    heard, _ = soundfile.read(root / "background" / "evening.wav", dtype="float32")
    night = np.zeros(300 * RATE, np.float32)
    soundfile.write(root / "background" / "evening.wav", np.concatenate([heard[: 300 * RATE], night, heard[300 * RATE :], night]), RATE)
    dataset = read(root)
    split = sides(dataset, 0).split
    parts = (split.train, split.validation, split.test)
    assert [lengths(dataset, part, silent=False) for part in parts] == [330.0, 120.0, 90.0]
    assert [lengths(dataset, part, silent=True) for part in parts] == [360.0, 120.0, 120.0]


def test_background_of_silence_alone_is_hours_beside_other_words_and_nothing_to_learn_from_alone(tmp_path: Path) -> None:
    root = words(tmp_path / "both", [f"{n}.wav" for n in range(5)])
    (root / "background").mkdir()
    soundfile.write(root / "background" / "off.wav", np.zeros(600 * RATE, np.float32), RATE)
    dataset = read(root)
    split = sides(dataset, 0).split
    assert seconds(dataset, np.concatenate([split.train, split.validation, split.test])) == 600.0
    root = words(tmp_path / "alone", [f"{n}.wav" for n in range(5)], n_others=0)
    (root / "background").mkdir()
    soundfile.write(root / "background" / "off.wav", np.zeros(600 * RATE, np.float32), RATE)
    with pytest.raises(InputError, match="nothing is heard that is not the word"):
        sides(read(root), 0)


def test_several_recordings_stay_whole_and_are_divided_by_hours_not_by_number(tmp_path: Path) -> None:
    root = words(tmp_path, [f"{n}.wav" for n in range(5)])
    for number in range(3):
        noise(root, f"background/long {number}.wav", 300.0, number)
    for number in range(30):
        noise(root, f"background/short {number}.wav", 2.0 + 0.1 * number, 10 + number)
    dataset = read(root)
    for seed in range(3):
        split = sides(dataset, seed).split
        parts = [background(dataset, part) for part in (split.train, split.validation, split.test)]
        holders = [{source.partition(" from ")[0] for source in part if "long" in source} for part in parts]
        assert [len(one) for one in holders] == [1, 1, 1] and len(set.union(*holders)) == 3
        assert min(seconds(dataset, part) for part in (split.validation, split.test)) > 0.15 * seconds(dataset, np.arange(len(dataset)))
    assert not any("cut in order" in caution for caution in sides(dataset, 0).cautions)


def test_speakers_are_told_by_their_folders_and_kept_apart(tmp_path: Path) -> None:
    root = words(tmp_path, [f"{name}/{n}.wav" for name in ("ANNA", "BEN", "CLEO", "DAN") for n in range(3)], n_others=0)
    for number in range(8):
        path = root / "negative" / ("ANNA" if number < 3 else "BEN" if number < 6 else "") / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(spoken(OTHER + number, number), 16_000))
    dataset = read(root)
    found = sides(dataset, 1)
    folder_of = {place: source.split("/")[1] for place, source in enumerate(dataset.sources) if source.count("/") == 2}
    seen = [{folder_of[place] for place in part.tolist() if place in folder_of} for part in (found.split.train, found.split.validation, found.split.test)]
    assert all(seen) and sum(map(len, seen)) == 4 and found.cautions == () and "4 speakers (told by their folders)" in found.split.how


def test_where_nobody_tells_who_speaks_that_is_said(tmp_path: Path) -> None:
    found = sides(read(words(tmp_path, [f"{n}.wav" for n in range(5)])), 0)
    assert "the same voices may be on both sides" in found.cautions[0] and "no speakers are known" in found.split.how


def test_a_column_of_speakers_is_kept_and_one_with_holes_is_said_to_have_them(tmp_path: Path) -> None:
    root = words(tmp_path / "clips", [f"{n}.wav" for n in range(6)]).parent
    rows = [f"clips/positive/{n}.wav,positive,{'' if n == 5 else 's' + str(n // 2)}" for n in range(6)]
    rows += [f"clips/negative/{n}.wav,negative,t{n}" for n in range(6)]
    (root / "metadata.csv").write_text("\n".join(["file_name,label,speaker", *rows]) + "\n")
    found = sides(read(root), 0)
    assert "groups (speaker)" in found.split.how and found.cautions[0].startswith("of 1 recordings of the word who speaks is not known")


def test_what_cannot_be_in_three_parts_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    root = words(tmp_path / "few", ["0.wav", "1.wav"])
    noise(root, "background/kitchen.wav", 40.0, 1)
    with pytest.raises(InputError, match=r"three parts(?s:.*)positive: 2 that(?s:.*)background: 1 that(?s:.*)or one recording of 150 seconds"):
        sides(read(root), 0)


def test_parts_that_are_given_are_kept_and_validation_is_carved_out_of_train(tmp_path: Path) -> None:
    for part, n in (("train", 8), ("test", 3)):
        words(tmp_path / part, [f"{n}.wav" for n in range(n)], n_others=0)
        for number in range(6):
            noise(tmp_path, f"{part}/negative/{number}.wav", 1.0 + 0.1 * number, number + 50 * (part == "test"))
    for number, path in enumerate(sorted((tmp_path / "test" / "positive").iterdir())):
        path.write_bytes(wav(spoken(300 + number, 0), 16_000))
    dataset = read(tmp_path)
    split = sides(dataset, 0).split
    assert {dataset.sources[place].split("/")[0] for place in split.test.tolist()} == {"test"} and len(split.test) == 9
    assert {dataset.sources[place].split("/")[0] for place in [*split.train.tolist(), *split.validation.tolist()]} == {"train"} and len(split.validation) >= 3


@example([3.0, 3.0, 3.0, 3.0, 4.0, 3.0, 3.0], 0)
@given(st.lists(st.floats(0.5, 4.0), min_size=3, max_size=40), st.integers(0, 99))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_part_gets_something_and_none_is_far_from_its_share(sizes: list[float], seed: int) -> None:
    table = np.array(sizes)[:, None]
    parts = _allotted(table, np.random.default_rng(seed).permutation(len(sizes)), SHARES)
    have = np.bincount(parts, table[:, 0], minlength=3)
    over = have - SHARES * have.sum()
    assert (np.bincount(parts, minlength=3) > 0).all()
    assert (over <= max(sizes) + 1e-9).all() and (over >= -2 * max(sizes) - 1e-9).all()  # who is filled least takes one unit too many, the third pays for two
