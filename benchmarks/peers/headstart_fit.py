"""headstart as anybody calls it, without the twins: reading, engine race, forward pass, choices, calibration, report, all inside the time."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from pathlib import Path

import headstart
import headstart.report.page
import headstart.study.fit
from benchmarks.peers.common import Job, run
from headstart.backbone.engines.openvino_import import import_openvino
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.evaluation.predictions import Predictions

LIBRARIES = ("matplotlib.figure", "scipy.optimize", "timm", "optuna", "cleanlab")  # the peers' imports are outside their time too

import_torchvision()
import_openvino()  # without its telemetry
for _name in LIBRARIES:
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)


def work(job: Job) -> list[int]:
    if any((Path(os.environ["HEADSTART_HOME"]) / name).exists() for name in ("activations", "engines", "examined")):
        raise SystemExit("the home is not empty: what is measured is a first fit")
    with tempfile.TemporaryDirectory() as folder:
        options = {name: job.options[name] for name in ("model", "cut", "effort") if job.options.get(name)}
        done = headstart.fit(job.data, out=Path(folder) / "run", seed=job.seed, twins=False, **options)
        job.phases.update(done.verdict.to_plain()["seconds"])
        said = Predictions.from_parquet(done.folder / "predictions" / f"{done.verdict.chosen}.parquet")
    known = dict(zip(said.items, said.predicted.tolist(), strict=True))
    return [job.classes.index(said.classes[known[file.relative_to(job.data).as_posix()]]) for file in job.files("test")]


if __name__ == "__main__":
    run(work, ("torch", "timm", "openvino", "numpy"))
