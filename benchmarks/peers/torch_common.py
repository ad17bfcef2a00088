"""What the programs on PyTorch share: pictures as tensors, the gallery's weights in a timm network, seeds and threads."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.peers.common import Job

_kept: Any = None


def torchvision_imported() -> None:
    """Import torchvision even beside a torch of another build, whose compiled operators are then declared and never called."""
    global _kept
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _kept = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            _kept.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")


def begin(job: Job) -> None:
    """Seeds and threads."""
    torch.set_num_threads(job.threads)
    random.seed(job.seed)
    np.random.seed(job.seed)  # noqa: NPY002 - the libraries under test draw from it
    torch.manual_seed(job.seed)


class Pictures(torch.utils.data.Dataset):
    """Decodes, resizes, maybe mirrors, normalises: what a tutorial's transform does, anew each epoch."""

    def __init__(self, job: Job, part: str, *, flip: bool = False) -> None:
        self.files, self.flip, self.side = job.files(part), flip, job.side
        self.labels = job.labels(self.files) if part == "train" else [0] * len(self.files)
        self.mean, self.std = (torch.tensor(job.options[name]).view(3, 1, 1) for name in ("mean", "std"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.files[index]) as opened:
            picture = opened.convert("RGB").resize((self.side, self.side), Image.Resampling.BICUBIC)
        if self.flip and random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        return (pixels - self.mean) / self.std, self.labels[index]


def pretrained(job: Job, **options: Any) -> torch.nn.Module:
    """The timm network with the gallery's weights, which the job brings under timm's own names."""
    torchvision_imported()
    import timm
    from safetensors.torch import load_file

    network = timm.create_model(job.options["architecture"], pretrained=False, **options)
    found = network.load_state_dict(load_file(job.options["weights"]), strict=False)
    if found.unexpected_keys or any(not name.startswith("classifier") for name in found.missing_keys):
        raise SystemExit(f"the weights do not fit: {found}")
    return network


def answers(model: torch.nn.Module, job: Job, batch: int) -> list[int]:
    """Classes of the test pictures."""
    model.eval()
    said: list[int] = []
    with torch.inference_mode():
        for pixels, _ in torch.utils.data.DataLoader(Pictures(job, "test"), batch_size=batch):
            said += model(pixels).argmax(dim=1).tolist()
    return said


def epochs(model: torch.nn.Module, job: Job, optimiser: torch.optim.Optimizer, mode: Callable[[], None], *, batch: int, flip: bool) -> None:
    """Train for the job's epochs."""
    loader = torch.utils.data.DataLoader(Pictures(job, "train", flip=flip), batch_size=batch, shuffle=True)
    for _ in range(job.epochs):
        mode()
        for pixels, labels in loader:
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(pixels), labels)
            loss.backward()
            optimiser.step()
