"""The page of a run that decided by evidence: every new part is there, none of it is needed, nothing of it can break or deceive the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.example import make_run
from tests.report.reader import read

from headstart.report import list_runs, write_report

Told = Callable[[str], Any]
NEW = ("ranking", "race", "evidence")
HEADINGS = ["Which network", "How much of it", "What to do next"]
HOSTILE = "<img src=x onerror=alert(1)> & \"q\" 'q' $x_1$ 工作 </svg></style>"
ODD = [None, True, -3, 1.5, "text", [], [1, "a"], {}, {"a": {"b": None}}, float("nan"), 10**12, 10**400, float("inf"), [[[]]], [{}]]


@pytest.fixture(scope="module")
def page(whole: Path) -> str:
    return write_report(whole).read_text(encoding="utf-8")


def write(folder: Path) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def test_every_part_is_on_the_page(page: str) -> None:
    text = read(page).text
    parts = (
        *HEADINGS,
        "tied published best",
        "its source is",
        "18.7 MB, 4.7 M weights 12 ms an item",
        "2 left out vgg16 528 MB, more than --max-mb 100",
        "Evidence overruled the rule. With 30 items a class",
        "deeper cuts follow if time is left",
        "9 entrants over 1 network and 3 cuts, up to 5 folds each, in 31 s (28 s were expected).",
        "dropped after fold 1",
        "1 not tried, and why EfficientNet-Lite0 · everything · rate 1e−4 needs 120 s, 30 s were left",
        "softened by a temperature of",
        "it should hand over to a person: thresholds so chosen answered",
        "A short list instead of one answer",
        "Twice the labels would buy about",
        "9 of 300 labels look wrong",
        "2 groups equal (5 items)",
        "1 group with different labels (2 items) look at these",
        "2 test items have a copy among the training items",
        "Frozen at random weights",
        "How it was judged : held-out test.",
        "over frozen random weights",
    )
    assert [part for part in parts if part not in text] == []
    assert "not recorded" not in text


def test_the_page_stays_whole_small_and_quiet(page: str) -> None:
    reader = read(page)
    assert (reader.wrongly_closed, reader.open) == ([], [])
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert not {"script", "link", "iframe", "form"} & set(reader.tags)
    addresses = [value for name, value in reader.attributes if name in ("src", "href")]
    assert all(value.startswith(("data:image/", "#")) for value in addresses)
    figures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(figures) == 9
    assert not [figure[:80] for figure in figures if re.search(r"#0[1-9]0[1-9]0[1-9]", figure)]
    assert len(re.sub(r"data:image/[^\"]*", "", page).encode()) < 1_000_000


def test_the_same_files_give_the_same_page(whole: Path, page: str) -> None:
    assert write(whole) == page


def test_at_most_six_lines_say_what_it_means(page: str) -> None:
    said = re.search(r'<section class="meaning">.*?</section>', page, flags=re.DOTALL)
    assert said is not None
    assert said.group().count("<li>") == 6


@pytest.mark.parametrize("name", NEW)
def test_a_run_without_one_of_the_files_lacks_its_part_only(changed: Callable[..., Path], name: str) -> None:
    page = write(changed(**{name: None}))
    missing = dict(zip(NEW, HEADINGS, strict=True))[name]
    assert [heading for heading in HEADINGS if f"<h2>{heading}</h2>" in page] == [heading for heading in HEADINGS if heading != missing]
    assert "not recorded" not in read(page).text


def test_a_run_without_any_of_them_shows_the_candidates_as_before(changed: Callable[..., Path]) -> None:
    text = read(write(changed(ranking=None, race=None, evidence=None))).text
    assert "What is published, where anything is, names the pick to beat; a cross-validated probe" in text
    assert "EfficientNet-Lite0 chosen blocks.5 94.0 %" in text
    assert "Expected calibration error" in text
    assert "What to do next" not in text


def test_hostile_names_stay_text_everywhere(changed: Callable[..., Path], told: Told) -> None:
    def poisoned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: poisoned(one) for key, one in value.items()}
        if isinstance(value, list):
            return [poisoned(one) for one in value]
        return HOSTILE if isinstance(value, str) else value

    page = write(changed(**{name: poisoned(told(name)) for name in NEW}))
    reader = read(page)
    assert "<img src=x" not in page
    assert "工作" in page
    assert (reader.wrongly_closed, reader.open) == ([], [])
    assert not [name for name, _ in reader.attributes if name.startswith("on")]


def test_forty_classes_are_shown_and_most_of_them_folded_away(changed: Callable[..., Path], told: Told) -> None:
    evidence = told("evidence")
    classes = [{"name": f"第{place}类 a rather long name of a class {place}", "recall": place / 40, "gain": place / 4} for place in range(40)]
    page = write(changed(evidence=evidence | {"learning_curve": evidence["learning_curve"] | {"classes": classes}}))
    assert "The other 32 classes" in page
    assert page.index("第39类") < page.index("The other 32 classes") < page.index("第31类")
    assert len(page.encode()) < 1_000_000


@pytest.mark.parametrize("content", ["", "{", "null", "[[1]]"])
def test_a_damaged_file_is_named_and_the_rest_is_shown(changed: Callable[..., Path], content: str) -> None:
    folder = changed()
    for name in NEW:
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    text = read(write(folder)).text
    assert [name for name in NEW if f"Could not be read: {name}.json" not in text] == []
    assert "Transfer helped" in text


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_odd_values_are_no_crash(changed: Callable[..., Path], told: Told, data: st.DataObject) -> None:
    def odd(value: Any, depth: int) -> Any:
        if depth and data.draw(st.integers(0, 7)) == 0:
            return data.draw(st.sampled_from(ODD))
        if isinstance(value, dict):
            return {key: odd(one, depth + 1) for key, one in value.items()}
        return [odd(one, depth + 1) for one in value[:3]] if isinstance(value, list) else value

    folder = changed(**{name: odd(told(name), 0) for name in NEW})
    assert "Transfer helped" in write(folder)


def test_a_missing_or_foreign_picture_of_a_label_is_not_shown(changed: Callable[..., Path], told: Told) -> None:
    evidence = told("evidence")
    evidence["label_errors"]["rows"][0]["file"] = "../secret.jpg"
    folder = changed(evidence=evidence)
    (folder / "label_errors" / "0.jpg").rename(folder.parent / "secret.jpg")
    page = write(folder)
    assert page.count("nothing to show") == 1
    assert page.count("data:image/jpeg") == 12 + 8


@pytest.mark.parametrize("name", ["x" * 5000 + ".jpg", "a\0b.jpg", 10**30])
def test_a_name_that_no_file_can_have_is_no_picture(changed: Callable[..., Path], told: Told, name: object) -> None:
    evidence = told("evidence")
    evidence["label_errors"]["rows"][0]["file"] = name
    assert write(changed(evidence=evidence)).count("nothing to show") == 1


def test_nested_cross_validation_is_said_with_what_each_round_chose(changed: Callable[..., Path], told: Told) -> None:
    choices = [{"round": place, "model": f"network {place}", "cut": "head", "chosen": "transfer"} for place in (1, 2, 3)]
    how = {"how": "nested cross-validation", "rounds": 3, "why": "60 test items would be too few.", "choices": choices}
    text = read(write(changed(evidence=told("evidence") | {"evaluation": how}))).text
    assert "in 3 rounds every item was answered once, by models that had not seen it" in text
    assert "tested once, on the same held-out items" not in text
    assert "60 test items would be too few." in text
    assert "2 network 2 new head only Transfer" in text and "best on validation" in text
    fewer = told("split")
    fewer["counts"]["test"] = [20] * 10
    unsaid = [{key: value for key, value in row.items() if key != "chosen"} for row in choices]  # as older runs have it
    text = read(write(changed(split=fewer, evidence=told("evidence") | {"evaluation": how | {"choices": unsaid}}))).text
    assert "class items tested in a round zero 30 20 one 30 20" in text
    assert "in 3 rounds 200 of 300 items were answered once, by models that had not seen them" in text
    assert "What each round chose round network retrained 1 network 1" in text


def test_the_list_of_runs_survives_the_new_fields(whole: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "old", decided=False)
    found = [*list_runs(whole), *list_runs(tmp_path / "old")]
    assert [run.helped for run in found] == ["yes", "yes"]
    assert json.loads((whole / "verdict.json").read_text(encoding="utf-8"))["gain_over_random"]["low"] > 0
