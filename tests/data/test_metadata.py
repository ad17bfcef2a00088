"""Tables of names and labels: columns found by their names, groups kept, and every mistake named at once."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather
from tests.modality.photos import tile, write

from headstart.base.errors import InputError
from headstart.data import load, profile, split


def table(root: Path, rows: list[dict[str, Any]], name: str = "metadata.csv", delimiter: str = ",", encoding: str = "utf-8") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    with (root / name).open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return root / name


def patients(root: Path, n: int = 24, **more: Any) -> list[dict[str, Any]]:
    """Rows of patients with two pictures each."""
    rows = []
    for number in range(n):
        write(root / "scans" / f"{number}.png", tile(number))
        rows.append({"file_name": f"scans/{number}.png", "label": ("ill", "well")[number // 2 % 2], "patient": f"p{number // 2}", **more})
    return rows


def test_columns_are_found_by_their_names_and_patients_stay_on_one_side(tmp_path: Path) -> None:
    root = tmp_path / "hospital"
    table(root, patients(root, age=40), encoding="utf-8-sig")
    dataset = load(root)
    assert dataset.classes == ("ill", "well") and len(dataset) == 24
    assert dataset.groups is not None and dataset.group_name == "patient" and dataset.groups[0] == "p0"
    parts = split(dataset)
    sides = [{dataset.groups[index] for index in side} for side in (parts.train, parts.validation, parts.test)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert "12 groups (patient)" in parts.how
    assert profile(dataset, parts).groups == 12


def test_the_same_table_as_tsv_semicolons_json_lines_or_a_path_to_it_is_the_same_data_set(tmp_path: Path) -> None:
    root = tmp_path / "hospital"
    rows = patients(root)
    digests = [load(table(root, rows, "any name.csv")).digest, load(table(root, rows, "rows.tsv", "\t")).digest, load(table(root, rows, "s.csv", ";")).digest]
    lines = root / "metadata.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in rows))
    assert len({*digests, load(root).digest}) == 1


def test_chinese_columns_and_windows_paths_work_and_a_table_whose_encoding_cannot_be_told_is_refused(tmp_path: Path) -> None:
    rows = [{"文件名": row["file_name"].replace("/", "\\"), "标签": row["label"].replace("ill", "病").replace("well", "健康")} for row in patients(tmp_path)]
    table(tmp_path, rows)
    assert load(tmp_path).classes == ("健康", "病")
    table(tmp_path, rows, encoding="gb18030")
    read = load(tmp_path)
    assert read.classes == ("健康", "病") and any("read as GB18030" in note for note in read.notes)
    (tmp_path / "metadata.csv").write_bytes("file_name,ラベル\nscans/0.png,病気です\n".encode("shift-jis"))
    with pytest.raises(InputError, match="not UTF-8"):
        load(tmp_path)


def test_accents_of_another_system_name_the_same_file(tmp_path: Path) -> None:
    rows = patients(tmp_path)
    for disk, written in (("NFD", "NFC"), ("NFC", "NFD")):
        (tmp_path / "scans").rename(tmp_path / unicodedata.normalize(disk, "Aufnahmen für André"))
        table(tmp_path, [row | {"file_name": unicodedata.normalize(written, f"Aufnahmen für André/{Path(row['file_name']).name}")} for row in rows])
        assert len(load(tmp_path)) == 24
        (tmp_path / unicodedata.normalize(disk, "Aufnahmen für André")).rename(tmp_path / "scans")


def test_the_users_columns_win_and_a_missing_one_is_refused_with_those_there_are(tmp_path: Path) -> None:
    rows = [row | {"stage": "early" if number % 3 else "late", "ward": str(number % 7)} for number, row in enumerate(patients(tmp_path))]
    table(tmp_path, rows)
    dataset = load(tmp_path, label="stage", group="ward")
    assert dataset.classes == ("early", "late") and dataset.group_name == "ward"
    with pytest.raises(InputError, match="allowed: file_name, label, patient, stage, ward\n  did you mean: stage"):
        load(tmp_path, label="stages")
    with pytest.raises(InputError, match="group"):
        load(tmp_path, group="doctor")
    assert load(tmp_path, group="none").groups is None


def test_a_table_without_a_label_or_a_file_column_says_what_would_do(tmp_path: Path) -> None:
    table(tmp_path, [{"file_name": "a.png", "age": 3, "weight": 4}])
    with pytest.raises(InputError, match="no column looks like the label"):
        load(tmp_path)
    table(tmp_path, [{"who": "a", "label": 3}])
    with pytest.raises(InputError, match="no column looks like the name of a file"):
        load(tmp_path)


def test_two_columns_are_enough_whatever_the_second_is_called(tmp_path: Path) -> None:
    table(tmp_path, [{"file": row["file_name"], "befund": row["label"]} for row in patients(tmp_path)])
    assert load(tmp_path).classes == ("ill", "well")


@pytest.mark.parametrize("column", ["audio", "音频", "图片", "照片", "wavname"])
def test_a_column_that_names_files_which_exist_is_that_of_the_files_whatever_it_is_called(tmp_path: Path, column: str) -> None:
    rows = [{"text": "said", "label": row["label"], column: row["file_name"], "speaker": row["patient"]} for row in patients(tmp_path)]
    dataset = load(table(tmp_path, rows))
    assert dataset.modality == "image" and dataset.classes == ("ill", "well") and len(dataset) == 24 and dataset.group_name == "speaker"


@pytest.mark.parametrize("name", ["metadata.parquet", "metadata.arrow"])
@pytest.mark.parametrize("column", ["file_name", "clip"])
def test_a_parquet_or_arrow_table_that_names_files_is_read_as_a_table_of_files(tmp_path: Path, name: str, column: str) -> None:
    rows = patients(tmp_path / "data")
    rows[-1]["label"] = None
    cells = {column: [row["file_name"] for row in rows], "label": [row["label"] for row in rows], "patient": [row["patient"] for row in rows]}
    written = pa.table(cells | {"age": [3.5] * 24, "seen": [["a"]] * 24, "text": ["said"] * 24})
    if name.endswith("parquet"):
        pq.write_table(written, tmp_path / "data" / name)
    else:
        feather.write_feather(written, tmp_path / "data" / name)
    dataset = load(tmp_path / "data")
    assert dataset.modality == "image" and dataset.classes == ("ill", "well") and dataset.sources[0] == "scans/0.png" and dataset.group_name == "patient"
    assert [fault.reason for fault in dataset.faults] == ["no label (column label is empty)"]
    assert load(tmp_path / "data" / name).digest == dataset.digest
    with pytest.raises(InputError, match="the column seen holds several labels an item"):
        load(tmp_path / "data", label="seen")


def test_parquet_tables_in_the_train_and_test_folders_name_files_too(tmp_path: Path) -> None:
    names = {0: "sit", 1: "stand"}
    for part, first in (("train", 0), ("test", 30)):
        rows = []
        for number in range(12):
            write(tmp_path / part / f"{number}.png", tile(first + number))
            rows.append({"file_name": f"{number}.png", "label": number % 2})
        written = pa.Table.from_pylist(rows)
        info = {"info": {"features": {"label": {"_type": "ClassLabel", "names": list(names.values())}}}}
        pq.write_table(written.replace_schema_metadata({"huggingface": json.dumps(info)}), tmp_path / part / "metadata.parquet")
    dataset = load(tmp_path)
    assert dataset.classes == ("sit", "stand") and (dataset.given_split or ()).count("test") == 12


def test_names_of_files_that_are_not_there_are_refused_in_parquet_unless_texts_stand_beside_them(tmp_path: Path) -> None:
    cells = {"file_name": [f"clips/{number}.wav" for number in range(12)], "label": ["a", "b"] * 6}
    pq.write_table(pa.table(cells), tmp_path / "metadata.parquet")
    with pytest.raises(InputError, match="12 of 12 files that do not exist"):
        load(tmp_path)
    pq.write_table(pa.table(cells | {"sentence": [f"what was said {number}" for number in range(12)]}), tmp_path / "metadata.parquet")
    assert load(tmp_path).modality == "text"


def test_of_two_columns_that_are_called_so_the_one_with_files_that_exist_is_taken(tmp_path: Path) -> None:
    table(tmp_path, [row | {"file_name": f"upload {number}.png", "picture": row["file_name"]} for number, row in enumerate(patients(tmp_path))])
    assert load(tmp_path).sources[0] == "scans/0.png"


def test_names_of_clips_that_do_not_exist_are_never_taken_for_texts(tmp_path: Path) -> None:
    path = table(tmp_path, [{"audio": f"clips/cat {number}.wav", "sound of": "ab"[number % 2]} for number in range(12)])
    with pytest.raises(InputError, match="no column looks like the name of a file"):
        load(path)


def test_missing_files_are_listed_ten_and_counted_with_the_place_where_one_lies(tmp_path: Path) -> None:
    rows = patients(tmp_path)
    table(tmp_path, [row | {"file_name": Path(row["file_name"]).name} for row in rows])
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    text = str(caught.value)
    assert "24 of 24 files that do not exist" in text and "… and 14 more" in text and "write scans/0.png instead of 0.png" in text


def test_files_outside_the_folder_are_refused(tmp_path: Path) -> None:
    rows = patients(tmp_path / "inside")
    write(tmp_path / "secret.png", tile(50))
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        table(tmp_path / "inside", [*rows, {"file_name": name, "label": "ill", "patient": "x"}])
        with pytest.raises(InputError, match="outside its folder"):
            load(tmp_path / "inside")
    table(tmp_path / "inside", [row | {"file_name": str(tmp_path / "inside" / row["file_name"])} for row in rows])
    assert "scans/0.png" in load(tmp_path / "inside").sources


def test_rows_without_a_label_and_rows_listed_twice_are_named(tmp_path: Path) -> None:
    rows = patients(tmp_path)
    table(tmp_path, [*rows[:-1], rows[-1] | {"label": ""}, rows[0]])
    dataset = load(tmp_path)
    assert {(fault.source, fault.reason) for fault in dataset.faults} == {("scans/23.png", "no label (column label is empty)"), ("scans/0.png", "listed twice")}


def test_a_row_without_a_group_is_a_unit_of_its_own(tmp_path: Path) -> None:
    table(tmp_path, [row | {"patient": "" if number > 3 else "p"} for number, row in enumerate(patients(tmp_path))])
    assert len(np.unique(split(load(tmp_path)).units)) == 21


def test_a_split_column_is_taken_as_given_and_a_half_filled_one_is_refused(tmp_path: Path) -> None:
    rows = [row | {"split": ("train", "train", "val", "test")[number // 6]} for number, row in enumerate(patients(tmp_path))]
    table(tmp_path, rows)
    dataset = load(tmp_path)
    assert dataset.given_split is not None and dataset.given_split[12] == "validation"
    leaks = profile(dataset, split(dataset)).leaks
    assert leaks == (), "six rows are three whole patients"
    table(tmp_path, [row | {"split": row["split"] if number else ""} for number, row in enumerate(rows)])
    with pytest.raises(InputError, match="name no part"):
        load(tmp_path)


def test_tables_in_the_train_and_test_folders_are_one_data_set(tmp_path: Path) -> None:
    rows = patients(tmp_path / "train")
    table(tmp_path / "train", rows)
    (tmp_path / "test").mkdir()
    for number in range(8):
        write(tmp_path / "test" / f"{number}.png", tile(60 + number))
    table(tmp_path / "test", [{"file_name": f"{n}.png", "label": ("ill", "well")[n % 2], "patient": f"q{n}"} for n in range(8)])
    dataset = load(tmp_path)
    assert len(dataset) == 32 and "test/3.png" in dataset.sources
    assert (dataset.given_split or ()).count("test") == 8


def test_a_test_folder_whose_table_has_no_labels_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    table(tmp_path / "train", patients(tmp_path / "train"))
    write(tmp_path / "test" / "0.png", tile(60))
    table(tmp_path / "test", [{"file_name": "0.png", "patient": "x"}])
    dataset = load(tmp_path)
    assert len(dataset) == 24 and dataset.notes == ("test/metadata.csv has no column label, the label in train/metadata.csv: left out",)


def test_files_beside_the_table_of_their_part_are_no_classes(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("test", 30)):
        for number in range(12):
            write(tmp_path / part / f"{number}.png", tile(first + number))
        table(tmp_path / part, [{"file_name": f"{number}.png", "label": ("ill", "well")[number % 2]} for number in range(12)])
    dataset = load(tmp_path)
    assert dataset.classes == ("ill", "well") and (dataset.given_split or ()).count("test") == 12


def test_broken_tables_are_refused_in_words(tmp_path: Path) -> None:
    for text, said in (("", "no rows"), ("file_name,label\n", "no rows"), ("file_name,label\na.png,x,y\n", "cells"), ("label,label\na,b\n", "twice")):
        (tmp_path / "metadata.csv").write_text(text)
        with pytest.raises(InputError, match=said):
            load(tmp_path)
    (tmp_path / "metadata.csv").unlink()
    (tmp_path / "metadata.jsonl").write_text("{not json")
    with pytest.raises(InputError, match="JSON"):
        load(tmp_path)
