"""The list of runs: finished and unfinished ones, the newest first."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.report.example import make_run

from headstart.base.records import to_plain
from headstart.cli.summaries import row, summary_parts
from headstart.evaluation import Verdict
from headstart.report import list_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verdict]:
    folder = tmp_path_factory.mktemp("runs")
    verdict = make_run(folder / "older", weak=True, chosen="plain")
    (folder / "newer").mkdir()
    (folder / "newer" / "plan.toml").write_text("", encoding="utf-8")
    (folder / "no run").mkdir()
    (folder / ".half.partial").mkdir()
    (folder / ".half.partial" / "plan.toml").write_text("", encoding="utf-8")
    os.utime(folder / "older" / "manifest.json", (1_700_000_000, 1_700_000_000))
    return folder, verdict


def test_runs_are_listed_the_newest_first(runs: tuple[Path, Verdict]) -> None:
    found = list_runs(runs[0])
    assert [(run.name, run.finished) for run in found] == [("newer", False), ("older", True)]
    assert found[1].date == "2023-11-14T22:13:20+00:00"


def test_a_summary_says_verdict_model_score_and_seconds(runs: tuple[Path, Verdict]) -> None:
    older = list_runs(runs[0])[1]
    verdict = runs[1]
    assert (older.helped, older.chosen, older.model, older.metric) == (verdict.helped, "plain", "efficientnet_lite0", "accuracy")
    assert (older.value, older.seconds) == (verdict.plain, 83.2)


def test_a_score_that_is_no_accuracy_is_named(runs: tuple[Path, Verdict]) -> None:
    older = list_runs(runs[0])[1]
    plain, other = row(older)[4], row(replace(older, metric="balanced_accuracy"))[4]
    assert other == f"balanced accuracy {plain}" and plain[0].isdigit()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_runs_name_stays_whole_however_narrow_the_screen(width: int, runs: tuple[Path, Verdict]) -> None:
    named = replace(list_runs(runs[0])[1], name="评论gbk-2026-11-27-1", model="e5_small_multilingual")
    console = Console(file=io.StringIO(), width=width)
    console.print(summary_parts(Path("runs"), [named])[0])
    assert named.name in console.file.getvalue()  # type: ignore[attr-defined]


def test_an_unfinished_run_has_no_verdict(runs: tuple[Path, Verdict]) -> None:
    newer = list_runs(runs[0])[0]
    assert (newer.helped, newer.model, newer.value, newer.seconds) == (None, None, None, None)


def test_a_run_folder_itself_is_one_run(runs: tuple[Path, Verdict]) -> None:
    assert [run.name for run in list_runs(runs[0] / "older")] == ["older"]


def test_no_folder_is_no_run(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "absent") == ()


def test_summaries_can_be_written_as_json(runs: tuple[Path, Verdict]) -> None:
    assert json.loads(json.dumps(to_plain(list_runs(runs[0])), allow_nan=False))[1]["name"] == "older"


def test_a_damaged_verdict_does_not_hide_the_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "verdict.json").write_text("{", encoding="utf-8")
    assert [run.helped for run in list_runs(tmp_path)] == [None]


def test_a_run_that_was_begun_says_how_it_goes_on_and_a_finished_one_does_not(tmp_path: Path) -> None:
    for name in ("in the middle", "at the end", "done"):
        make_run(tmp_path / name)
        (tmp_path / name / "asked.json").write_text("{}", encoding="utf-8")
    (tmp_path / "in the middle" / "manifest.json").unlink()
    (tmp_path / "in the middle" / "verdict.json").unlink()
    (tmp_path / "at the end" / "manifest.json").unlink()
    found = {run.name: run.resume for run in list_runs(tmp_path)}
    assert found == {name: f"headstart resume '{tmp_path / name}'" for name in ("in the middle", "at the end")} | {"done": None}
