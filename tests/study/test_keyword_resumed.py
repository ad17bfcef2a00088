"""A wake word's run that was killed ends as if it had not been, bit for bit; what cannot go on says so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.kills import differences
from tests.study.keyword_data import lay_out

import headstart
from headstart.base.errors import InputError
from headstart.study.keyword import Result

SOURCE = Path(headstart.__file__).parents[1]
WAIT_SECONDS = 120


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("wake"))


@pytest.fixture
def home(fresh_home: Path, subscribed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    subscribed("speech_embedding")
    monkeypatch.setenv("HEADSTART_CHECKPOINT_SECONDS", "0")
    return fresh_home


def killed_when(run: Path, happened: Callable[[], bool], *arguments: str) -> None:
    """A real process, killed as soon as something has happened."""
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-m", "headstart", *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    while child.poll() is None and not happened():
        assert time.monotonic() - began < WAIT_SECONDS
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (run / "manifest.json").exists()


def pieces(run: Path, n: int) -> Callable[[], bool]:
    """Have so many pieces been kept?"""
    return lambda: len(list((run / "work").glob("[!.]*.safetensors"))) >= n


@pytest.mark.slow
def test_killed_at_four_moments_the_run_is_equal_in_every_bit(data: Path, home: Path, tmp_path: Path) -> None:
    run, arguments = tmp_path / "run", ["fit", str(data), "--task", "keyword", "--false-accepts", "60", "--out", str(tmp_path / "run")]
    killed_when(run, (run / "asked.json").is_file, *arguments)
    killed_when(run, pieces(run, 1), "resume", str(run))
    killed_when(run, pieces(run, 3), "resume", str(run))  # the pretrained embedding's layer is there
    killed_when(run, pieces(run, 5), "resume", str(run))
    done = headstart.resume(run)
    assert isinstance(done, Result) and not (run / "work").exists()
    shutil.rmtree(home / "activations")
    whole = headstart.keyword(data, out=tmp_path / "whole", false_accepts=60.0)
    assert done.transfer == whole.transfer and done.random == whole.random
    assert [name for name in differences(run, whole.folder) if name != "keyword.json"] == []  # which names its own folder
    ours, theirs = ((one / "keyword.json").read_text().replace(str(one), "") for one in (run, whole.folder))
    assert ours == theirs


def test_a_damaged_piece_is_named_and_heard_anew(data: Path, home: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    killed_when(run, pieces(run, 1), "fit", str(data), "--task", "keyword", "--false-accepts", "60", "--no-twins", "--out", str(run))
    piece = next((run / "work").glob("[!.]*.safetensors"))
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 1
    piece.write_bytes(bytes(content))
    notes: list[str] = []
    done = headstart.resume(run, sink=lambda event: notes.append(event.text) if event.kind == "note" else None)
    assert any("differs from its checksum" in note and "is computed anew" in note for note in notes)
    assert (done.folder / "report.html").is_file()


def test_other_recordings_than_it_was_begun_with_are_refused(data: Path, home: Path, tmp_path: Path) -> None:
    changed, run = Path(shutil.copytree(data, tmp_path / "data")), tmp_path / "run"
    killed_when(run, pieces(run, 1), "fit", str(changed), "--task", "keyword", "--no-twins", "--out", str(run))
    next((changed / "negative").iterdir()).unlink()
    with pytest.raises(InputError, match="not what it was when this run began"):
        headstart.resume(run)
