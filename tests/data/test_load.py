"""Loading: what is broken is named, what cannot be learnt from is refused at once, and nothing is read twice."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.modality.photos import encoded, photo, tile, write
from tests.modality.test_decode import png

from headstart.base import folders
from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Event
from headstart.data import load
from headstart.data.rows import FileRows

Make = Callable[..., Path]


def aged(root: Path) -> Path:
    """Make every file look as if it had lain there: fresh ones are not trusted."""
    before = time.time() - 100
    for path in root.rglob("*"):
        os.utime(path, (before, before))
    return root


def settle() -> None:
    """Wait until the change of status of what was just written is old enough to be trusted."""
    time.sleep(2.1)


def test_every_nasty_file_is_named_with_its_reason_and_the_rest_is_loaded(flowers: Make) -> None:
    root = flowers(rose=6, daisy=6)
    whole = encoded(photo(), "JPEG")
    nasty = {
        "empty.jpg": b"",
        "truncated.jpg": whole[: len(whole) // 2],
        "header only.png": encoded(tile(100))[:30],
        "text.jpg": b"I am not a picture",
        "page.png": b"<!doctype html><html></html>",
        "bomb.png": png(60_000, 60_000),
        "zero.png": png(0, 7),
        "archive.jpg": b"PK\x03\x04" + bytes(50),
        "paper.jpeg": b"%PDF-1.4",
        "noise.png": np.random.default_rng(0).bytes(5000),
        "program.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n(rm) run",
    }
    for name, content in nasty.items():
        (root / "rose" / name).write_bytes(content)
    dataset = load(root)
    reasons = {Path(fault.source).name: fault.reason for fault in dataset.faults}
    assert set(reasons) == set(nasty) and len(dataset) == 12
    assert reasons["empty.jpg"] == "empty file" and reasons["truncated.jpg"] == "truncated" and "too many pixels" in reasons["bomb.png"]
    assert "zero size" in reasons["zero.png"] and reasons["text.jpg"] == "not a picture" and "header" in reasons["header only.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(flowers: Make) -> None:
    root = flowers(rose=5, daisy=5)
    (root / "rose" / "0.png").chmod(0)
    assert [fault.reason for fault in load(root).faults] == ["cannot be opened (permission denied)"]


def test_a_path_that_does_not_exist_is_refused_with_its_neighbour(flowers: Make) -> None:
    root = flowers(rose=4, daisy=4)
    with pytest.raises(InputError, match=f"fix: headstart inspect {root}$"):
        load(root.parent / "Flower")
    with pytest.raises(InputError, match="does not exist"):
        load(root.parent / "quite" / "another" / "thing")


def test_a_name_that_is_like_no_other_suggests_no_strangers_file(tmp_path: Path) -> None:
    for name in ("reviews.csv", "numbers.csv", "other words"):
        (tmp_path / name).write_text("text,label\n")
    for typed, fix in (("nothere.csv", f"ls {tmp_path}"), ("review.csv", f"headstart inspect {tmp_path}/reviews.csv")):
        with pytest.raises(InputError) as caught:
            load(tmp_path / typed)
        assert caught.value.fix == fix
    with pytest.raises(InputError, match=f"inspect '{tmp_path}/other words'"):
        load(tmp_path / "other_words")


def test_pipes_devices_and_the_whole_file_system_are_no_data_set(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.csv")
    inner, outer = os.pipe()
    os.close(outer)
    for path, kind in ((tmp_path / "x.csv", "a pipe"), (Path(f"/dev/fd/{inner}"), "a pipe"), (Path("/dev/null"), "a device")):
        with pytest.raises(InputError, match=f"{kind}, and a data set is read more than once\n  fix: save it as a file first"):
            load(path)
    os.close(inner)
    with pytest.raises(InputError, match="root of the file system"):
        load("/")


def test_all_that_is_wrong_is_said_at_once(flowers: Make) -> None:
    root = flowers(rose=5, daisy=2, tulip=3)
    (root / "tulip" / "3.png").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        load(root)
    text = str(caught.value)
    assert "class daisy has 2 readable examples, at least 4" in text
    assert "class tulip has 3 readable examples (and 1 left out)" in text
    assert "tulip/3.png: empty file" in text
    with pytest.raises(InputError, match="class daisy has 1 readable example, at least 4"):
        load(flowers("few", rose=5, daisy=1))


def test_one_class_no_class_and_no_pictures_are_refused_with_a_way_out(flowers: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only one class, rose"):
        load(flowers("alone", rose=5))
    (tmp_path / "alone" / "标注.csv").write_text("文件名,标签\nrose/0.png,阳性\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"only one class, rose.*fix: headstart inspect \S*标注.csv"):
        load(tmp_path / "alone")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="holds no pictures in class folders"):
        load(tmp_path / "nothing")
    inner = flowers("zip/flowers", rose=5, daisy=5)
    with pytest.raises(InputError, match=f"headstart inspect {inner}"):
        load(tmp_path / "zip")
    for name in ("flowers.zip", "cat.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InputError, match="fix: "):
            load(tmp_path / name)
    with pytest.raises(InputError, match="no columns"):
        load(inner, label="species")


def test_the_same_bytes_under_two_labels_are_left_out_and_named(flowers: Make) -> None:
    root = flowers(rose=12, daisy=12)
    write(root / "rose" / "again.png", tile(100))
    write(root / "daisy" / "again.png", tile(100))
    dataset = load(root)
    assert len(dataset) == 24
    assert {fault.source for fault in dataset.faults} == {"rose/again.png", "daisy/again.png"}
    assert all("two labels" in fault.reason for fault in dataset.faults) and "daisy (daisy/again.png)" in dataset.faults[-1].reason


def test_a_data_set_that_means_several_labels_a_picture_is_refused(flowers: Make) -> None:
    root = flowers(rose=12, daisy=12)
    for number in range(4):
        for name in ("rose", "daisy"):
            write(root / name / f"both{number}.png", tile(100 + number))
    with pytest.raises(InputError, match="several labels at once"):
        load(root)


def test_a_class_missing_from_a_given_part_is_refused(flowers: Make) -> None:
    root = flowers(**{"train/rose": 5, "train/daisy": 5, "test/rose": 4})
    with pytest.raises(InputError, match="class daisy has no example in test"):
        load(root)


def test_the_second_time_no_file_is_opened_and_the_answer_is_the_same(flowers: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = aged(flowers(rose=8, daisy=8))
    (root / "rose" / "bad.png").write_bytes(b"")
    settle()
    first = load(root)

    def closed(*_: object) -> bytes:
        raise AssertionError("a file was opened although nothing has changed")

    with monkeypatch.context() as patch:
        patch.setattr(FileRows, "read", closed)
        second = load(root)
    assert second.digest == first.digest and second.sources == first.sources and second.faults == first.faults
    assert (second.near == first.near).all()
    write(root / "rose" / "0.png", tile(100))
    assert load(root).digest != first.digest, "a changed file is seen although it kept its name"


def test_a_file_that_is_moved_is_read_and_not_decoded_again(flowers: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = flowers(rose=8, daisy=8)
    first = load(root)
    root.rename(root.with_name("moved"))
    with monkeypatch.context() as patch:
        patch.setattr("headstart.modality.image.opened", lambda content: pytest.fail("decoded again"))
        assert load(root.with_name("moved")).digest == first.digest


def test_the_digest_does_not_depend_on_names_and_order_but_on_content_and_labels(flowers: Make, tmp_path: Path) -> None:
    root = flowers(rose=6, daisy=6)
    first = load(root).digest
    for number, path in enumerate(sorted(root.rglob("*.png"), reverse=True)):
        path.rename(path.with_name(f"renamed {number}.png"))
    assert load(root).digest == first
    (root / "rose").rename(root / "lily")
    assert load(root).digest != first


def test_a_file_that_changes_after_loading_is_not_read_as_what_it_was(flowers: Make) -> None:
    root = flowers(rose=5, daisy=5)
    dataset = load(root)
    place = dataset.sources.index("rose/0.png")
    write(root / "rose" / "0.png", tile(110))
    with pytest.raises(IntegrityError, match="changed since"):
        dataset.read(place)
    (root / "rose" / "0.png").unlink()
    with pytest.raises(IntegrityError, match="cannot be read any more"):
        dataset.read(place)


def test_reading_is_announced_counted_and_ended(flowers: Make) -> None:
    events: list[Event] = []
    load(flowers(rose=70, daisy=30), sink=events.append)
    assert [(event.kind, event.stage) for event in (events[0], events[-1])] == [("start", "read"), ("end", "read")]
    assert events[0].total == 100 and events[-2].done == 100 and events[0].unit == "pictures"


@pytest.mark.parametrize("trouble", ["damaged", "a folder", "read-only home"])
def test_what_cannot_be_remembered_is_said_and_the_work_goes_on(flowers: Make, trouble: str) -> None:
    root = flowers(rose=5, daisy=5)
    load(root)
    (store,) = (folders.home() / "examined").glob("*.sqlite")
    for path in (folders.home() / "examined").iterdir():
        path.unlink()
    if trouble == "damaged":
        store.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    elif trouble == "a folder":
        store.mkdir()
    else:
        (folders.home() / "examined").rmdir()
        (folders.home() / "examined").write_text("in the way")
    events: list[Event] = []
    assert len(load(root, sink=events.append)) == 10
    assert any(event.kind == "note" and "remember" in event.text for event in events)


def test_several_processes_examine_the_same_pictures_at_once(flowers: Make) -> None:
    root = flowers(rose=50, daisy=50)
    code = "import sys; from headstart.data import load; print(load(sys.argv[1]).digest)"
    running = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, str(root)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "src"})
        for _ in range(3)
    ]
    digests = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert digests == {load(root).digest}
    (store,) = (folders.home() / "examined").glob("*.sqlite")
    with sqlite3.connect(store) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("SELECT COUNT(*) FROM examined").fetchone() == (100,)
    base.close()
