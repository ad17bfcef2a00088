"""The report: everything of a run on one page that fetches nothing, runs nothing and escapes everything."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.example import make_run
from tests.report.reader import read

from headstart.base.errors import InputError
from headstart.base.files import read_json, write_json
from headstart.evaluation import Predictions, Verdict
from headstart.report import write_report
from headstart.report.curves import curve_figure


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verdict, str]:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    verdict = make_run(folder, decided=False)  # what version 0.1.0 wrote
    return folder, verdict, write_report(folder).read_text(encoding="utf-8")


@pytest.fixture
def copy(good: tuple[Path, Verdict, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(good[0], tmp_path / "copy"))


def test_the_page_is_well_formed(good: tuple[Path, Verdict, str]) -> None:
    reader = read(good[2])
    assert reader.wrongly_closed == []
    assert reader.open == []
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_page_fetches_nothing_and_runs_nothing(good: tuple[Path, Verdict, str]) -> None:
    reader = read(good[2])
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(reader.tags)
    addresses = [value for name, value in reader.attributes if name in ("src", "href", "xlink:href", "srcset", "action")]
    assert addresses
    assert all(value.startswith(("data:image/", "#")) for value in addresses)
    assert not re.search(r"https?://|//www|@import|url\((?!#)", good[2])
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "default-src 'none'" in good[2]


def test_names_from_the_data_are_escaped_in_text_attributes_and_plots(good: tuple[Path, Verdict, str]) -> None:
    page = good[2]
    assert "<script" not in page.lower()
    assert page.count("&lt;script&gt;") >= 5
    assert "nine &amp; co" in page


def test_names_are_escaped_in_the_map_of_many_classes_too(copy: Path) -> None:
    n_classes, n = 14, 60
    truth = np.arange(n) % n_classes
    classes = tuple(f"<img src=x onerror=alert({label})> $x_{label}$ 花" for label in range(n_classes))
    Predictions(tuple(map(str, range(n))), truth, np.eye(n_classes)[truth], classes, np.arange(n)).to_parquet(copy / "predictions" / "transfer.parquet")
    page = write_report(copy).read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "花" in page
    assert read(page).wrongly_closed == []


def test_the_verdict_is_the_first_thing_people_read(good: tuple[Path, Verdict, str]) -> None:
    _, verdict, page = good
    heading = page.index("<h1")
    assert heading < min(page.index("<h2"), page.index("<table"), page.index("<svg"))
    opening, rest = verdict.sentence().split(": ", 1)
    assert f"{opening} {rest}" in read(page).text
    assert 'class="hero yes"' in page
    assert "✓" in page


def test_every_part_of_the_run_is_on_the_page(good: tuple[Path, Verdict, str]) -> None:
    text = read(good[2]).text
    parts = (
        "What this means",
        "How much transfer gained",
        "Validation accuracy",
        "Most often confused",
        "The worst mistakes",
        "found (recall)",
        "Expected calibration error",
        "best on validation",
        "a tenth of the head's",
        "openvino-bfloat16 used cosine 0.99983, off by ≤ 0.031",
        "computed anew 750 answers",
        "61.4 MB",
        "Apache-2.0",
        "stratified by class",
        "a processor with AVX-512",
        "broken.png: truncated",
        "ImageNet-1k, 1,281,167 natural images",
        "EfficientNet-Lite0 chosen blocks.5 94.0 %",
        "torch 2.13.0",
        "was still improving",
    )
    assert [part for part in parts if part not in text] == []
    assert "not recorded" not in text
    assert "The dashed one began with random weights" in text  # it had other seconds
    assert good[2].count("<svg") == 5
    assert good[2].count("data:image/jpeg") == 12


@pytest.mark.parametrize(
    ("options", "mood", "said"),
    [
        ({"weak": True, "chosen": "plain"}, "no", "The plain model did best on validation, so that is the model in this folder."),
        ({"twins": False}, "cannot-tell", "No twin was trained from scratch"),
        ({"chosen": "scratch"}, "yes", "EfficientNet-Lite0, trained from scratch"),
    ],
)
def test_other_verdicts_read_as_such(tmp_path: Path, options: dict[str, object], mood: str, said: str) -> None:
    verdict = make_run(tmp_path / "run", decided=False, **options)  # type: ignore[arg-type]
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert f'class="hero {mood}"' in page
    assert said in read(page).text
    assert verdict.sentence().split(": ", 1)[1].split(".", 1)[1] in read(page).text


@pytest.mark.parametrize(
    "name",
    [
        *("plan.toml", "events.jsonl", "split.json", "candidates.json", "history.json", "engine.json", "mistakes.json", "model.json"),
        *("about.json", "verdict.json", "manifest.json", "predictions/transfer.parquet", "mistakes/000.jpg"),
    ],
)
def test_a_missing_file_is_said_and_no_crash(copy: Path, name: str) -> None:
    (copy / name).unlink()
    text = read(write_report(copy).read_text(encoding="utf-8")).text
    assert "Transfer helped" in text or "No verdict yet" in text
    assert any(words in text for words in ("not recorded", "nothing to show")) or name in ("events.jsonl", "manifest.json", "mistakes.json", "split.json")


@pytest.mark.parametrize("content", ["", "{", "null", "\x00\x01", "[[1]]"])
def test_damaged_files_are_named_and_no_crash(copy: Path, content: str) -> None:
    damaged = [path for path in copy.iterdir() if path.suffix == ".json" and path.name != "manifest.json"]  # the page is not made from the manifest
    damaged += (copy / "predictions").iterdir()
    for path in damaged:
        path.write_text(content, encoding="utf-8")
    text = read(write_report(copy).read_text(encoding="utf-8")).text
    assert [path.name for path in damaged if f"{path.relative_to(copy)}:" not in text] == []


ODD = [None, True, -3, 1.5, "text", [], [1, "a"], {}, {"a": {"b": None}}]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_odd_values_in_any_file_are_no_crash(good: tuple[Path, Verdict, str], copy: Path, data: st.DataObject) -> None:
    for name in ("candidates", "mistakes"):
        rows = json.loads((good[0] / f"{name}.json").read_text(encoding="utf-8"))
        changed = [{key: data.draw(st.sampled_from([value, *ODD])) for key, value in row.items() if data.draw(st.booleans())} for row in rows[:3]]
        (copy / f"{name}.json").write_text(json.dumps(changed), encoding="utf-8")
    for name in ("history", "engine", "split", "model", "about"):
        table = json.loads((good[0] / f"{name}.json").read_text(encoding="utf-8"))
        (copy / f"{name}.json").write_text(json.dumps({key: data.draw(st.sampled_from([value, *ODD])) for key, value in table.items()}), encoding="utf-8")
    assert "Transfer helped" in write_report(copy).read_text(encoding="utf-8")


def test_no_heading_of_a_table_lies_inside_the_box_that_scrolls(good: tuple[Path, Verdict, str]) -> None:
    assert "<figcaption>Confusion: row = truth" in good[2] and "<caption" not in good[2]


def test_what_was_left_out_is_counted_and_the_first_few_are_named(copy: Path) -> None:
    split = read_json(copy / "split.json")
    write_json(copy / "split.json", {**split, "faults": [{"source": f"{n}.png", "reason": "empty file"} for n in range(1200)]})
    text = read(write_report(copy).read_text(encoding="utf-8")).text
    assert "left out 1,200" in text and "4.png: empty file" in text and "5.png: empty file" not in text
    assert "and 1,195 more; headstart inspect names them all" in text and "source 0.png" not in text


def test_a_decision_without_unit_and_reason_is_shown(copy: Path) -> None:
    (copy / "plan.toml").write_text('[[decision]]\nname = "depth"\nvalue = 3\n', encoding="utf-8")
    assert "depth 3 not recorded –" in read(write_report(copy).read_text(encoding="utf-8")).text


EPOCHS = [{"epoch": place, "seconds": float(place), "validation_accuracy": 0.5 + place / 20, "validation_loss": 1 / place} for place in (1, 2, 3)]


@pytest.mark.parametrize("epochs", [[], EPOCHS[:1]])
def test_without_a_curve_of_transfer_nothing_is_said_of_learning(copy: Path, epochs: list[dict[str, float]]) -> None:
    (copy / "history.json").write_text(json.dumps({"transfer": epochs, "scratch": EPOCHS, "scratch_still_improving": False}), encoding="utf-8")
    text = read(write_report(copy).read_text(encoding="utf-8")).text
    assert "How they learned" not in text and "random weights" not in text


def test_a_training_that_was_far_shorter_is_still_seen(copy: Path) -> None:
    long = [row | {"seconds": 100 * row["seconds"]} for row in EPOCHS]
    far, near = (str(curve_figure({"transfer": EPOCHS, "scratch": other}, "validation_loss", "Loss")) for other in (long, EPOCHS))
    assert ">100</text>" in far and ">10</text>" in far and ">1.0</text>" in near  # steps of ten times, and of halves of a second


@pytest.mark.parametrize(("scratch", "said"), [(EPOCHS, "Both networks had the same time; the dashed"), (EPOCHS[:2], "The dashed"), ([], "How they learned")])
def test_both_networks_had_the_same_time_only_where_they_had(copy: Path, scratch: list[dict[str, float]], said: str) -> None:
    (copy / "history.json").write_text(json.dumps({"transfer": EPOCHS, "scratch": scratch, "scratch_still_improving": False}), encoding="utf-8")
    text = read(write_report(copy).read_text(encoding="utf-8")).text
    assert said in text and ("same time;" in text) == said.startswith("Both") and ("dashed one" in text) == bool(scratch)


@pytest.mark.parametrize(("epochs", "still", "said"), [(2, False, "too few to say"), (9, False, "had stopped"), (9, True, "it may come closer")])
def test_the_page_says_how_far_the_network_from_scratch_came(copy: Path, epochs: int, still: bool, said: str) -> None:
    verdict = json.loads((copy / "verdict.json").read_text(encoding="utf-8"))
    (copy / "verdict.json").write_text(json.dumps(verdict | {"scratch_epochs": epochs, "scratch_still_improving": still}), encoding="utf-8")
    assert said in read(write_report(copy).read_text(encoding="utf-8")).text


def test_an_unfinished_run_shows_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"kind": "end", "stage": "read", "seconds": 1.25}\n{"kind": "sta', encoding="utf-8")
    text = read(write_report(tmp_path).read_text(encoding="utf-8")).text
    assert "No verdict yet" in text and "Go on with it" not in text
    assert "read 1.2 s" in text
    (tmp_path / "asked.json").write_text("{}", encoding="utf-8")
    assert f"Go on with it: headstart resume {tmp_path}" in read(write_report(tmp_path).read_text(encoding="utf-8")).text


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no run here"):
        write_report(tmp_path)


def test_pictures_outside_the_run_folder_are_not_read(copy: Path) -> None:
    shutil.copy(copy / "mistakes" / "000.jpg", copy.parent / "secret.jpg")
    rows = [{"file": "../secret.jpg", "source": "a", "truth": "b", "predicted": "c", "probability": 0.9}, {"file": "mistakes/../../secret.jpg"}]
    (copy / "mistakes.json").write_text(json.dumps(rows), encoding="utf-8")
    page = write_report(copy).read_text(encoding="utf-8")
    assert "data:image" not in page
    assert page.count("nothing to show") == 2


def test_the_same_files_give_the_same_page(good: tuple[Path, Verdict, str]) -> None:
    assert write_report(good[0]).read_text(encoding="utf-8") == good[2]


def test_figures_follow_the_colours_of_the_page(good: tuple[Path, Verdict, str]) -> None:
    figures = re.findall(r"<svg.*?</svg>", good[2], flags=re.DOTALL)
    assert all("var(--" in figure for figure in figures)
    assert not [figure[:80] for figure in figures if re.search(r"#0[1-8]0[1-8]0[1-8]", figure)]
