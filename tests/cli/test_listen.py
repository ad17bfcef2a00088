"""Listening by its words: what cannot be listened to is said in one line, and a wake word's verb says what it needs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Typed
from tests.modality.sounds import RATE, word

from headstart.base.errors import InputError
from headstart.cli.listen import ending, microphone, recorded
from headstart.cli.predictions import heard_csv, heard_table
from headstart.cli.show import answer
from headstart.modality.sound import wav
from headstart.study.detections import Heard
from headstart.study.listening import Detection

RECORDER = """#!{python}
import sys
assert sys.argv[1:] == ["-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", "16000"], sys.argv
with open({sound!r}, "rb") as stream:
    sys.stdout.buffer.write(stream.read())
sys.stdout.buffer.flush()
sys.stderr.write("ALSA lib: something\\narecord: main:831: audio open error: No such file or directory\\n")
sys.exit(1)
"""


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
    assert "1.25 s (97 %)" in str(line) and "20 times as fast" in str(line)
    (line,) = ending([], 10.0, None)
    assert "nothing" in str(line)


def test_a_wake_word_without_its_three_kinds_of_sound_is_refused(typed: Typed, tmp_path: Path) -> None:
    told = typed("fit", tmp_path, "--task", "keyword", "--false-accepts", "0")
    assert told.returncode == 2


def test_a_wake_word_refuses_what_it_would_not_keep(typed: Typed, tmp_path: Path) -> None:
    told = typed("fit", tmp_path, "--task", "keyword", "--budget", "60s", "--max-mb", "9", "--effort", "quick")
    assert told.returncode == 2 and "--task keyword does not take --effort, --max-mb" in told.stderr, told.stderr


def test_false_accepts_without_a_wake_word_are_refused(typed: Typed, tmp_path: Path) -> None:
    for words in (("--false-accepts", "2"), ("--false-accepts", "0.5", "--task", "classification")):
        told = typed("fit", tmp_path, *words)
        assert told.returncode == 2 and "--false-accepts" in told.stderr and "--task keyword" in told.stderr, told.stderr


def test_a_wake_word_fetches_nothing_unasked(typed: Typed, tmp_path: Path) -> None:
    told = typed("fit", tmp_path, "--task", "keyword", "--out", tmp_path / "run")
    assert told.returncode == 2 and "fix: headstart gallery subscribe speech_embedding" in told.stderr, told.stderr
    assert not (tmp_path / "run").exists() and not (tmp_path / "home" / "gallery" / "speech_embedding").exists()


def arecord(folder: Path, samples: np.ndarray, patch: pytest.MonkeyPatch) -> None:
    """A program that answers as ALSA's recorder does: raw samples on standard output until the device goes away."""
    (folder / "samples.raw").write_bytes(np.rint(32767 * samples).astype("<i2").tobytes())
    (folder / "arecord").write_text(RECORDER.format(python=sys.executable, sound=str(folder / "samples.raw")))
    (folder / "arecord").chmod(0o755)
    patch.setenv("PATH", str(folder))
    patch.setitem(sys.modules, "sounddevice", None)  # not installed


def test_the_microphone_is_heard_through_alsas_recorder_until_it_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = word(3, 0.8)
    arecord(tmp_path, said, monkeypatch)
    heard: list[np.ndarray] = []
    with pytest.raises(InputError, match=r"there is no microphone to listen to, or it stopped(?s:.*)audio open error"):
        heard.extend(microphone(RATE))
    assert {part.shape for part in heard} == {(1280,)} and np.abs(np.concatenate(heard) - said).max() < 1e-4


def test_without_anything_that_could_ask_a_microphone_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match="sounddevice or the program arecord"):
        next(microphone(RATE))


def test_what_was_heard_in_files_is_a_table_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    files = [Heard("a.wav", (Detection(1.2, 0.9), Detection(4.0, 0.8)), 5.0), Heard("b.wav", (), 2.0), Heard("c.wav", (), 0.0, "silent")]
    heard_csv(files)
    assert capsys.readouterr().out.splitlines() == [
        "source,seconds,probability,fault", "a.wav,1.20,0.900000,", "a.wav,4.00,0.800000,", "b.wav,,,", "c.wav,,,silent",
    ]  # fmt: skip
    answer(heard_table(files))
    shown = capsys.readouterr().out
    assert "1.20 s (90 %), 4.00 s (80 %)" in shown and "not heard" in shown and "c.wav" not in shown
