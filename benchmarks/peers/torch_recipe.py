"""The tutorials' recipe over the gallery's default backbone in PyTorch: frozen, Flatten, Dense 256, softmax; then the last four layers at a tenth of the rate.

Ten epochs each, Adam at 1e-3 and 1e-4, batches of 32; normalisation keeps its statistics, as Keras does with frozen layers.
"""

from __future__ import annotations

import torch

from benchmarks.peers.common import Job, run
from benchmarks.peers.torch_common import answers, begin, epochs, pretrained

RATE, TENTH = 1e-3, 1e-4
BATCH = 32
LAST_LAYERS = 4
HIDDEN = 256


class Recipe(torch.nn.Module):
    """Maps of the backbone, flattened, through two dense layers."""

    def __init__(self, base: torch.nn.Module, side: int, n_classes: int) -> None:
        super().__init__()
        self.base = base
        with torch.no_grad():
            width = base.forward_features(torch.zeros(1, 3, side, side)).numel()
        self.top = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(width, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, n_classes))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.top(self.base.forward_features(pixels))


def work(job: Job) -> list[int]:
    begin(job)
    base = pretrained(job, num_classes=0).eval()
    base.requires_grad_(False)
    model = Recipe(base, job.side, len(job.classes))
    layers = [module for module in base.modules() if isinstance(module, torch.nn.Conv2d)]
    for name, rate in (("frozen", RATE), ("last four layers", TENTH)):
        if rate == TENTH:
            for layer in layers[-LAST_LAYERS:]:
                layer.requires_grad_(True)
        optimiser = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=rate)
        with job.phase(name):
            epochs(model, job, optimiser, lambda: model.top.train() and None, batch=BATCH, flip=False)
    with job.phase("predict"):
        return answers(model, job, BATCH)


if __name__ == "__main__":
    run(work, ("torch", "timm", "numpy"))
