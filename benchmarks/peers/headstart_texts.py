"""headstart on a table of texts as anybody calls it; with ``twins`` in the job also what they came to. What was raced goes along for whoever asks why."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import headstart
import headstart.report.page
import headstart.study.fit
from benchmarks.peers.text_common import Job, run
from headstart.backbone.engines.openvino_import import import_openvino
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.evaluation.predictions import Predictions
from headstart.study.fit import Run

LIBRARIES = ("matplotlib.figure", "scipy.optimize", "transformers", "tokenizers", "optuna", "cleanlab")  # the peers' imports are outside their time too
FIRST_ROW = 2  # as a spreadsheet numbers them: the names of the columns stand in row 1

import_torchvision()
import_openvino()  # without its telemetry
for _name in LIBRARIES:
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)


def work(job: Job) -> list[str]:
    if any((Path(os.environ["HEADSTART_HOME"]) / name).exists() for name in ("activations", "engines", "examined")):
        raise SystemExit("the home is not empty: what is measured is a first fit")
    splits = job.splits()
    with tempfile.TemporaryDirectory() as folder:
        options = {name: job.options[name] for name in ("model", "cut", "effort") if job.options.get(name)}
        done = headstart.fit(job.table, out=Path(folder) / "run", seed=job.seed, twins=bool(job.options.get("twins")), **options)
        job.phases.update(done.verdict.to_plain()["seconds"])
        job.options["more"] = found(done)
        said = Predictions.from_parquet(done.folder / "predictions" / f"{done.verdict.chosen}.parquet")
    known = {int(item.rpartition("#")[2]) - FIRST_ROW: said.classes[int(one)] for item, one in zip(said.items, said.predicted, strict=True)}
    return [known.get(row, "") for row, split in enumerate(splits) if split == "test"]  # what was left out as a repeat counts as wrong


def found(done: Run) -> dict[str, Any]:
    """The verdict, the arms' scores, and the race's rows in short."""
    verdict, race = done.verdict.to_plain(), json.loads((done.folder / "race.json").read_text(encoding="utf-8"))
    rows = [
        {name: row.get(name) for name in ("cut", "n_blocks", "source", "outcome", "chosen", "score", "log_loss", "seconds", "expected_seconds", "n_folds")}
        | {name: row["settings"].get(name) for name in ("learning_rate", "epochs", "contrastive", "lora_rank") if row["settings"].get(name)}
        for row in race["rows"]
    ]
    words = ("helped", "chosen", "test", "scratch", "plain", "random", "majority", "gain_over_scratch", "gain_over_plain", "cut", "n")
    return {name: verdict.get(name) for name in words} | {"sentence": done.verdict.sentence(), "race": rows, "race_seconds": race["seconds"]}


if __name__ == "__main__":
    run(work, ("torch", "transformers", "openvino", "numpy"))
