"""However the program ends, its exit code, its last line and, with --json, its one object say so."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from headstart.base.errors import InputError, IntegrityError
from headstart.cli.leave import DONE, INPUT_WRONG, OUR_FAULT, STOPPED, guarded, resumable


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))
    monkeypatch.delenv("HEADSTART_DEBUG", raising=False)
    return tmp_path


def raising(error: BaseException) -> object:
    raise error


def test_work_that_ends_leaves_with_0() -> None:
    assert guarded(lambda: None, as_json=False) == DONE


def test_wrong_input_leaves_with_2_and_shows_every_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(InputError("no pictures [bold]here", got="x/", fix="headstart inspect y/")), as_json=False) == INPUT_WRONG
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: no pictures [bold]here\n  got: x/\n  fix: headstart inspect y/\n"


def test_with_json_wrong_input_is_still_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(lambda: raising(InputError("no pictures", fix="look again")), as_json=True)
    assert json.loads(capsys.readouterr().out)["error"] == {"kind": "input", "message": "no pictures\n  fix: look again", "fix": "look again"}


def test_our_fault_leaves_with_1_and_says_where_the_traceback_lies(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(ZeroDivisionError("by zero")), as_json=False) == OUR_FAULT
    err = capsys.readouterr().err
    kept = list((home / "failures").iterdir())
    assert "ZeroDivisionError: by zero" in err and "not of your input" in err and "Traceback" not in err
    assert str(kept[0]) in err and "Traceback" in kept[0].read_text()


def test_our_fault_shows_the_traceback_when_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEADSTART_DEBUG", "1")
    guarded(lambda: raising(ZeroDivisionError("by zero")), as_json=False)
    assert "Traceback" in capsys.readouterr().err


def test_an_error_with_words_of_its_own_is_shown_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(IntegrityError("the bytes are not those recorded")), as_json=False) == OUR_FAULT
    assert capsys.readouterr().err.startswith("failed: the bytes are not those recorded\n")


def test_a_home_that_cannot_be_written_does_not_hide_the_failure(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("HEADSTART_HOME", str(home / "file"))
    assert guarded(lambda: raising(ZeroDivisionError("by zero")), as_json=False) == OUR_FAULT
    assert "by zero" in capsys.readouterr().err


@pytest.mark.parametrize("end", [KeyboardInterrupt(), typer.Abort()])
def test_ctrl_c_leaves_with_130_and_a_last_line(end: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(end), as_json=True) == STOPPED
    out, err = capsys.readouterr()
    assert "stopped" in err and json.loads(out)["error"]["kind"] == "stopped"


def test_a_disk_that_is_full_is_the_users_to_mend_and_another_error_of_the_system_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(OSError(errno.ENOSPC, "No space", "/far/away")), as_json=False) == INPUT_WRONG
    assert capsys.readouterr().err.startswith("error: the disk is full: /far/away\n")
    assert guarded(lambda: raising(OSError(errno.EIO, "broken")), as_json=False) == OUR_FAULT


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_within_a_run_says_as_its_last_line_how_it_goes_on(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with resumable():
            stop = KeyboardInterrupt()
            stop.add_note("headstart resume 'my runs/1'")
            raise stop

    assert guarded(work, as_json=as_json) == STOPPED
    out, err = capsys.readouterr()
    assert err.splitlines()[-1] == "headstart resume 'my runs/1'"
    assert not as_json or json.loads(out)["error"]["fix"] == "headstart resume 'my runs/1'"


def test_ctrl_c_outside_of_a_run_and_a_fault_within_one(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with resumable():
            raise KeyboardInterrupt

    assert guarded(work, as_json=False) == STOPPED and "resume" not in capsys.readouterr().err
    fault = ZeroDivisionError()
    fault.add_note("headstart resume run")
    assert guarded(lambda: raising(fault), as_json=False) == OUR_FAULT
    assert "go on with the run: headstart resume run" in capsys.readouterr().err


ANSWERS = {  # ways to answer: a buffer that is written as the process ends, rich, JSON
    "csv": "print('source,label')",
    "table": "from headstart.cli.show import answer; answer('a table')",
    "json": "from headstart.cli.show import answer_json; answer_json({'a': 1})",
}


def left(answer: str, output: int, *, as_json: bool) -> subprocess.CompletedProcess[str]:
    """A process that answers through Typer, as the command line does, on a standard output that takes nothing."""
    lines = f"import sys, typer\nfrom headstart.cli.leave import guarded\napp = typer.Typer()\n@app.command()\ndef verb():\n    {answer}\n"
    lines += f"sys.exit(guarded(lambda: app(args=[], standalone_mode=False), as_json={as_json}))"
    return subprocess.run([sys.executable, "-c", lines], stdout=output, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("form", ANSWERS)
def test_an_answer_that_the_disk_has_no_room_for_is_said_without_a_traceback(form: str) -> None:
    """Found as a bug: with --json, the refusal was written to the same full disk again."""
    with Path("/dev/full").open("w") as full:
        done = left(ANSWERS[form], full.fileno(), as_json=form == "json")
    assert (done.returncode, done.stderr.splitlines()[0]) == (INPUT_WRONG, "error: the disk is full") and "Traceback" not in done.stderr


@pytest.mark.parametrize("form", ANSWERS)
def test_a_reader_that_has_had_enough_is_no_fault(form: str) -> None:
    """Found as a bug: `--csv | head -1` left with 1."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = left(ANSWERS[form], writer, as_json=form == "json")
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (DONE, "")
