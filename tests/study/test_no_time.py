"""A budget that leaves nothing for the twin from scratch: it is not trained; what stands in its place is said; and a disk on which no model fits is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import headstart
from headstart import gallery
from headstart.base.errors import StorageError
from headstart.base.events import Event
from headstart.evaluation.verdict import Verdict
from headstart.study import fit as study
from headstart.study.room import to_keep


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, tone in (("dark", 60), ("light", 190)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng([tone, number]).normal(tone, 40, (48, 48, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"


def fitted(data: Path, out: Path, heard: list[Event]) -> Verdict:
    return headstart.fit(data, out=out, model="efficientnet_lite0", cut="head", effort="quick", budget=60, sink=heard.append).verdict


@pytest.mark.usefixtures("fresh_home")
def test_where_no_step_fits_the_twin_is_the_head_on_random_features_and_that_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left when the twin's turn comes is set to nothing, as a slow machine would have it."""
    heard = list[Event]()
    monkeypatch.setattr(study, "at_most", lambda ends, budget, share: 0.0)
    monkeypatch.setattr(study, "LATE", 0.0)  # as if it had taken longer than it was given
    verdict = fitted(data, tmp_path / "run", heard)
    notes = [event.text for event in heard if event.kind == "note"]
    assert any("no time to train from scratch" in note and "a head on its random features" in note for note in notes)
    assert any(note.startswith("--budget: ") and "s instead of 60" in note for note in notes)
    assert verdict.scratch is not None and verdict.random is not None and verdict.scratch.value == verdict.random.value
    assert verdict.scratch_frozen and verdict.scratch_epochs == 0
    assert verdict.scratch.n == verdict.test.n  # found as a bug: 49 of 240, where that head stood ready for all
    assert "There was no time to train the network from scratch" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("fresh_home")
def test_where_no_random_network_fits_either_that_is_said_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found as a bug: it was left out without a word, and "helped" then stood over half an epoch from scratch."""
    heard = list[Event]()
    monkeypatch.setattr(study, "at_most", lambda ends, budget, share: 0.0)
    monkeypatch.setattr(study, "has_left", lambda budget, seconds: False)
    verdict = fitted(data, tmp_path / "run", heard)
    notes = [event.text for event in heard if event.kind == "note" and "random weights" in event.text]
    assert notes == ["--budget: no time for efficientnet_lite0 with frozen random weights"]
    assert (verdict.scratch, verdict.random, verdict.helped) == (None, None, "cannot tell")


def test_a_disk_that_cannot_hold_the_smallest_model_is_refused(tmp_path: Path) -> None:
    small = gallery.card("efficientnet_lite0")
    vast = replace(small, parameters=10**15)
    with pytest.raises(StorageError, match=r"too full for a run folder: it has [0-9,]+ MB left, the smallest of the models takes 4,000,000,000 MB"):
        to_keep([vast, replace(vast, parameters=2 * 10**15)], tmp_path)
    to_keep([vast, small], tmp_path)
