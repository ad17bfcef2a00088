"""The river by its verbs: fit, then predict, evaluate, report and list from the run folder alone, each with --json."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sklearn.datasets import load_digits
from tests.cli.conftest import Typed

pytestmark = pytest.mark.river
A_CLASS = 16
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


@pytest.fixture
def fitted(typed: Typed, digits: Path, gallery_home: Path, tmp_path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A run folder and the verdict that fit printed."""
    out = tmp_path / "run"
    words = ["fit", digits, "--out", out, "--model", "efficientnet_lite0", "--cut", "head", "--effort", "quick", "--no-twins", "--json"]
    told = typed(*words, HEADSTART_HOME=str(gallery_home))
    assert told.returncode == 0, told.stderr
    yield out, json.loads(told.stdout)


def test_the_river_by_its_verbs(typed: Typed, digits: Path, gallery_home: Path, fitted: tuple[Path, dict[str, Any]]) -> None:
    run, verdict = fitted
    home = {"HEADSTART_HOME": str(gallery_home)}
    assert verdict.keys() >= VERDICT and verdict["helped"] == "cannot tell" and Path(verdict["report"]).is_file()

    predicted = json.loads(typed("predict", run, digits, "--json", **home).stdout)["predictions"]
    assert len(predicted) == 3 * A_CLASS and {one["label"] for one in predicted} <= {"零", "一", "四"}
    rows = list(csv.DictReader(io.StringIO(typed("predict", run, digits / "零" / "00.png", "--csv", **home).stdout)))
    assert len(rows) == 1 and abs(sum(float(rows[0][name]) for name in ("零", "一", "四")) - 1) < 1e-4

    broken = digits.parent / "broken.png"
    broken.write_bytes(b"\x89PNG")
    told = typed("predict", run, digits / "零" / "00.png", broken, **home)
    assert told.returncode == 0 and "not read: " in told.stderr
    assert typed("predict", run, broken, **home).returncode == 2

    measured = typed("evaluate", run, digits, **home)
    assert measured.returncode == 0 and "accuracy" in measured.stdout
    assert json.loads(typed("evaluate", run, digits, "--json", **home).stdout)
    assert Path(json.loads(typed("report", run, "--json", **home).stdout)["report"]).is_file()
    listed = json.loads(typed("runs", "list", run.parent, "--json", **home).stdout)["runs"]
    assert [one["finished"] for one in listed] == [True]
    assert "cannot tell" in typed("runs", "list", run.parent, **home).stdout


def test_a_finished_run_is_not_written_over(typed: Typed, digits: Path, gallery_home: Path, fitted: tuple[Path, dict[str, Any]]) -> None:
    told = typed("fit", digits, "--out", fitted[0], HEADSTART_HOME=str(gallery_home))
    assert told.returncode == 2 and "nothing is written over" in told.stderr


def test_inspect_and_plan_train_nothing(typed: Typed, digits: Path, gallery_home: Path, tmp_path: Path) -> None:
    home = {"HEADSTART_HOME": str(gallery_home)}
    told = typed("inspect", digits, **home)
    assert told.returncode == 0 and "零" in told.stdout and "Traceback" not in told.stderr
    assert json.loads(typed("inspect", digits, "--json", **home).stdout)
    planned = json.loads(typed("plan", digits, "--model", "efficientnet_lite0", "--json", **home).stdout)
    assert all({"name", "value", "why", "source"} <= decision.keys() for decision in planned["decisions"])
    assert typed("plan", digits, "--model", "efficientnet_lite0", **home).returncode == 0
    assert not (tmp_path / "runs").exists()
