"""The words by which columns and parts are found: what is meant is taken, what only looks like it is not."""

from __future__ import annotations

import pytest

from headstart.data.listing import pick_columns


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
