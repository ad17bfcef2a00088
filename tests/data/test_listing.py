"""The words by which columns and parts are found: what is meant is taken, what only looks like it is not."""

from __future__ import annotations

import pytest

from headstart.base.errors import InputError
from headstart.data.listing import part_in, parts_from, pick_columns


@pytest.mark.parametrize("column", ["speaker_id", "speaker id", "SpeakerID", "client_id", "spk", "说话人", "说话者", "说话人ID", "PatientID", "患者编号"])
def test_a_column_of_speakers_or_patients_is_the_group_however_it_is_spelt(column: str) -> None:
    assert pick_columns(["text", "label", column], "text", None, None, "x.csv")[1] == column


@pytest.mark.parametrize("column", ["source_speaker", "anon_patient_id", "study participant", "test_subject_id"])
def test_a_column_is_the_group_by_its_last_word(column: str) -> None:
    assert pick_columns(["text", "label", column], "text", None, None, "x.csv")[1] == column


@pytest.mark.parametrize(
    "column",
    [
        "native_speaker",
        "is_patient",
        "num_speaker",
        "email_subject",
        "age_group",
        "age_group_id",
        "first_person",
        "web_site",
        "crime_scene",
        "video clip",
        "是否患者",
    ],
)
def test_false_friends_of_a_group_are_no_group(column: str) -> None:
    assert pick_columns(["text", "label", column], "text", None, None, "x.csv")[1] is None


def test_a_group_by_its_own_name_goes_before_one_by_its_last_word() -> None:
    assert pick_columns(["text", "label", "target_speaker", "session"], "text", None, None, "x.csv")[1] == "session"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("训练", "train"),
        ("酒店评论_验证", "validation"),
        ("酒店评论训练集2", "train"),
        ("测试集-00000-of-00002", "test"),
        ("data/train_set.parquet", "train"),
        ("testset", "test"),
        ("心理测试_train", "train"),
        ("火车test", "test"),
        ("心理测试", None),
        ("naïveval", None),
        ("contest", None),
        ("dataset", None),
        ("开发商", None),
    ],
)
def test_file_names_speak_of_parts_by_whole_words_in_any_script(name: str, part: str | None) -> None:
    assert part_in(name) == part


@pytest.mark.parametrize("column", ["划分", "数据划分", "split"])
def test_a_column_of_parts_is_found_and_its_words_are_understood(column: str) -> None:
    assert pick_columns(["评论", "情感", column], "评论", None, None, "x.csv")[2] == column
    assert parts_from(["训练集", "测试", "验证集"], column, "x.csv") == ("train", "test", "validation")
    with pytest.raises(InputError, match="name no part"):
        parts_from(["甲", "乙"], column, "x.csv")
