"""A run that was killed ends as if it had not been; what cannot go on says so, and a disk that is full costs nothing that was computed."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import headstart
from benchmarks import kill_data, kills
from headstart.base.errors import InputError, IntegrityError, StorageError
from headstart.base.events import Event
from headstart.base.files import read_json, write_json
from headstart.base.journal import JOURNAL, reopen
from headstart.study.asked import recorded
from headstart.study.fit import Run
from headstart.study.resume import resume
from headstart.training.run import ASKED, LOCK, RunWriter, check_run

pytestmark = pytest.mark.river
SOURCE = Path(headstart.__file__).parents[1]
QUICK: dict[str, Any] = {"effort": "quick", "cut": "last", "twins": False}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that name their own test, and a small card to subscribe to."""
    folder = tmp_path_factory.mktemp("prepared")
    kill_data.make_small(folder)
    kill_data.digits(folder / "digits", 8, divided=True)
    return folder


@pytest.fixture
def home(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home in which the small card is known; trainings are kept after every step."""
    place = tmp_path / "home"
    shutil.copytree(prepared / "cards", place / "cards")
    monkeypatch.setenv("HEADSTART_HOME", str(place))
    monkeypatch.setenv("HEADSTART_CHECKPOINT_SECONDS", "0")
    yield place


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared / "digits", tmp_path / "digits"))


def stopping(begins: str, count: int = 1) -> Callable[[Event], None]:
    """Ctrl-C when a stage begins, or within it."""
    left = [count]

    def sink(event: Event) -> None:
        if event.kind in {"start", "progress"} and event.stage.startswith(begins):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

    return sink


def interrupted(data: Path, run: Path, begins: str = "tune", count: int = 2, **options: Any) -> BaseException:
    with pytest.raises(KeyboardInterrupt) as stop:
        headstart.fit(data, out=run, accept=[kill_data.SMALL], sink=stopping(begins, count), **{**QUICK, **options})
    return stop.value


def again(run: Path) -> tuple[Run, list[str]]:
    """Resume; what it noted."""
    notes: list[str] = []
    return headstart.resume(run, sink=lambda event: notes.append(event.text) if event.kind == "note" else None), notes


def unbroken(run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """The same run from what was asked and decided alone, from an empty store."""
    other = folder / "unbroken"
    other.mkdir()
    for name in (ASKED, JOURNAL):
        shutil.copy(run / name, other / name)
    shutil.copytree(home / "cards", folder / "other home" / "cards")
    with monkeypatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder / "other home"))
        headstart.resume(other)
    return other


@pytest.mark.slow
@pytest.mark.timeout(900)  # up to twenty starts of the program; beside other work more than the usual limit
def test_killed_ten_times_at_random_moments_the_run_is_equal_in_every_bit(prepared: Path, home: Path, tmp_path: Path) -> None:
    total, stages = 0, set[str]()
    for seed in range(4):  # a run may come to its end before ten kills; then another one is begun
        found = kills.measure(prepared / "digits", [], ["--effort", "quick"], "none", 10 - total, seed)
        assert found["different"] == [] and found["identical"] == 1.0
        total, stages = total + found["kills"], stages | set(found["stages"])
        if total >= 10:
            break
    assert total >= 6 and len(stages) >= 3


def test_the_start_of_the_process_that_goes_on_is_no_work_of_the_run(home: Path, data: Path, tmp_path: Path) -> None:
    """Found as a bug: a run that was stopped at 14 s was "resumed after 18 s of work"."""
    interrupted(data, tmp_path / "run")
    worked = json.loads((tmp_path / "run" / JOURNAL).read_text(encoding="utf-8").splitlines()[-1])["at"]
    said: list[str] = []

    def sink(event: Event) -> None:
        said.append(event.text)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(tmp_path / "run", sink=sink, started=time.perf_counter() - 1000)
    assert said == [f"resumed after {worked:.0f} s of work"] and home.is_dir()


@pytest.mark.parametrize(("begins", "count"), [("convert", 1), ("activations", 2), ("score", 1), ("tune", 7)])
def test_stopped_in_a_stage_it_goes_on_to_the_same_end(
    begins: str, count: int, home: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = interrupted(data, tmp_path / "a run", begins, count)
    assert getattr(stop, "__notes__", [])[-1] == f"headstart resume '{tmp_path / 'a run'}'"
    done, notes = again(tmp_path / "a run")
    assert notes[0].startswith("resumed after")
    assert kills.differences(done.folder, unbroken(done.folder, tmp_path, monkeypatch, home)) == []
    check_run(done.folder, *read_json(done.folder / "manifest.json")["files"])
    assert not (done.folder / "work").exists() and not (done.folder / LOCK).exists()


@pytest.mark.parametrize(("what", "harm"), [("work", "flip"), ("work", "delete"), (JOURNAL, "flip"), ("store", "truncate"), ("store", "delete")])
def test_what_was_damaged_between_is_named_and_computed_anew(
    what: str, harm: str, home: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    interrupted(data, run, "tune", 5)
    files = {"work": sorted((run / "work").iterdir()), JOURNAL: [run / JOURNAL], "store": sorted((home / "activations").rglob("*.safetensors"))}[what]
    kills.damage(files[0], harm, random.Random(3))
    done, notes = again(run)
    assert any({"work": "is computed anew", JOURNAL: JOURNAL, "store": "in the store"}[what] in note for note in notes), notes
    assert kills.differences(run, unbroken(done.folder, tmp_path, monkeypatch, home)) == []


def test_a_budget_counts_on_from_what_was_used_and_says_so(home: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(data, tmp_path / "run", "rank and race", 1, budget=40, cut=None)
    done, notes = again(tmp_path / "run")
    assert "of the budget of 40 s" in notes[0] and "are left" in notes[0]
    assert kills.differences(done.folder, unbroken(done.folder, tmp_path, monkeypatch, home)) == []


def test_a_finished_run_is_not_resumed_and_a_folder_without_one_neither(home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations")
    again(tmp_path / "run")
    (tmp_path / "run" / "work").mkdir()  # as a kill leaves it that came between the manifest and the end
    with pytest.raises(InputError, match="this run is finished: there is nothing to resume"):
        headstart.resume(tmp_path / "run")
    assert not (tmp_path / "run" / "work").exists()
    with pytest.raises(InputError, match="does not exist"):
        headstart.resume(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no run that was begun \(no asked\.json\)"):
        headstart.resume(data)
    assert not (data / LOCK).exists()


def test_what_was_begun_is_resumed_not_begun_anew(home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations")
    before = (tmp_path / "run" / JOURNAL).read_bytes()
    with pytest.raises(InputError, match="was begun and can go on") as refusal:
        headstart.fit(data, out=tmp_path / "run", **QUICK)
    assert refusal.value.fix == f"headstart resume {tmp_path / 'run'}" and (tmp_path / "run" / JOURNAL).read_bytes() == before
    with pytest.raises(InputError, match="was begun and can go on"):
        RunWriter(tmp_path / "run")
    RunWriter(tmp_path / "run", again=True).close()


def test_two_on_one_run_folder_are_one_too_many(home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations")
    at_work = RunWriter(tmp_path / "run", again=True)
    with pytest.raises(InputError, match="another process is at work on this run folder"):
        headstart.resume(tmp_path / "run")
    at_work.close()
    again(tmp_path / "run")


def test_other_data_is_refused_and_named(home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations")
    next(data.rglob("*.png")).unlink()
    with pytest.raises(InputError, match="the data is not what it was when this run began") as refusal:
        headstart.resume(tmp_path / "run")
    assert "24 items then, 23 now" in str(refusal.value) and (tmp_path / "run" / JOURNAL).is_file(), "a refusal removes nothing"


def test_data_that_was_moved_is_learnt_from_where_it_lies_now_and_other_data_is_refused(home: Path, data: Path, tmp_path: Path) -> None:
    there, elsewhere, other = (tmp_path / name for name in ("there", "elsewhere", "other"))
    shutil.copytree(data, there)
    interrupted(there, tmp_path / "run")
    there.rename(elsewhere)
    shutil.copytree(elsewhere, other)
    next(other.rglob("*.png")).unlink()
    with pytest.raises(InputError, match="the data is not what it was"):
        headstart.resume(tmp_path / "run", data=other)
    with pytest.raises(KeyboardInterrupt):
        headstart.resume(tmp_path / "run", data=elsewhere, sink=stopping("tune"))
    done, _ = again(tmp_path / "run")  # it knows the place now
    assert read_json(done.folder / "about.json")["data"] == str(elsewhere) and home.is_dir()


def test_models_that_are_gone_are_named(home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations", model=kill_data.SMALL)
    lines = (tmp_path / "run" / JOURNAL).read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if '"key": "models"' in line)
    (tmp_path / "run" / JOURNAL).write_text("".join(lines[:place]), encoding="utf-8")
    reopen(tmp_path / "run", 0.0).recall("models", lambda: {kill_data.SMALL: "other weights"})
    with pytest.raises(InputError, match="models of this run are gone, or their weights are others now") as refusal:
        headstart.resume(tmp_path / "run")
    assert kill_data.SMALL in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"headstart": "0.0.1"}, r"headstart 0\.0\.1, here"),
        ({"versions": {"torch": "1.0"}}, r"torch 1\.0, here"),
        ({"machine": "a PDP-11"}, "begun on a PDP-11"),
    ],
)
def test_another_version_or_machine_is_refused_for_the_numbers_would_differ(change: dict[str, Any], says: str, home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations")
    replace(recorded(tmp_path / "run"), **change).write(tmp_path / "run")
    with pytest.raises(InputError, match=says):
        headstart.resume(tmp_path / "run")


@pytest.mark.parametrize("content", ["", "{}", "[]", "flip"])
def test_what_was_asked_is_never_guessed(content: str, home: Path, data: Path, tmp_path: Path) -> None:
    interrupted(data, tmp_path / "run", "activations")
    file = tmp_path / "run" / ASKED
    file.write_text(file.read_text(encoding="utf-8").replace('"quick"', '"usual"') if content == "flip" else content, encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"asked\.json is damaged"):
        headstart.resume(tmp_path / "run")


def test_a_run_that_is_refused_before_anything_was_computed_leaves_nothing(home: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be cut there"):
        headstart.fit(data, out=tmp_path / "run", accept=[kill_data.SMALL], cut="lst")
    assert not (tmp_path / "run").exists()


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "headstart", *words]


def environment(**others: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), **others}


def test_two_fits_on_one_store_at_once_both_end_right(home: Path, data: Path, tmp_path: Path) -> None:
    headstart.inspect(data)
    words = ["fit", str(data), "--accept-licence", kill_data.SMALL, "--cut", "last", "--no-twins", "--effort", "quick", "--precision", "float32", "--out"]
    pair = [subprocess.Popen(command(*words, str(tmp_path / name)), env=environment(), stderr=subprocess.PIPE, text=True) for name in ("one", "two")]
    for process in pair:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
    model, predictions = ((tmp_path / name / part for name in ("one", "two")) for part in ("model.safetensors", "predictions/transfer.parquet"))
    assert len({file.read_bytes() for file in model}) == 1 and len({file.read_bytes() for file in predictions}) == 1


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_file_that_may_not_grow_is_a_clear_message_and_the_run_goes_on_afterwards(home: Path, data: Path, tmp_path: Path) -> None:
    """The system itself refuses: here no file may pass 300 kB, so the activations do not fit."""
    from headstart import gallery

    gallery.subscribe(kill_data.SMALL, accept=[kill_data.SMALL])
    words = command("fit", str(data), "--precision", "float32", "--cut", "last", "--no-twins", "--effort", "quick", "--out", str(tmp_path / "run"), "--json")
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "the file would be larger than this system allows: " in error["message"] and error["fix"] == f"headstart resume {tmp_path / 'run'}"
    assert "Traceback" not in done.stderr and not list(home.rglob("*.partial"))
    assert headstart.resume(tmp_path / "run").verdict.cache.misses > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)  # a file that is still mapped somewhere does not keep it


def test_a_full_disk_is_said_nothing_is_lost_and_with_room_it_goes_on(
    home: Path, data: Path, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "cards", small_disk / "cards")
    monkeypatch.setenv("HEADSTART_HOME", str(small_disk))
    with pytest.raises(StorageError, match="the disk is full: ") as full:
        headstart.fit(data, out=tmp_path / "run", accept=[kill_data.SMALL], precision="float32", **QUICK)
    assert full.value.exit_code == 2 and full.value.fix == f"headstart resume {tmp_path / 'run'}"
    assert not list(small_disk.rglob("*.partial"))
    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True)
    done, _ = again(tmp_path / "run")
    check_run(done.folder, "model.safetensors")


def test_a_disk_that_must_not_be_written_is_said(home: Path, data: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(InputError, match="the run folder cannot be written"):
        headstart.fit(data, out=small_disk / "run", accept=[kill_data.SMALL], **QUICK)


@pytest.mark.parametrize(("ballast", "said"), [(2_900_000, "the disk is too full for a run folder"), (900_000, "the disk is full: ")])
def test_a_full_disk_under_the_run_folder_is_said_too(home: Path, data: Path, small_disk: Path, ballast: int, said: str) -> None:
    """At once where not even the weights would find room, else when it is met."""
    (small_disk / "ballast").write_bytes(b"\0" * ballast)
    with pytest.raises(StorageError, match=said):
        headstart.fit(data, out=small_disk / "run", accept=[kill_data.SMALL], precision="float32", **QUICK)
    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True)
    check_run(again(small_disk / "run")[0].folder, "model.safetensors")


def test_an_old_folder_of_another_kind_is_left_alone(home: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "run" / "plan.toml", {})
    with pytest.raises(InputError, match="no run that was begun"):
        headstart.resume(tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["plan.toml"]
