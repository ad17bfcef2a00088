"""The river whole, offline: fit with its twins while every socket fails, then what the run folder says and does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import headstart
from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.evaluation.predictions import Predictions
from headstart.planning.plan import load_plan
from headstart.study.fit import Run
from headstart.training.run import check_run

pytestmark = pytest.mark.river
A_CLASS = 14
MEASURED = ("test", "scratch", "plain", "majority")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, gallery_home: Path) -> Iterator[Path]:
    """The shared gallery, empty stores, and no network."""

    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise AssertionError(f"tried to reach the network: {arguments}")

    folder = tmp_path_factory.mktemp("home")
    (folder / "gallery").mkdir()
    (folder / "gallery" / "efficientnet_lite0").symlink_to(gallery_home / "gallery" / "efficientnet_lite0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder))
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, loaded = tmp_path_factory.mktemp("digits"), load_digits()
    for digit in (0, 1, 4):
        (root / f"digit {digit}").mkdir()
        for number, picture in enumerate(loaded.images[loaded.target == digit][:A_CLASS]):
            Image.fromarray((picture * 15.9).astype("uint8")).resize((64, 64)).save(root / f"digit {digit}" / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def run(home: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory, events: list[Event]) -> Run:
    return headstart.fit(digits, out=tmp_path_factory.mktemp("runs") / "first", effort="quick", sink=events.append)


def test_the_verdict_has_every_field_that_was_promised(run: Run) -> None:
    verdict = json.loads((run.folder / "verdict.json").read_text(encoding="utf-8"))
    assert all({"value", "low", "high", "n"} <= verdict[name].keys() for name in MEASURED)
    assert all({"points", "low", "high"} <= verdict[f"gain_over_{name}"].keys() for name in ("scratch", "plain"))
    assert {"block", "trainable_share"} <= verdict["cut"].keys()
    assert verdict["helped"] in {"yes", "no", "cannot tell"} and verdict["chosen"] in {"transfer", "scratch", "plain"}
    assert verdict["cache"] == {"hits": 0, "misses": 4 * 3 * A_CLASS, "bytes": verdict["cache"]["bytes"]} and verdict["cache"]["bytes"] > 0
    assert sum(verdict["n"].values()) == 3 * A_CLASS
    assert verdict["licence"] == "Apache-2.0" and verdict["scratch_epochs"] >= 1
    assert verdict["sentence"] == run.verdict.sentence()


def test_every_decision_of_the_plan_says_why(run: Run) -> None:
    plan = load_plan(run.folder / "plan.toml")
    assert all(decision.why for decision in plan.decisions)
    assert plan["model"] == "efficientnet_lite0"
    assert {decision.source for decision in plan.decisions} >= {"rule", "measured"}
    assert {"scratch_seconds", "cut", "learning_rate", "metric"} <= {decision.name for decision in plan.decisions}


def test_all_arms_are_judged_on_the_same_test_items(run: Run) -> None:
    found = [Predictions.from_parquet(run.folder / "predictions" / f"{arm}.parquet") for arm in ("transfer", "scratch", "plain", "majority")]
    assert len({one.items for one in found}) == 1
    split = json.loads((run.folder / "split.json").read_text(encoding="utf-8"))["content"]
    assert len(found[0]) == len(split["test"])
    assert not set(split["test"]) & (set(split["train"]) | set(split["validation"]))


def test_the_run_is_whole_its_report_needs_no_network_and_events_tell_the_way(run: Run, events: list[Event]) -> None:
    check_run(run.folder, "model.safetensors", "verdict.json", "report.html")
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert run.verdict.sentence().split(":")[0] in page and "http://" not in page.replace("http://www.w3.org", "")
    ended = [event.stage for event in events if event.kind == "end"]
    assert ended.index("activations") < ended.index("describe") < ended.index("scratch at full size")


@pytest.mark.parametrize("arm", ["transfer", "scratch", "plain"])
def test_predict_answers_what_the_chosen_arm_answered_on_test(run: Run, digits: Path, arm: str, tmp_path: Path) -> None:
    """The run is copied with another arm chosen, for what validation chose is only one of three."""
    import shutil

    from headstart.training.run import RunWriter

    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    about = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    if arm == "scratch" and about["chosen"] != "scratch":
        pytest.skip("the twin's weights are kept only where the twin is chosen")
    (copy / "manifest.json").unlink()
    writer = RunWriter(copy)
    writer.json("model.json", {**about, "chosen": arm})
    writer.finish()
    known = Predictions.from_parquet(copy / "predictions" / f"{arm}.parquet")
    found = headstart.predict(copy, [digits / item for item in known.items])
    answers = np.array([[one.probabilities[name] for name in known.classes] for one in found])
    assert np.abs(answers - known.probabilities).max() < 0.15  # the frozen part and the rest ran in one piece here, in two there, in bfloat16
    assert np.mean(answers.argmax(1) == known.predicted) > 0.9


def test_another_seed_computes_nothing_and_a_pinned_cut_says_so(run: Run, digits: Path, tmp_path: Path) -> None:
    again = headstart.fit(digits, out=tmp_path / "again", seed=1, cut="head", twins=False, model="efficientnet_lite0", learning_rate=5e-4)
    assert (again.verdict.cache.misses, again.verdict.cache.hits) == (0, 2 * 3 * A_CLASS)
    assert again.verdict.helped == "cannot tell" and again.verdict.cut.n_blocks == 0
    plan = load_plan(again.folder / "plan.toml")
    assert {plan.decision(name).source for name in ("model", "cut", "learning_rate", "seed", "twins")} == {"pinned"}


def test_the_same_seed_gives_the_same_bits(run: Run, digits: Path, tmp_path: Path) -> None:
    pair = [headstart.fit(digits, out=tmp_path / name, cut="last", twins=False).folder for name in ("one", "two")]
    assert (pair[0] / "model.safetensors").read_bytes() == (pair[1] / "model.safetensors").read_bytes()
    assert (pair[0] / "predictions" / "transfer.parquet").read_bytes() == (pair[1] / "predictions" / "transfer.parquet").read_bytes()


def test_a_cut_or_a_model_that_does_not_exist_is_refused(run: Run, digits: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be cut there"):
        headstart.fit(digits, out=tmp_path / "x", cut="lst2")
    with pytest.raises(InputError, match="did you mean: efficientnet_lite"):
        headstart.fit(digits, out=tmp_path / "y", model="efficientnet_lite")
    assert not list(tmp_path.iterdir())  # nothing was computed, so nothing is left behind
