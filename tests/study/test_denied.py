"""Where something may not be read or written: a clear message, nothing lost, and with permission the run goes on (root's children are made to obey)."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headstart
from benchmarks import kill_data
from headstart.training.run import ASKED, LOCK, check_run

pytestmark = pytest.mark.river
SOURCE = Path(headstart.__file__).parents[1]
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # prctl(2), capabilities(7): what lets root pass over permissions
OPTIONS = ("--cut", "last", "--no-twins", "--effort", "quick", "--precision", "float32")
READ_ONLY, NOTHING, EVERYTHING = 0o500, 0o000, 0o700


def obedient() -> None:
    """From the next program on, obey permissions, root or not."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                os._exit(99)


def child(*words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "headstart", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=obedient)


def asked(*words: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, what standard output says, and standard error."""
    process = child(*words, "--json")
    out, told = process.communicate(timeout=200)
    return process.returncode, json.loads(out), told


@pytest.fixture(scope="module", autouse=True)
def permissions_count(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("locked")
    folder.chmod(READ_ONLY)
    command = [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", str(folder / "file")]
    if sys.platform != "linux" or subprocess.run(command, preexec_fn=obedient, capture_output=True, check=False).returncode in (0, 99):
        pytest.skip("here a process cannot be made to obey permissions")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that knows a small model, already subscribed to, and digits; however the test ends, everything can be removed."""
    kill_data.make_small(tmp_path)
    kill_data.digits(tmp_path / "digits", 8, divided=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "cards").rename(tmp_path / "home" / "cards")
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "home"))
    from headstart import gallery

    gallery.subscribe(kill_data.SMALL, accept=[kill_data.SMALL])
    yield tmp_path
    for folder in [tmp_path, *tmp_path.rglob("*")]:
        folder.chmod(EVERYTHING) if folder.is_dir() else None


def test_a_run_folder_that_cannot_be_made_is_refused_before_anything_is_computed(place: Path) -> None:
    (place / "runs").mkdir(mode=READ_ONLY)
    code, told, error = asked("fit", str(place / "digits"), "--out", str(place / "runs" / "run"), *OPTIONS)
    assert code == 2 and "the run folder cannot be written" in told["error"]["message"] and told["error"]["fix"] == "--out ANOTHER_FOLDER"
    assert "Permission denied" in told["error"]["message"] and "Traceback" not in error
    assert not (place / "home" / "activations").exists()


def test_a_store_that_must_not_be_written_is_said_and_with_permission_the_run_goes_on(place: Path) -> None:
    (place / "home" / "activations").mkdir(mode=READ_ONLY)
    code, told, error = asked("fit", str(place / "digits"), "--out", str(place / "run"), *OPTIONS)
    assert code == 2, error
    assert f"there is no permission to use: {place / 'home' / 'activations'}" in told["error"]["message"]
    assert told["error"]["fix"] == f"headstart resume {place / 'run'}" and "Traceback" not in error
    (place / "home" / "activations").chmod(EVERYTHING)
    code, told, error = asked("resume", str(place / "run"))
    assert code == 0, error
    check_run(place / "run", "model.safetensors", "verdict.json")


def test_a_run_folder_that_became_read_only_loses_nothing_and_goes_on_when_it_may_be_written(place: Path) -> None:
    process = child("fit", str(place / "digits"), "--out", str(place / "run"), *OPTIONS)
    until(place / "home" / "activations")
    process.kill()
    process.communicate()
    before = {path.name: path.read_bytes() for path in (place / "run").iterdir() if path.is_file()}
    (place / "run").chmod(READ_ONLY)
    for path in (place / "run").iterdir():
        path.chmod(0o400) if path.is_file() else None
    code, told, error = asked("resume", str(place / "run"))
    assert code == 2, error
    assert "cannot be written" in told["error"]["message"] or "no permission" in told["error"]["message"]
    assert {path.name: path.read_bytes() for path in (place / "run").iterdir() if path.is_file()} == before and "Traceback" not in error
    (place / "run").chmod(EVERYTHING)
    for path in (place / "run").iterdir():
        path.chmod(0o600) if path.is_file() else None
    code, _, error = asked("resume", str(place / "run"))
    assert code == 0, error


def test_pictures_that_may_not_be_read_are_named_and_left_out(place: Path) -> None:
    locked = sorted((place / "digits" / "train" / "digit 0").iterdir())[:1]
    locked[0].chmod(NOTHING)
    code, told, error = asked("inspect", str(place / "digits"))
    assert code == 0, error
    (fault,) = told["faults"]
    assert fault["source"] == locked[0].relative_to(place / "digits").as_posix() and "ermission" in fault["reason"]
    (place / "digits" / "train").chmod(NOTHING)
    code, told, error = asked("inspect", str(place / "digits"))
    assert code == 2 and "Traceback" not in error and "train" in told["error"]["message"]


def test_of_two_fits_on_one_run_folder_one_ends_and_the_other_is_told_so(place: Path) -> None:
    first = child("fit", str(place / "digits"), "--out", str(place / "runs" / "run"), *OPTIONS)
    try:
        until(place / "runs" / "run" / ASKED)
        first.send_signal(signal.SIGSTOP)  # so that it cannot end while the others try
        for words in (("fit", str(place / "digits"), "--out", str(place / "runs" / "run"), *OPTIONS), ("resume", str(place / "runs" / "run"))):
            code, told, _ = asked(*words)
            assert code == 2 and "another process is at work on this run folder" in told["error"]["message"]
        code, told, _ = asked("runs", "list", str(place / "runs"))
        assert code == 0 and told["runs"][0]["at_work"] and told["runs"][0]["resume"] is None
    finally:
        first.send_signal(signal.SIGCONT)
        _, error = first.communicate(timeout=200)
    assert first.returncode == 0, error
    check_run(place / "runs" / "run", "model.safetensors", "verdict.json")
    assert not (place / "runs" / "run" / LOCK).exists()


def until(path: Path, seconds: float = 100.0) -> None:
    """Wait for a file or folder."""
    ends = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < ends, path
        time.sleep(0.02)
