"""Files and folders are whole or absent, also when the process dies in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from headstart.base.files import beside, new_folder, read_json, write, write_json

KILLED_BEFORE_RENAME = """
    import os, signal, sys
    from pathlib import Path
    from headstart.base import files

    os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)  # the moment between writing and renaming
    target = Path(sys.argv[1])
    if target.suffix:
        files.write(target, "new")
    else:
        with files.new_folder(target) as folder:
            (folder / "inside.txt").write_text("new")
"""


def killed_while_writing(target: Path) -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED_BEFORE_RENAME), str(target)], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_kill_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path) -> None:
    target = write(tmp_path / "value.txt", "old")
    killed_while_writing(target)
    assert target.read_text() == "old"
    left = [path for path in tmp_path.iterdir() if path != target]
    assert all(path.name.startswith(".") and path.name.endswith(".partial") for path in left) and left, "what is left can be told from a file"


def test_a_kill_while_a_folder_is_filled_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with new_folder(target) as folder:
        write(folder / "inside.txt", "old")
    killed_while_writing(target)
    assert (target / "inside.txt").read_text() == "old"


def test_an_error_while_a_folder_is_filled_leaves_nothing_of_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "folder") as folder:
        write(folder / "inside.txt", "half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_a_folder_is_filled_leaves_the_old_one(tmp_path: Path) -> None:
    with new_folder(tmp_path / "folder") as folder:
        write(folder / "inside.txt", "old")
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "folder") as folder:
        raise ZeroDivisionError
    assert [path.read_text() for path in tmp_path.rglob("*.txt")] == ["old"]


def test_a_new_folder_replaces_all_of_the_old_one(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with new_folder(tmp_path / "folder") as folder:
            write(folder / name, name)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["second"]


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_part(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(OSError):
        write(tmp_path / "taken", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_json_keeps_its_letters_and_refuses_what_json_has_no_word_for(tmp_path: Path) -> None:
    path = write_json(tmp_path / "deep" / "value.json", {"花": [1, 0.5, None]})
    assert "花" in path.read_text(encoding="utf-8") and read_json(path) == {"花": [1, 0.5, None]}
    with pytest.raises(ValueError):
        write_json(path, float("nan"))
    assert read_json(path) == {"花": [1, 0.5, None]}


def test_two_writers_at_once_do_not_use_one_name(tmp_path: Path) -> None:
    names = {beside(tmp_path / "value.txt") for _ in range(50)}
    assert len(names) == 50 and all(str(os.getpid()) in name.name for name in names)
