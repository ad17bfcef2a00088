"""A run on texts answers tables in the order of their rows, lines, files, folders and a text itself, by the plain model from its files alone."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data.test_texts import BAD, GOOD, ROWS, table
from tests.modality.photos import tile, write

import headstart
from headstart.base.errors import InputError
from headstart.cli.predictions import WIDEST, clipped
from headstart.data import load
from headstart.modality import get
from headstart.modality.words import COLUMNS
from headstart.study.predict import evaluate, predict
from headstart.task import sparse
from headstart.training.run import RunWriter


@pytest.fixture
def run(tmp_path: Path, empty_home: Path) -> Path:
    counts = sparse.stacked([get("text").plain_features(text.encode()) for text, _ in ROWS], COLUMNS)
    head = sparse.head_on(counts, np.array([("好", "差").index(label) for _, label in ROWS]), 2, 10.0)
    writer = RunWriter(tmp_path / "run")
    writer.tensors("plain.safetensors", head.tensors())
    writer.json("model.json", {"chosen": "plain", "classes": ("好", "差"), "modality": "text"})
    writer.finish()
    return writer.folder


def test_a_table_is_answered_row_by_row_and_an_empty_row_is_named(run: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "new.csv", [(GOOD[0], "1"), ("", "2"), (BAD[0], "3")], ("评论", "编号"), "gbk")
    found = predict(run, [path])
    assert [one.source for one in found] == [f"{path}#2", f"{path}#3", f"{path}#4"]
    assert [one.label for one in found] == ["好", "", "差"] and found[1].fault == "empty" and found[0].shown == GOOD[0]


def test_lines_files_folders_and_a_text_itself_are_answered(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "said.txt"
    path.write_text(f"{GOOD[1]}\n\n{BAD[1]}\n", encoding="utf-8")
    assert [(one.source, one.label) for one in predict(run, [path], lines=True)] == [(f"{path}#1", "好"), (f"{path}#3", "差")]
    assert len(predict(run, [path])) == 1
    assert [one.label for one in predict(run, [GOOD[2], "空调坏了，\n也没有人来修"])] == ["好", "差"]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text(GOOD[3], encoding="utf-8")
    assert [one.label for one in predict(run, [tmp_path / "folder"])] == ["好"]


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_dash_stands_for_the_lines_that_are_piped_in_read_once_among_the_others(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found as a bug: the text "-" was labelled, and what was piped in was not read."""
    piped(monkeypatch, f"{GOOD[1]}\r\n\r\n{BAD[1]}\r\n".encode("gb18030"))
    found = predict(run, ["-", BAD[2]])
    assert [(one.source, one.label, one.shown) for one in found] == [("-#1", "好", GOOD[1]), ("-#3", "差", BAD[1]), (BAD[2], "差", "")]
    for content, said in (
        (b"", "standard input holds no text"),
        (b"\n \n", "holds no text"),
        ("房間很乾淨，服務也不錯，下次還來".encode("big5"), "cannot be read"),
    ):
        piped(monkeypatch, content)
        with pytest.raises(InputError, match=said) as caught:
            predict(run, ["-"])
        assert f"| headstart predict {run} -" in str(caught.value.fix)


def test_a_column_of_texts_is_refused_where_pictures_are_read(tmp_path: Path, empty_home: Path) -> None:
    writer = RunWriter(tmp_path / "pictures run")
    writer.json("model.json", {"chosen": "plain", "classes": ("a", "b"), "modality": "image"})
    writer.finish()
    asks: list[Callable[[], object]] = [lambda: predict(writer.folder, [tmp_path], text="文本"), lambda: load(tmp_path, text="文本", modality="image")]
    for ask in asks:
        with pytest.raises(InputError, match="here pictures are read\n  got: 文本\n  fix: leave --text out"):
            ask()


def test_a_folder_that_may_not_be_read_is_not_called_empty(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(path: object) -> object:
        raise PermissionError

    (tmp_path / "my folder").mkdir()
    monkeypatch.setattr("os.scandir", locked)
    with pytest.raises(InputError, match="may not be read") as caught:
        predict(run, [tmp_path / "my folder"])
    assert caught.value.fix == f"chmod u+rx '{tmp_path}/my folder'"


@pytest.mark.parametrize(
    "given",
    [
        "reviws.csv",
        "data/reviews",
        "评论/差评.csv",
        "我的数据.csv",
        "数据/测试.txt",
        "my data/test.csv",
        "My Documents/customer reviews 2024/final version.JSONL",
        "评论.CSV",
        "数据\\测试.parquet",
        "one.csv two.csv",
        "https://example.com/reviews.csv",
        Path("reviews"),
        Path("坏的 文件"),
    ],
)
def test_a_mistyped_path_is_not_taken_for_something_said(given: str | Path, run: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        predict(run, [given])


@pytest.mark.parametrize(
    "said",
    [
        "see readme.txt",
        "I sent them my reviews.csv",
        "he/she never answered me, so I wrote notes.txt",
        "it all stands in https://example.com/terms of use.txt",
        "好/坏",
        "很好。下次还来",
        "terrible.",
        "line one\nsee data/notes.txt",
    ],
)
def test_what_somebody_said_about_a_file_is_a_text(said: str, run: Path) -> None:
    assert [one.source for one in predict(run, [said])] == [" ".join(said.split())]


@pytest.mark.parametrize("given", ["", "  "])
def test_nothing_at_all_is_not_the_folder_that_one_stands_in(given: str, run: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        predict(run, [given])


def test_a_path_that_is_wrong_is_answered_with_the_nearest_before_the_model_is_opened(run: Path, tmp_path: Path) -> None:
    (run / "plain.safetensors").unlink()
    for name in ("reviews.csv", "stars.csv"):
        table(tmp_path / "my data" / name)
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for given, fix in (
        (tmp_path / "my data" / "review.csv", f"headstart predict {run} '{tmp_path}/my data/reviews.csv'"),
        (tmp_path / "my data", f"headstart predict {run} '{tmp_path}/my data/reviews.csv'"),
        (tmp_path / "empty", f"ls {tmp_path}/empty"),
        (tmp_path / "pipe.csv", f"save it as a file first: COMMAND > FILE; headstart predict {run} FILE"),
    ):
        with pytest.raises(InputError) as caught:
            predict(run, [given])
        assert caught.value.fix == fix


def test_what_systems_leave_in_folders_is_no_input(run: Path, tmp_path: Path) -> None:
    for name in ("a.txt", "._a.txt", "__MACOSX/a.txt", ".hidden/a.txt"):
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text(GOOD[0], encoding="utf-8")
    assert [one.source for one in predict(run, [tmp_path / "texts"])] == [str(tmp_path / "texts" / "a.txt")]


def test_the_only_table_of_a_folder_is_answered_and_files_of_other_kinds_are_named(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    path = table(folder / "reviews.csv", [(GOOD[0], "1"), (BAD[0], "2")], ("评论", "编号"))
    (folder / "README.md").write_text("about it", encoding="utf-8")
    (folder / "voice.m4a").write_bytes(b"x")
    found = predict(run, [folder])
    assert [one.source for one in found] == [f"{path}#2", f"{path}#3", str(folder / "voice.m4a")]
    assert [one.label for one in found] == ["好", "差", ""] and found[2].fault == ".m4a is not read: convert it to .txt"
    (folder / "a.txt").write_text(GOOD[0], encoding="utf-8")
    assert [(Path(one.source).name, one.fault) for one in predict(run, [folder]) if one.fault] == [("voice.m4a", found[2].fault)]


def test_a_coverage_that_is_no_share_is_refused_before_the_model_is_opened(run: Path) -> None:
    (run / "plain.safetensors").unlink()
    for asked in (2.0, 0.0, -1.0):
        with pytest.raises(InputError, match="--coverage is a share above 0 and below 1"):
            headstart.predict(run, GOOD[0], coverage=asked)


def test_data_of_another_kind_is_named_with_the_kind_that_the_run_takes(run: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        for number in range(4):
            write(tmp_path / "pictures" / name / f"{number}.png", tile(number))
    with pytest.raises(InputError, match=r"this run takes texts, and .*pictures holds pictures\n  fix: give texts, or a run that was fitted to pictures"):
        evaluate(run, tmp_path / "pictures")


def test_a_run_that_is_not_finished_says_how_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "my run").mkdir()
    (tmp_path / "my run" / "asked.json").write_text("{}")
    with pytest.raises(InputError) as caught:
        headstart.predict(tmp_path / "my run", GOOD[0])
    assert caught.value.fix == f"headstart resume '{tmp_path}/my run'"


def test_a_labelled_table_is_measured(run: Path, tmp_path: Path) -> None:
    scores = evaluate(run, table(tmp_path / "x.csv"))
    assert scores["n"] == 12 and scores["accuracy"]["value"] == 1.0


def test_a_text_in_a_terminal_is_cut_by_the_columns_that_it_takes() -> None:
    assert clipped("短") == "短" and len(clipped("长" * 100)) == WIDEST // 2 + 1 and len(clipped("x" * 100)) == WIDEST + 1
