"""The river by its verbs: fit, then predict, evaluate, report and list from the run folder alone, each with --json."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sklearn.datasets import load_digits
from tests.cli.conftest import Typed, typed_in

pytestmark = pytest.mark.river
A_CLASS = 16
CLASSES = ("零", "一", "四")
VERDICT = {"task", "modality", "model", "cut", "metric", "test", "scratch", "plain", "gain_over_scratch", "gain_over_plain", "helped", "chosen", "seconds"}
VERDICT |= {"cache", "n", "licence", "seed"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Handwritten zeros, ones and fours as class folders with Chinese names."""
    root = tmp_path_factory.mktemp("digits") / "数字"
    loaded = load_digits()
    for digit, name in ((0, "零"), (1, "一"), (4, "四")):
        (root / name).mkdir(parents=True)
        for number, picture in enumerate(loaded.images[loaded.target == digit][:A_CLASS]):
            Image.fromarray((picture * 15.9).astype("uint8")).resize((64, 64)).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, gallery_home: Path) -> Typed:
    """Type words with the gallery that the tests share."""
    return typed_in(tmp_path_factory.mktemp("here"), gallery_home)


@pytest.fixture(scope="module")
def fitted(here: Typed, digits: Path) -> tuple[Path, dict[str, Any]]:
    """A run folder and the verdict that fit printed."""
    out = digits.parent / "run"
    told = here("fit", digits, "--out", out, "--model", "efficientnet_lite0", "--cut", "head", "--effort", "quick", "--no-twins", "--json")
    assert told.returncode == 0, told.stderr
    return out, json.loads(told.stdout)


def test_fit_prints_the_verdict_and_where_the_report_lies(fitted: tuple[Path, dict[str, Any]]) -> None:
    verdict = fitted[1]
    assert verdict.keys() >= VERDICT and verdict["helped"] == "cannot tell"
    assert Path(verdict["report"]).is_file() and Path(verdict["run"]) == fitted[0]


def test_predict_labels_folders_and_names_what_it_could_not_read(here: Typed, digits: Path, fitted: tuple[Path, dict[str, Any]]) -> None:
    broken = digits.parent / "broken.png"
    broken.write_bytes(b"\x89PNG")
    told = here("predict", fitted[0], digits, broken, "--json")
    predicted = json.loads(told.stdout)["predictions"]
    assert told.returncode == 0 and "not read: " in told.stderr
    assert len(predicted) == 3 * A_CLASS + 1 and {one["label"] for one in predicted if one["fault"] is None} <= set(CLASSES)
    assert here("predict", fitted[0], broken).returncode == 2


def test_predict_writes_csv_with_a_column_for_each_class(here: Typed, digits: Path, fitted: tuple[Path, dict[str, Any]]) -> None:
    rows = list(csv.DictReader(io.StringIO(here("predict", fitted[0], digits / "零" / "00.png", "--csv").stdout)))
    assert len(rows) == 1 and abs(sum(float(rows[0][name]) for name in CLASSES) - 1) < 1e-4


def test_evaluate_measures_with_intervals(here: Typed, digits: Path, fitted: tuple[Path, dict[str, Any]]) -> None:
    told = here("evaluate", fitted[0], digits)
    assert told.returncode == 0 and "accuracy" in told.stdout and "95 %" in told.stdout


def test_report_and_list_read_the_run_folder_alone(here: Typed, fitted: tuple[Path, dict[str, Any]]) -> None:
    run = fitted[0]
    assert Path(json.loads(here("report", run, "--json").stdout)["report"]).is_file()
    listed = json.loads(here("runs", "list", run.parent, "--json").stdout)["runs"]
    assert [(one["name"], one["finished"]) for one in listed] == [("run", True)]
    assert "cannot tell" in here("runs", "list", run.parent).stdout


def test_a_finished_run_is_not_written_over(here: Typed, digits: Path, fitted: tuple[Path, dict[str, Any]]) -> None:
    told = here("fit", digits, "--out", fitted[0])
    assert told.returncode == 2 and "nothing is written over" in told.stderr


def test_inspect_and_plan_train_nothing(here: Typed, digits: Path) -> None:
    told = here("inspect", digits)
    assert told.returncode == 0 and "零" in told.stdout and "Traceback" not in told.stderr
    planned = json.loads(here("plan", digits, "--model", "efficientnet_lite0", "--json").stdout)
    assert all({"name", "value", "why", "source"} <= decision.keys() for decision in planned["decisions"])
    views = next(int(one["value"]) for one in planned["decisions"] if one["name"] == "views")
    n_items = sum(path.is_file() for path in digits.rglob("*"))
    assert planned["bytes"] >= (1 + views + 1) * n_items * 1280 * 2  # features of 2 bytes: as they are, varied, and of the same network at random weights
    shown = here("plan", digits, "--model", "efficientnet_lite0")
    assert shown.returncode == 0 and "nothing has been trained" in shown.stdout
    slow = here("plan", digits, "--model", "efficientnet_lite0", "--max-ms", "0.001")
    assert slow.returncode == 2 and "no subscribed model keeps within the limits" in slow.stderr and "--max-ms" in slow.stderr
    assert not (digits.parent / "runs").exists()
