"""After subscribing no verb opens a socket: inspect, rank, predict, evaluate and report in a process whose every socket is noted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from headstart.modality import get
from headstart.task.linear import fit_path, standardise
from headstart.training.run import RunWriter

VERBS = """
import sys
heard = []
sys.addaudithook(lambda event, _: heard.append(event) if event.startswith(("socket.", "urllib.", "http.")) and event != "socket.__new__" else None)
import headstart
data, run = sys.argv[1:]
headstart.inspect(data)
headstart.rank(data)
headstart.predict(run, [data + "/one/00.png"])
headstart.evaluate(run, data)
headstart.report(run)
print("sockets:", heard)
"""
A_CLASS = 12


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Handwritten ones and zeros."""
    loaded = load_digits()
    for digit, name in ((1, "one"), (0, "zero")):
        (tmp_path / "digits" / name).mkdir(parents=True)
        for number, picture in enumerate(loaded.images[loaded.target == digit][:A_CLASS]):
            Image.fromarray((picture * 15.9).astype("uint8")).resize((48, 48)).save(tmp_path / "digits" / name / f"{number:02d}.png")
    return tmp_path / "digits"


@pytest.mark.slow
def test_no_verb_opens_a_socket_after_subscribing(digits: Path, fresh_home: Path, root: Path, tmp_path: Path) -> None:
    files = sorted(digits.rglob("*.png"))
    features = np.stack([get("image").plain_features(path.read_bytes()) for path in files])
    head = fit_path(standardise(features), np.array([path.parent.name == "zero" for path in files], dtype=np.int64), 2, (10.0,))[-1]
    run = RunWriter(tmp_path / "run")
    run.tensors("plain.safetensors", {"head.weight": head.weight, "head.bias": head.bias})
    run.json("model.json", {"chosen": "plain", "classes": ["one", "zero"], "modality": "image"})
    run.finish()
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "HEADSTART_HOME": str(fresh_home)}
    done = subprocess.run([sys.executable, "-c", VERBS, str(digits), str(run.folder)], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1].removeprefix("sockets: ").replace("'", '"')) == []
