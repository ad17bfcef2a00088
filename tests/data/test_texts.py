"""Texts in tables, in files of lines and in class folders: found by what lies there, read in their encoding, every row that is left out named."""

from __future__ import annotations

import csv
import json
import shlex
import time
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.modality.photos import tile, write

from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.data import languages, load, profile, split
from headstart.data.kind import kind_of
from headstart.data.listing import Wanted
from headstart.data.rows import STILL_SECONDS

GOOD = ("房间很干净，服务也不错", "早餐的种类很多，味道也好", "位置很好，下次还会住这里", "前台的态度非常热情", "床很舒服，睡得很好", "性价比很高，值得推荐")
BAD = ("房间太小，设施也很旧", "隔壁很吵，一晚没有睡着", "服务员的态度很差", "卫生间有味道，不干净", "价格太贵，不值这个钱", "空调坏了，也没有人来修")
ROWS = [(text, "好") for text in GOOD] + [(text, "差") for text in BAD]


@pytest.fixture(autouse=True)
def _home(empty_home: Path) -> None:
    """What is examined here is forgotten afterwards."""


def table(
    path: Path, rows: Iterable[tuple[str, ...]] = ROWS, header: tuple[str, ...] = ("评论", "情感"), encoding: str = "utf-8", separator: str = ","
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=separator).writerows([header, *rows])
    return path


def lines(path: Path, rows: Iterable[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030"])
def test_a_table_is_the_same_data_set_in_every_encoding_and_others_than_unicode_are_said(tmp_path: Path, encoding: str) -> None:
    heard: list[Event] = []
    dataset = load(table(tmp_path / "x.csv", encoding=encoding), sink=heard.append)
    assert dataset.modality == "text" and dataset.classes == ("好", "差") and len(dataset) == 12
    assert dataset.read(0).decode() == GOOD[0] and dataset.sources[0] == "x.csv#2"
    assert dataset.digest == load(table(tmp_path / "other.csv")).digest
    said = [event.text for event in heard if event.kind == "note"]
    assert said.pop(0) == "columns: text from 评论, label from 情感"
    assert bool(said) == encoding.startswith("gb") and all("read as GB18030" in text for text in said)
    assert languages(dataset) == {"zh": 1.0}
    assert any("multilingual network is needed" in note for note in profile(dataset, split(dataset)).notes)


def test_tsv_semicolons_json_lines_parquet_and_arrow_hold_the_same(tmp_path: Path) -> None:
    plain = load(table(tmp_path / "x.csv")).digest
    written = lines(tmp_path / "x.jsonl", [{"评论": text, "情感": label} for text, label in ROWS])
    cells = pa.table({"评论": [text for text, _ in ROWS], "情感": [label for _, label in ROWS]})
    pq.write_table(cells, tmp_path / "x.parquet")
    with pa.ipc.new_file(str(tmp_path / "x.arrow"), cells.schema) as writer:
        writer.write_table(cells)
    others = [table(tmp_path / "x.tsv", separator="\t"), table(tmp_path / "y.csv", separator=";"), written, tmp_path / "x.parquet", tmp_path / "x.arrow"]
    assert {load(path).digest for path in others} == {plain}


def test_columns_are_found_by_the_last_word_of_their_name_and_the_users_win(tmp_path: Path) -> None:
    rows = [(str(number), text, label, "a" if number % 2 else "b") for number, (text, label) in enumerate(ROWS)]
    path = table(tmp_path / "x.csv", rows, ("id", "tweet_text", "airline_sentiment", "city"))
    assert load(path).classes == ("好", "差")
    assert load(path, label="city").classes == ("a", "b")
    with pytest.raises(InputError, match="did you mean: tweet_text"):
        load(path, text="tweet_txt")
    with pytest.raises(InputError, match="no column looks like the text"):
        load(table(tmp_path / "y.csv", rows, ("id", "words", "sentiment", "city")), modality="text")
    assert len(load(tmp_path / "y.csv", text="words")) == 12


def test_a_first_line_that_reads_like_a_row_is_asked_about(tmp_path: Path) -> None:
    said = "the room was clean and the staff was as kind as could be"
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{said} {number},good\n" for number in range(9)), encoding="utf-8")
    with pytest.raises(InputError, match="does it name the columns") as caught:
        load(path)
    assert caught.value.fix == "put one above it that does: text,label"


@pytest.mark.parametrize(("text", "label"), [("微博正文", "情感"), ("text_a", "label"), ("b", "a")])
def test_a_table_of_unknown_names_is_answered_with_the_columns_that_are_likely_the_text_and_the_label(tmp_path: Path, text: str, label: str) -> None:
    """Found as a bug: `name the column file_name` was advised to who had texts."""
    path = table(tmp_path / "x.csv", [(str(n), one, "店", said) for n, (said, one) in enumerate(ROWS)], ("no", label, "shop", text))
    with pytest.raises(InputError, match=f"no column of a known name holds texts, or names files\n  got: no, {label}, shop, {text}") as caught:
        load(path)
    given = dict(zip(*[iter(shlex.split(str(caught.value.fix)))] * 2, strict=True))
    assert given == {"--text": text, "--label": label}
    assert load(path, text=given["--text"], label=given["--label"]).classes == ("好", "差")


@pytest.mark.parametrize("header", [("label", "text_a"), ("text_a", "label"), ("标签", "微博正文")])
def test_of_two_columns_the_one_that_is_no_label_holds_the_texts_in_chinese_too(tmp_path: Path, header: tuple[str, str]) -> None:
    """ChnSentiCorp is handed round as ``label`` and ``text_a``; only texts with blanks in them were taken for texts."""
    rows = [(text + "，房间很干净", label) for text, label in ROWS]
    path = table(tmp_path / "x.tsv", rows if header[1] == "label" else [row[::-1] for row in rows], header, separator="\t")
    assert load(path).classes == ("好", "差") and load(path).modality == "text"


def test_a_first_line_that_stands_among_the_rows_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the first line looks like a row"):
        load(table(tmp_path / "x.csv", header=("今天天气不错啊", "好")))


@pytest.mark.parametrize("mark", ["sep=;\n", '"sep=;"\r\n'])
def test_the_first_line_that_excel_writes_for_itself_is_no_row(tmp_path: Path, mark: str) -> None:
    path = table(tmp_path / "x.csv", separator=";")
    path.write_bytes(b"\xef\xbb\xbf" + mark.encode() + path.read_bytes())
    dataset = load(path)
    assert dataset.columns == {"text": "评论", "label": "情感"} and len(dataset) == 12 and dataset.sources[0] == "x.csv#3"


def test_empty_rows_are_left_out_by_their_number_and_enormous_ones_too(tmp_path: Path) -> None:
    rows = [*ROWS, ("", "好"), ("有字没有标签", ""), ("很" * 400_000, "差")]
    dataset = load(table(tmp_path / "x.csv", rows))
    assert len(dataset) == 12
    assert {fault.source: fault.reason for fault in dataset.faults} == {
        "x.csv#14": "no text (column 评论 is empty)",
        "x.csv#15": "no label (column 情感 is empty): 有字没有标签",
        "x.csv#16": "larger than 1 MiB",
    }


def test_labels_in_json_lines_that_are_lists_are_refused_and_what_is_no_number_is_missing(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": text, "label": label} for text, label in ROWS]
    with pytest.raises(InputError, match=r'the column label holds several labels an item\n  got: \["好", "差"\]'):
        load(lines(tmp_path / "x.jsonl", [*rows, {"text": "都有", "label": ["好", "差"]}]))
    dataset = load(lines(tmp_path / "y.jsonl", [*rows, {"text": "没有", "label": float("nan")}]))
    assert dataset.classes == ("好", "差") and dataset.faults[0].reason.startswith("no label")


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_named_with_the_line_that_converts_it(tmp_path: Path, name: str) -> None:
    for rows in (ROWS, [(f"a room with a view {number}", "one") for number in range(4)]):
        with pytest.raises(InputError, match=f"{name.upper().replace('-16-', '-16')} without the mark") as caught:
            load(table(tmp_path / "my data.csv", rows, encoding=name))
        assert str(caught.value.fix).startswith(f"iconv -f {name.upper().replace('-16-', '-16')} -t UTF-8 '{tmp_path}/my data.csv' > utf8.csv")


def test_the_usual_chinese_names_of_a_column_of_texts_are_known(tmp_path: Path) -> None:
    for header in ("评论内容", "内容", "正文", "文本"):
        path = table(tmp_path / "x.csv", [("1", text, "店", label) for text, label in ROWS], ("编号", header, "商家", "标签"))
        assert load(path).columns == {"text": header, "label": "标签"}


def test_a_json_list_in_a_file_of_json_lines_is_named_with_the_line_that_takes_it_apart(tmp_path: Path) -> None:
    for name in ("my rows.jsonl", "rows.json"):
        path = tmp_path / name
        path.write_text(json.dumps([{"text": text, "label": label} for text, label in ROWS], indent=1), encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load(path)
        assert caught.value.fix == f"jq -c '.[]' {shlex.quote(str(path))} > lines.jsonl"
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a"}\n3\n')
    with pytest.raises(InputError, match=r"got: line 2\n  fix: write each row as a line of its own"):
        load(path)


def test_half_a_character_in_json_lines_becomes_a_question_mark_and_is_said(tmp_path: Path) -> None:
    halves: list[dict[str, object]] = [{"text": f"{text}\ud83d", "label": "\ud83d", "speaker\udc00": "a"} for text in GOOD]
    dataset = load(lines(tmp_path / "x.jsonl", [*halves, *({"text": f"{text}😀", "label": "差"} for text in BAD)]))
    assert dataset.classes == ("?", "差") and dataset.read(0).decode() == GOOD[0] + "?" and dataset.read(6).decode() == BAD[0] + "😀"
    assert dataset.notes == ("x.jsonl: 6 rows hold half a character, such as line 1: a question mark stands for it",)


def test_what_is_remembered_of_a_text_does_not_depend_on_which_rows_had_a_label(tmp_path: Path) -> None:
    rows = [(f"{word} {number:02d}", "" if number % 5 == 0 else "ab"[number % 2], "xy"[number // 2 % 2]) for number, word in enumerate(["text"] * 40)]
    path = table(tmp_path / "x.csv", rows, ("text", "label", "mood"))
    time.sleep(STILL_SECONDS + 0.1)  # younger files are not remembered
    assert len(load(path, label="label")) == 32
    dataset = load(path, label="mood")
    assert [dataset.read(place).decode() for place in range(40)] == [text for text, _, _ in rows]


def test_quotes_line_ends_and_separators_within_a_cell_stay_in_it(tmp_path: Path) -> None:
    odd = 'She said: "no, thanks"\r\nand left, quickly'
    dataset = load(table(tmp_path / "x.csv", [*ROWS, (odd, "差")]))
    assert dataset.read(12).decode() == odd


def test_a_tab_file_with_a_lone_quote_loses_no_row_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in [('"5 stars', "好"), *ROWS]), encoding="utf-8")
    dataset = load(path)
    assert len(dataset) == 13 and dataset.read(0) == b'"5 stars' and "do not pair" in dataset.notes[0]


def test_a_tab_file_whose_quotes_would_swallow_rows_loses_none_and_says_so(tmp_path: Path) -> None:
    rows = [*ROWS[:3], ('"五星好评', "好"), *ROWS[3:], ('再也不来"', "差")]
    path = tmp_path / "x.tsv"
    path.write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows), encoding="utf-8")
    dataset = load(path)
    assert [dataset.read(place).decode() for place in range(14)] == [text for text, _ in rows]
    assert "would swallow 10 rows" in dataset.notes[0]


def test_a_properly_quoted_tab_file_keeps_line_ends_tabs_and_quotes_within_its_cells(tmp_path: Path) -> None:
    odd = ('She said "no"', "two\nlines", "a\ttab", 'both\ta "tab"\nand a line end')
    dataset = load(table(tmp_path / "x.tsv", [*ROWS, *((text, "差") for text in odd)], separator="\t"))
    assert [dataset.read(12 + place).decode() for place in range(4)] == list(odd)
    assert dataset.notes == ('x.tsv: a cell of row 17 holds tabs and line ends; if its quotation mark is no quote, rows are lost in it: write it twice ("")',)


def test_a_tab_file_with_every_cell_in_quotes_is_read_without_them_empty_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("".join(f'"{text}"\t"{label}"\n' for text, label in [("评论", "情感"), *ROWS, ("", "")]), encoding="utf-8")
    dataset = load(path)
    assert len(dataset) == 12 and dataset.read(0).decode() == GOOD[0] and not dataset.notes


@pytest.mark.parametrize(
    ("header", "said"), [(("text", "text"), "stands twice"), (("text", "label", "more"), "rows do not have 3 cells"), (("a", "b", "c", "d"), "rows do not")]
)
def test_a_table_that_cannot_be_read_says_why(tmp_path: Path, header: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(table(tmp_path / "x.csv", header=header))


def test_numbers_are_classes_while_they_are_few_and_refused_as_measurements(tmp_path: Path) -> None:
    assert load(table(tmp_path / "x.csv", [(text, str(number % 2)) for number, (text, _) in enumerate(ROWS)])).classes == ("0", "1")
    with pytest.raises(InputError, match="the labels are numbers, 60 different ones"):
        load(table(tmp_path / "y.csv", [(f"{text}{number}", f"{number}.5") for number, (text, _) in enumerate(ROWS * 5)]))


def test_train_and_test_tables_in_a_folder_are_one_data_set(tmp_path: Path) -> None:
    table(tmp_path / "data" / "train.csv")
    table(tmp_path / "data" / "test.csv", [(text + "啊", label) for text, label in ROWS])
    dataset = load(tmp_path / "data")
    assert (dataset.given_split or ()).count("test") == 12 and dataset.sources[12] == "test.csv#2"


def test_the_columns_of_train_are_those_of_all_tables(tmp_path: Path) -> None:
    header = ("id", "title", "review", "target")
    table(tmp_path / "train.csv", [(str(number), "no", text, label) for number, (text, label) in enumerate(ROWS)], header)
    table(tmp_path / "test.csv", [(str(number), text, label, "x") for number, (text, label) in enumerate(ROWS)], ("id", "review", "target", "class"))
    dataset = load(tmp_path)
    assert len(dataset) == 24 and dataset.classes == ("好", "差") and dataset.read(12).decode() == GOOD[0]


def test_a_test_table_without_the_label_of_train_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", [(str(number), text, label) for number, (text, label) in enumerate(ROWS)], ("id", "text", "target"))
    table(tmp_path / "test.csv", [(str(number), text) for number, (text, _) in enumerate(ROWS)], ("id", "text"))
    dataset = load(tmp_path)
    assert len(dataset) == 12 and dataset.notes == ("test.csv has no column target, the label in train.csv: left out",)
    assert load(tmp_path, label="target").notes == dataset.notes


def test_a_file_a_class_and_a_folder_a_class_are_both_read(tmp_path: Path) -> None:
    for name, texts in (("pos", GOOD), ("neg", BAD)):
        (tmp_path / "lines").mkdir(exist_ok=True)
        (tmp_path / "lines" / f"{name}.txt").write_text("\n".join([*texts, "", ""]), encoding="gbk")
    dataset = load(tmp_path / "lines")
    assert dataset.classes == ("neg", "pos") and len(dataset) == 12 and dataset.sources[0] == "neg.txt#1" and "GB18030" in dataset.notes[0]
    for name, texts in (("pos", GOOD), ("neg", BAD)):
        for number, text in enumerate(texts):
            path = tmp_path / "folders" / name / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    assert load(tmp_path / "folders").digest == dataset.digest


def test_retweets_stay_on_one_side_of_a_split(tmp_path: Path) -> None:
    words = ["flight", "delayed", "again", "hours", "gate", "crew", "lost", "bag", "phone", "hold", "agent", "refund", "seat", "window", "meal", "snow"]
    rows = []
    for number in range(40):
        said = " ".join(words[(number * 7 + step * (3 + number % 5)) % len(words)] for step in range(9)) + f" {words[number % 16]} {words[number // 3]}"
        label = ("praise", "blame")[number % 2]
        rows += [(f"@united {said} http://t.co/a{number}", label), (f"RT @joe{number}: @united {said}! http://t.co/b{number}", label)]
    dataset = load(table(tmp_path / "x.csv", rows, ("tweet", "sentiment")))
    parts = split(dataset)
    side = {int(place): name for name in ("train", "validation", "test") for place in getattr(parts, name)}
    assert all(side[place] == side[place + 1] for place in range(0, 80, 2))
    assert len(dataset.near) >= 40


def test_pictures_and_texts_are_told_apart_by_what_lies_there(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "a" / "0.png", tile(0))
    (tmp_path / "pictures" / "a" / "caption.txt").write_text("a rose")
    assert kind_of(tmp_path / "pictures", Wanted()) == "image"
    table(tmp_path / "files.csv", [("a/0.png", "a rose", "x")], ("file", "text", "label"))
    assert kind_of(tmp_path / "files.csv", Wanted()) == "image" and kind_of(tmp_path / "files.csv", Wanted(text="text")) == "text"
    table(tmp_path / "said.csv", [("look at http://t.co/rose.jpg", "x"), ("no picture here", "y")], ("words", "label"))
    assert kind_of(tmp_path / "said.csv", Wanted()) == "text"
    table(tmp_path / "sounds.csv", [("a.wav", "yes")], ("path", "label"))
    assert kind_of(tmp_path / "sounds.csv", Wanted()) == "audio"
    (tmp_path / "both").mkdir()
    for name in ("a.wav", "b.png"):
        (tmp_path / "both" / name).touch()
    with pytest.raises(InputError, match="--modality"):
        kind_of(tmp_path / "both", Wanted())


@pytest.mark.parametrize(("name", "encoding"), [("x.jsonl", "utf-8"), ("x.csv", "utf-8"), ("x.jsonl", "utf-16")])
def test_an_enormous_first_row_does_not_hide_that_a_table_holds_texts(tmp_path: Path, name: str, encoding: str) -> None:
    rows = [("太长了 上 " * 300_000, "好"), *ROWS]
    path = tmp_path / name
    if path.suffix == ".csv":
        table(path, rows, ("话", "情感"), encoding)
    else:
        path.write_text("\n".join(json.dumps({"话": text, "情感": label}, ensure_ascii=False) for text, label in rows), encoding=encoding)
    dataset = load(path)
    assert dataset.modality == "text" and len(dataset) == 12 and dataset.faults[0].reason == "larger than 1 MiB"


def test_a_table_that_belongs_to_no_part_is_named(tmp_path: Path) -> None:
    table(tmp_path / "data" / "train.csv")
    table(tmp_path / "data" / "extra.csv", [(text + "啊", label) for text, label in ROWS])
    dataset = load(tmp_path / "data")
    assert len(dataset) == 12 and [(one.source, one.reason) for one in dataset.faults] == [("extra.csv", "names none of train, validation, test")]
