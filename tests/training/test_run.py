"""A run folder becomes a run by its manifest, written last; bytes that changed since are found and named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from headstart.base.errors import ChangedRunError, InputError
from headstart.base.events import Event
from headstart.base.files import read_json
from headstart.training.run import MANIFEST, RunWriter, check_run


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    run = RunWriter(tmp_path / "run")
    run.record(Event("start", "read", total=3))
    run.record(Event("progress", "read", done=1))
    run.record(Event("note", "read", text="花"))
    run.json("about.json", {"path": Path("a/b"), "花": None})
    run.tensors("model.safetensors", {"weight": torch.arange(6.0).reshape(2, 3).T, "bias": np.zeros(2, np.float16)})
    assert not (run.folder / MANIFEST).exists(), "no run before it is finished"
    run.finish()
    return run.folder


def test_the_manifest_names_every_file_with_its_checksum_and_is_the_last_one(finished: Path) -> None:
    recorded = read_json(finished / MANIFEST)["files"]
    assert sorted(recorded) == ["about.json", "events.jsonl", "model.safetensors"] and {len(value) for value in recorded.values()} == {64}
    assert (finished / MANIFEST).stat().st_mtime_ns >= max(path.stat().st_mtime_ns for path in finished.iterdir())
    check_run(finished, *recorded)


def test_events_are_kept_without_progress(finished: Path) -> None:
    lines = [json.loads(line) for line in (finished / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["kind"], line["text"]) for line in lines] == [("start", ""), ("note", "花")]


def test_tensors_of_any_layout_come_back_as_they_were(finished: Path) -> None:
    found = load_file(finished / "model.safetensors")
    assert np.array_equal(found["weight"], np.arange(6.0).reshape(2, 3).T) and found["bias"].dtype == np.float16


def test_a_finished_run_is_not_written_over(finished: Path) -> None:
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    with pytest.raises(InputError, match="nothing is written over"):
        RunWriter(finished)
    assert {path.name: path.read_bytes() for path in finished.iterdir()} == before


def test_an_unfinished_run_may_begin_anew(tmp_path: Path) -> None:
    RunWriter(tmp_path / "run").close()
    again = RunWriter(tmp_path / "run")
    again.finish()
    check_run(tmp_path / "run", "events.jsonl")


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(InputError, match="cannot be written"):
            RunWriter(place)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_flipped_bit_in_the_weights_is_found_and_the_file_is_named(finished: Path, place: int) -> None:
    weights = finished / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[place] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(ChangedRunError, match=r"model\.safetensors differs") as caught:
        check_run(finished, "model.safetensors")
    assert caught.value.exit_code == InputError.exit_code and str(finished) in str(caught.value.fix)
    check_run(finished, "about.json")


def test_files_that_are_missing_or_were_never_written_are_all_named(finished: Path) -> None:
    (finished / "about.json").unlink()
    with pytest.raises(ChangedRunError, match=r"about\.json, plain\.safetensors"):
        check_run(finished, "about.json", "plain.safetensors", "events.jsonl")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"files": 3}'])
def test_a_damaged_manifest_is_said(finished: Path, content: str) -> None:
    (finished / MANIFEST).write_text(content)
    with pytest.raises(ChangedRunError, match=r"manifest\.json is damaged"):
        check_run(finished, "model.safetensors")


def test_a_folder_that_is_no_run_and_one_that_is_not_there_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a finished run"):
        check_run(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        check_run(tmp_path / "nowhere")


def test_a_run_that_cannot_go_on_does_not_say_that_it_can(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as stop, RunWriter(tmp_path / "run"):
        raise KeyboardInterrupt
    assert not getattr(stop.value, "__notes__", [])
    (tmp_path / "run" / "asked.json").write_text("{}")
    with pytest.raises(KeyboardInterrupt) as stop, RunWriter(tmp_path / "run", again=True):
        raise KeyboardInterrupt
    assert stop.value.__notes__ == [f"headstart resume {tmp_path / 'run'}"]


def test_a_run_folder_may_be_called_work(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "work") as run:
        run.json("verdict.json", {"helped": "yes"})
        run.json("work/piece.json", {})
        (run.folder / "my notes.txt").write_text("beside it", encoding="utf-8")
        run.finish()
    check_run(tmp_path / "work", "verdict.json", "events.jsonl")
    assert sorted(json.loads((tmp_path / "work" / "manifest.json").read_text())["files"]) == ["events.jsonl", "verdict.json"]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["events.jsonl", "manifest.json", "my notes.txt", "verdict.json"]


def test_what_an_interrupted_try_wrote_of_its_end_goes_when_it_goes_on(tmp_path: Path) -> None:
    for name in (
        "asked.json",
        "journal.jsonl",
        "events.jsonl",
        "work/piece.safetensors",
        "work/.piece.1.partial",
        "predictions/plain.parquet",
        "plan.toml",
        "my notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("half a line")
    run = RunWriter(tmp_path, again=True)
    run.record(Event("note", "resume", text="here"))
    run.close()
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".lock", "asked.json", "events.jsonl", "journal.jsonl", "my notes.txt", "work/piece.safetensors"], "what people put there is theirs"
    assert json.loads((tmp_path / "events.jsonl").read_text().splitlines()[-1])["text"] == "here"
