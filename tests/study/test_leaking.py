"""What leaking would have claimed: known where the groups carry the answer, none where there are no groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.modality.sounds import RATE, word

from headstart.activations.store import Store
from headstart.base.events import silence
from headstart.data import load, split
from headstart.modality.sound import wav
from headstart.planning.facts import Wishes
from headstart.planning.rules import first_plan
from headstart.study.leaking import leaking
from headstart.study.problem import known_facts, last_round, pose

SPEAKERS, CLIPS = 10, 6


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes; a speaker says one of them only."""
    lines = ["file_name,label,speaker"]
    for speaker in range(SPEAKERS):
        for clip in range(CLIPS):
            name = f"{speaker}-{clip}.wav"
            (tmp_path / name).write_bytes(wav(word(100 * speaker + clip), RATE))
            lines.append(f"{name},{'ab'[speaker % 2]},s{speaker}")
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.usefixtures("empty_home")
def test_features_that_know_the_speaker_claim_more_than_a_new_speaker_would_see(data: Path) -> None:
    dataset = load(data, modality="audio")
    parts = split(dataset)
    plan = first_plan(known_facts(dataset, parts, ["any"]), Wishes())
    problem = pose(dataset, last_round(parts, plan), plan, Store(), silence)
    speakers = np.array([int(source.split("-")[0]) for source in dataset.sources])
    features = np.eye(SPEAKERS, dtype=np.float32)[speakers] + 0.01 * np.random.default_rng(0).standard_normal((len(speakers), SPEAKERS)).astype(np.float32)
    found = leaking(problem, features)
    assert found is not None
    assert found["leaking"]["value"] > 0.95 > 0.7 > found["grouped"]["value"]
    assert "speaker" in found["sentence"] and "points that nobody new would see" in found["sentence"]
    assert leaking(replace(problem, dataset=replace(dataset, groups=None)), features) is None


@pytest.mark.usefixtures("empty_home")
def test_repeats_of_an_item_are_no_leak_of_groups(data: Path) -> None:
    """Everybody says one thing, and everything is there twice: features that know the item would claim much, were its repeat on the other side."""
    lines = ["file_name,label,speaker"]
    for number, name in enumerate(sorted(path.name for path in data.glob("*.wav"))):
        again = data / f"again-{name}"
        again.write_bytes((data / name).read_bytes())
        lines += [f"{one},{'ab'[number * 7 % 5 % 2]},s{number}" for one in (name, again.name)]
    (data / "metadata.csv").write_text("\n".join(lines) + "\n")
    dataset = load(data, modality="audio")
    plan = first_plan(known_facts(dataset, split(dataset), ["any"]), Wishes())
    problem = pose(dataset, last_round(split(dataset), plan), plan, Store(), silence)
    clips = np.array([sorted(set(dataset.content)).index(content) for content in dataset.content])
    found = leaking(problem, np.eye(len(set(clips)), dtype=np.float32)[clips])
    assert found is not None and found["leaking"]["value"] < found["grouped"]["value"] + 0.2
