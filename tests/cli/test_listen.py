"""Listening by its words: what cannot be listened to is said in one line, and a wake word's verb says what it needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Typed
from tests.modality.sounds import RATE, word

from headstart.base.errors import InputError
from headstart.cli.listen import ending, recorded
from headstart.modality.sound import wav
from headstart.study.listening import Detection


def test_a_folder_that_is_no_run_is_refused(typed: Typed, tmp_path: Path) -> None:
    told = typed("listen", tmp_path / "nothing", tmp_path / "clip.wav")
    assert told.returncode == 2 and "run folder" in told.stderr


def test_a_file_comes_in_steps_and_what_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_bytes(wav(word(1), RATE))
    parts = list(recorded(tmp_path / "clip.wav"))
    assert {len(part) for part in parts[:-1]} == {1280} and np.concatenate(parts).shape == (round(0.7 * RATE) + RATE // 2,)
    (tmp_path / "text.wav").write_bytes(b"this is no sound")
    for name, said in (("none.wav", "no such sound file"), ("text.wav", "not a recording")):
        with pytest.raises(InputError, match=said):
            list(recorded(tmp_path / name))


def test_the_ending_names_times_and_speed() -> None:
    (line,) = ending([Detection(1.25, 0.97)], 10.0, 0.05)
    assert "1.25 s (97%)" in str(line) and "20 times faster" in str(line)
    (line,) = ending([], 10.0, None)
    assert "nothing" in str(line)


def test_a_wake_word_without_its_three_kinds_of_sound_is_refused(typed: Typed, tmp_path: Path) -> None:
    told = typed("fit", tmp_path, "--task", "keyword", "--false-accepts", "0")
    assert told.returncode == 2
