"""How much slower is a first ``fit`` than the least anybody must do, and how much quicker is the next one?

    python -m benchmarks.first_fit [--n 2600] [--repeats 3]

Bare loop: decode and prepare every picture once, push it once through EfficientNet-Lite0 with the fastest engine, batches of 32, nothing else; the
engine is converted and compiled inside its time, as it is inside ours. First: ``fit --cut head --no-twins`` from an empty store. Second: another seed on
the same pictures. Third: the same pictures and 1 % new ones. Processes of their own, interleaved; ``seconds`` after the imports, ``process`` with them.
Goals: first / bare <= 1.5, second / first <= 0.15, misses of the third = the new pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.data import fashion, mnist, solar
from headstart.base.folders import home

BARE = """
import numpy as np, torch
from headstart import gallery
from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import engine_named
from headstart.modality import get
from headstart.modality.image import ImageRecipe as Recipe
card = gallery.card("efficientnet_lite0")
recipe = Recipe(card.input.size, card.input.crop_fraction, card.input.interpolation)
files = sorted(path for path in Path(sys.argv[1]).rglob("*.png"))
backbone = Backbone(build(card, gallery.weights(card.name)), torch.zeros((1, 3, recipe.size, recipe.size), dtype=torch.uint8))
run, features = None, []
for begin in range(0, len(files), 32):
    batch = np.stack([get("image").prepare(path.read_bytes(), recipe) for path in files[begin:begin + 32]])
    if len(batch) < 32:
        batch = np.concatenate([batch, np.repeat(batch[-1:], 32 - len(batch), axis=0)])
    run = run or engine_named(sys.argv[2]).load(backbone.part(0, backbone.depth), (batch,), backbone.chain[-1])
    features.append(run((batch,))[0])
"""


IMPORTS = """
import json, sys, time
from pathlib import Path
import headstart, headstart.study.fit, headstart.report.page, scipy.optimize, matplotlib.figure
from headstart.backbone.engines.openvino_import import import_openvino
from headstart.backbone.torchvision_repair import import_torchvision
import_torchvision()
import_openvino()  # without its telemetry
import timm
started = time.perf_counter()
"""
FIT = """
run = headstart.fit(sys.argv[1], out=sys.argv[2], model="efficientnet_lite0", cut="head", twins=False, seed=int(sys.argv[3]))
print(json.dumps({"misses": run.verdict.cache.misses, "seconds": time.perf_counter() - started}))
"""
BARE_END = """
print(json.dumps({"seconds": time.perf_counter() - started}))
"""


def timed(code: str, environment: dict[str, str], *words: str) -> dict[str, float]:
    """Run code in a process of its own; its seconds are those after the imports, ``process`` those of the whole."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return {**json.loads(done.stdout.splitlines()[-1]), "process": time.perf_counter() - started}


def one_repeat(data: Path, larger: Path, engine: str) -> dict[str, dict[str, float]]:
    """Every measurement in a home of its own, whose gallery is ours and whose stores are empty."""
    with tempfile.TemporaryDirectory() as fresh:
        (Path(fresh) / "gallery").symlink_to(home() / "gallery")
        environment = {**os.environ, "HEADSTART_HOME": fresh, "GOMP_SPINCOUNT": "10000"}
        bare = timed(IMPORTS + BARE + BARE_END, environment, str(data), engine)
        shutil.rmtree(Path(fresh) / "engines", ignore_errors=True)
        first = timed(IMPORTS + FIT, environment, str(data), f"{fresh}/run1", "0")
        second = timed(IMPORTS + FIT, environment, str(data), f"{fresh}/run2", "1")
        third = timed(IMPORTS + FIT, environment, str(larger), f"{fresh}/run3", "0")
        return {"bare": bare, "first": first, "second": second, "third": third}


def enlarged(data: Path, extra: int) -> Path:
    """The same pictures beside new ones (handwritten digits do for new content)."""
    folder = Path(tempfile.mkdtemp()) / "larger"
    shutil.copytree(data, folder)
    classes = sorted(path.name for path in data.iterdir() if path.is_dir())
    for n, path in enumerate(sorted(mnist(1000, seed=5).rglob("*.png"))[:extra]):
        shutil.copy(path, folder / classes[n % len(classes)] / f"new-{n}.png")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=1400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--engine", default="openvino-bfloat16")
    parser.add_argument("--data", choices=["solar", "fashion"], default="solar")
    given = parser.parse_args()
    data = solar(given.n) if given.data == "solar" else fashion(given.n)
    extra = given.n // 100
    larger = enlarged(data, extra)
    rows = [one_repeat(data, larger, given.engine) for _ in range(given.repeats)]
    shutil.rmtree(larger.parent)
    print(f"{given.data}, {given.n} pictures, EfficientNet-Lite0, {given.engine}, {given.repeats} repeats")
    for name in ("bare", "first", "second", "third"):
        for what in ("seconds", "process"):
            values = [row[name][what] for row in rows]
            print(f"{name:7} {what:8} {statistics.median(values):7.2f} s  ({min(values):.2f} to {max(values):.2f})")
    for top, bottom, goal in (("first", "bare", "<= 1.5"), ("second", "first", "<= 0.15")):
        for what in ("seconds", "process"):
            ratios = [row[top][what] / row[bottom][what] for row in rows]
            print(f"{top} / {bottom}, {what:8} {statistics.median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})  goal {goal}")
    print(f"misses: second {[row['second']['misses'] for row in rows]}, third {[row['third']['misses'] for row in rows]}; new pictures: {extra}")


if __name__ == "__main__":
    main()
