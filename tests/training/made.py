"""A small network of blocks with a head, and items that it can learn: what the tests of training train."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.training.network import Classifier, new_head
from headstart.training.settings import Settings

WIDTH, CLASSES, ITEMS = 6, 3, 48
SETTINGS = Settings(learning_rate=1e-2, weight_decay=0.0, batch_items=16, epochs=2, patience=None, warmup_fraction=0.1, precision="float32")
LABELS = np.arange(ITEMS) % CLASSES
FEATURES = torch.from_numpy((np.random.default_rng(0).normal(size=(ITEMS, WIDTH)) + np.eye(WIDTH)[LABELS]).astype(np.float32))


class Blocks(nn.Module):
    """Linear layers with a bend behind each; weights follow from the seed."""

    def __init__(self, depth: int, seed: int = 0) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(depth))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(0.0, 0.5, generator=random)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        for block in self.blocks:
            x = torch.tanh(block(x.float()))
        return (x,)


def classifier(depth: int = 3, seed: int = 0) -> Classifier:
    """Blocks and a head; the last block is 1 away from it."""
    part = Blocks(depth, seed)
    distances = {name: depth - int(name.split(".")[1]) for name, _ in part.named_parameters()}
    return Classifier(part, new_head(WIDTH, CLASSES, seed), keep_statistics=True, distances=distances)


def read(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:
    """Items as they are, in every epoch."""
    return (FEATURES[index],)


def state(one: Classifier) -> dict[str, Tensor]:
    """A copy of the weights."""
    return {name: value.detach().clone() for name, value in one.state_dict().items()}


def moved(before: dict[str, Tensor], after: dict[str, Tensor], where: str) -> float:
    """The largest change of any weight whose name begins so."""
    return max(float((after[name] - before[name]).abs().max()) for name in before if name.startswith(where))
