"""AutoGluon MultiModal on the same backbone and weights (a folder in its own format), with its default settings otherwise."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

import pandas
import torch

from benchmarks.peers.common import Job, run
from benchmarks.peers.torch_common import begin, torchvision_imported

torchvision_imported()

from autogluon.multimodal import MultiModalPredictor  # noqa: E402 - after the repair
from safetensors.torch import load_file  # noqa: E402 - after the repair


def checkpoint(job: Job, folder: Path) -> Path:
    """The backbone as AutoGluon reads it from a folder."""
    torch.save(load_file(job.options["weights"]), folder / "pytorch_model.bin")
    config = {name: job.options[name] for name in ("architecture", "num_features", "mean", "std")}
    (folder / "config.json").write_text(json.dumps({**config, "input_size": [3, job.side, job.side]}), encoding="utf-8")
    return folder


def table(job: Job, part: str) -> pandas.DataFrame:
    files = job.files(part)
    return pandas.DataFrame({"image": [str(file) for file in files], "label": [file.parent.name for file in files]})


def work(job: Job) -> list[int]:
    begin(job)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "model.names": ["timm_image"],
            "model.timm_image.checkpoint_name": str(checkpoint(job, Path(folder))),
            "model.timm_image.image_norm": "inception",  # mean and spread 0.5, what these weights expect
        }
        if job.epochs:
            settings["optim.max_epochs"] = job.epochs
        predictor = MultiModalPredictor(label="label", problem_type="classification", path=f"{folder}/model", verbosity=0)
        with job.phase("train"):
            predictor.fit(table(job, "train"), hyperparameters=settings, time_limit=job.options.get("limit_seconds"), seed=job.seed)
        with job.phase("predict"):
            said = predictor.predict(table(job, "test").drop(columns="label"), as_pandas=False)
    return [job.classes.index(str(name)) for name in said]


if __name__ == "__main__":
    run(work, ("autogluon.multimodal", "torch", "timm", "numpy"))
