"""``--memory`` holds: measured by the kernel, in processes of their own; and where memory runs out, nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headstart
from benchmarks import kill_data, kills
from headstart.activations.shard import open_shard
from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.base.files import read_json
from headstart.base.journal import JOURNAL
from headstart.base.processor import has_bfloat16
from headstart.base.resident import resident_bytes
from headstart.planning.memory import ADVISED_BYTES, LEAST_BYTES
from headstart.planning.plan import load_plan
from headstart.study.asked import recorded
from headstart.training.run import ASKED, check_run

pytestmark = [pytest.mark.river, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell what a process holds")]
SOURCE = Path(headstart.__file__).parents[1]
LIMIT_BYTES = 10**9 if has_bfloat16() else 1_150_000_000  # what is computed in float32 takes twice the room
LIMIT = f"{LIMIT_BYTES // 10**6}MB"
# The command line as a person calls it, then what the kernel says that it held at the most.
HELD = """
import sys
from headstart.cli.app import run
code = run(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("VmHWM", int(peak.split()[1]) * 1024, file=sys.stderr)
sys.exit(code)
"""
# A fit in which no more memory is to be had as soon as a stage begins: the address space may grow by a few megabytes and no more.
SHORT = """
import resource, sys
import headstart
from headstart.cli.leave import guarded

def sink(event):
    if event.kind == "start" and event.stage.startswith(sys.argv[3]):
        size = next(line for line in open("/proc/self/status") if line.startswith("VmSize"))
        resource.setrlimit(resource.RLIMIT_AS, (int(size.split()[1]) * 1024 + (4 << 20), resource.RLIM_INFINITY))

options = {"accept": ["small"], "effort": "quick", "precision": "float32", "cut": "last2", "twins": False, "learning_rate": 1e-3}
sys.exit(guarded(lambda: headstart.fit(sys.argv[1], out=sys.argv[2], sink=sink, **options), as_json=True))
"""


def child(script: str, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "HEADSTART_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", script, *words], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kill_data.digits(tmp_path_factory.mktemp("pictures"), 24, divided=True)


@pytest.fixture
def one_model(tmp_path: Path, gallery_home: Path) -> Path:
    """Empty stores, and one network whose training takes gigabytes."""
    (tmp_path / "home" / "gallery").mkdir(parents=True)
    (tmp_path / "home" / "gallery" / "efficientnet_lite0").symlink_to(gallery_home / "gallery" / "efficientnet_lite0")
    return tmp_path / "home"


def fitted(pictures: Path, home: Path, run: Path, *words: str) -> tuple[dict[str, Any], int]:
    done = child(HELD, "fit", str(pictures), "--out", str(run), "--effort", "quick", "--json", *words, home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), int(done.stderr.split("VmHWM")[1])


@pytest.mark.slow
def test_a_fit_holds_no_more_than_it_may_where_it_would_take_clearly_more(pictures: Path, one_model: Path, tmp_path: Path) -> None:
    told, held = fitted(pictures, one_model, tmp_path / "limited", "--memory", LIMIT)
    assert held <= LIMIT_BYTES
    assert told["scratch"] is not None and told["test"]["n"] == 24
    assert load_plan(tmp_path / "limited" / "plan.toml")["memory"] == LIMIT_BYTES // 10**6
    _, held = fitted(pictures, one_model, tmp_path / "free")
    assert held > 1.2 * LIMIT_BYTES, "or this test shows nothing"


def test_what_does_not_fit_is_left_out_and_named_with_what_would_do(pictures: Path, one_model: Path, gallery_home: Path, subscribed: Any) -> None:
    subscribed("vgg16_edges")
    (one_model / "gallery" / "vgg16_edges").symlink_to(gallery_home / "gallery" / "vgg16_edges")
    done = child(HELD, "plan", str(pictures), "--memory", LIMIT, "--json", home=one_model)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (left,) = told["left_out"]
    assert left["model"] == "vgg16_edges" and left["why"].startswith("--memory: ") and ("MB would do" in left["why"] or "MB at least" in left["why"])
    assert [one["model"] for one in told["models"]] == ["efficientnet_lite0"] and told["memory_bytes"] == LIMIT_BYTES
    everything = next(one for one in told["cuts"] if one["cut"] == "all")
    assert not everything["enters"] and "training 4 items at once takes about" in everything["why"]
    assert int(done.stderr.split("VmHWM")[1]) <= LIMIT_BYTES


@pytest.mark.parametrize("memory", ["300MB", "799MB", 500_000_000])
def test_a_limit_below_what_the_libraries_need_is_refused_at_once_with_the_least_that_works(memory: str | int, tmp_path: Path) -> None:
    for verb, options in ((headstart.fit, {"out": tmp_path / "run"}), (headstart.plan, {})):
        with pytest.raises(InputError, match="so little memory does not hold a fit") as refusal:
            verb(tmp_path / "no data", memory=memory, **options)  # type: ignore[operator]
        assert refusal.value.fix == f"--memory {ADVISED_BYTES // 10**6}MB, or leave it out" and "the libraries alone take" in str(refusal.value)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def small_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that knows the small card; trainings are kept after every step."""
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    kill_data.make_small(prepared)
    (tmp_path / "small home").mkdir()
    (prepared / "cards").rename(tmp_path / "small home" / "cards")
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "small home"))
    monkeypatch.setenv("HEADSTART_CHECKPOINT_SECONDS", "0")
    return tmp_path / "small home"


@pytest.mark.parametrize("begins", ["activations", "tune"])
def test_where_memory_runs_out_nothing_is_lost_and_the_run_goes_on_afterwards(begins: str, pictures: Path, small_home: Path, tmp_path: Path) -> None:
    done = child(SHORT, str(pictures), str(tmp_path / "run"), begins, home=small_home)
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["message"].startswith("the memory of this machine, or what this process may have of it, is used up")
    assert error["fix"] == f"headstart resume {tmp_path / 'run'}" and "Traceback" not in done.stderr
    for shard in (small_home / "activations").rglob("*.safetensors"):
        opened = open_shard(shard)
        assert opened.damaged(range(len(opened.items))) == []
    assert not list(small_home.rglob("*.partial"))
    finished = headstart.resume(tmp_path / "run")
    check_run(finished.folder, *read_json(finished.folder / "manifest.json")["files"])
    options: dict[str, Any] = {"effort": "quick", "precision": "float32", "cut": "last2", "twins": False, "learning_rate": 1e-3}
    unbroken = headstart.fit(pictures, out=tmp_path / "unbroken", **options)
    assert [name for name in kills.differences(finished.folder, unbroken.folder) if name.startswith(("model", "predictions"))] == []


def test_a_resumed_run_keeps_its_limit_and_what_it_decided_by_it_to_the_last_bit(
    pictures: Path, small_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(range(4))

    def stopping(event: Event) -> None:
        if event.kind == "progress" and event.stage.startswith("tune") and next(left, None) is None:
            raise KeyboardInterrupt

    limit = max(LEAST_BYTES, resident_bytes() + 300 * 10**6)
    options: dict[str, Any] = {"effort": "quick", "precision": "float32", "cut": "last2", "twins": False, "learning_rate": 1e-3, "memory": limit}
    with pytest.raises(KeyboardInterrupt):
        headstart.fit(pictures, out=tmp_path / "run", accept=[kill_data.SMALL], sink=stopping, **options)
    assert recorded(tmp_path / "run").wishes.memory_bytes == limit
    assert "items at once of small from block" in (tmp_path / "run" / JOURNAL).read_text(encoding="utf-8")
    done = headstart.resume(tmp_path / "run")
    (tmp_path / "unbroken").mkdir()
    for name in (ASKED, JOURNAL):
        shutil.copy(tmp_path / "run" / name, tmp_path / "unbroken" / name)
    ballast = bytearray(100 * 10**6)  # another state of memory decides nothing: what was decided is recalled
    ballast[::4096] = b"x" * len(ballast[::4096])
    shutil.copytree(small_home / "cards", tmp_path / "other home" / "cards")
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "other home"))
    assert kills.differences(done.folder, headstart.resume(tmp_path / "unbroken").folder) == []
