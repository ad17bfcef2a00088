"""Retraining a last share u of the FLOPs from the store, against the same training without it: how near the ceiling (1 + 2u) / (3u)?

    python -m benchmarks.ceiling [--repeats 3]

Both trainings run in torch float32 with the same order, the same start and the same optimiser; without the store the frozen prefix runs in inference
mode at each step. The weights that come out are compared bit for bit. A network's early layers do fewer FLOPs a second than its late ones, so the
ratio may pass the ceiling, which counts FLOPs. Goal: >= 80 % of it at u of about 0.1 and 0.25.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.data import solar
from headstart import gallery
from headstart.activations.collect import collect
from headstart.activations.store import Store
from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import EXACT
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.data import load
from headstart.modality.image import ImageRecipe as Recipe
from headstart.study.items import PreparedItems, prepared
from headstart.training.loop import train
from headstart.training.network import Classifier, new_head
from headstart.training.settings import Settings

N_ITEMS = 96
SETTINGS = Settings(learning_rate=1e-4, weight_decay=0.01, batch_items=32, epochs=3, patience=None, warmup_fraction=0.1, precision="float32")


def backbones(items: object) -> dict[str, Backbone]:
    import_torchvision()
    import timm

    card = gallery.card("efficientnet_lite0")
    torch.manual_seed(0)
    resnet = timm.create_model("resnet50", pretrained=False, num_classes=0).eval()
    lite = build(card, gallery.weights(card.name))
    identity = items.identity  # type: ignore[attr-defined]
    return {
        "EfficientNet-Lite0": Backbone(lite, torch.zeros((1, 3, 224, 224), dtype=torch.uint8), identity=identity),
        "ResNet-50 (random)": Backbone(_FromBytes(resnet), torch.zeros((1, 3, 224, 224), dtype=torch.uint8), identity=identity),
    }


class _FromBytes(torch.nn.Module):
    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x / 255)


def nearest_cut(backbone: Backbone, share: float) -> int:
    return min(backbone.cuts[1:-1], key=lambda cut: abs(backbone.trainable_share(cut) - share))


@dataclass(frozen=True)
class Reached:
    """What repeats of both trainings came to.

    Attributes:
        ratios: Wall-clock seconds without the store over those with it, a value a repeat.
        cpu_ratios: The same of processor seconds, which other work on the machine hardly lengthens.
        equal: Are the weights the same bits?
    """

    ratios: list[float]
    cpu_ratios: list[float]
    equal: bool


def one(backbone: Backbone, cut: int, items: PreparedItems, labels: NDArray[np.int64], repeats: int) -> Reached:
    """Train a suffix with and without the store, in turn."""
    store = Store(Path(tempfile.mkdtemp()))
    kept = collect(backbone, [cut], items, EXACT, store, label="ceiling")[cut]
    pixels = torch.from_numpy(np.stack([items.prepare(n) for n in range(N_ITEMS)]))
    prefix = backbone.part(0, cut).eval()

    def stored(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:  # noqa: ARG001 - every epoch reads the same
        return tuple(torch.from_numpy(rows) for rows in kept.rows(index))

    def computed(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:  # noqa: ARG001 - every epoch reads the same
        with torch.inference_mode():
            said = prefix(pixels[index])
        return tuple(torch.from_numpy(tensor.numpy()) for tensor in said)

    found = Reached([], [], equal=True)
    width = backbone.crossing_shapes(backbone.depth)[0][0]
    for _ in range(repeats):
        seconds, cpu, weights = [], [], []
        for read in (computed, stored):
            classifier = Classifier(copy.deepcopy(backbone.part(cut, backbone.depth)), new_head(width, 2, 0), keep_statistics=True)
            started = time.perf_counter(), time.process_time()
            train(classifier, read, labels, np.arange(N_ITEMS), np.arange(1), SETTINGS, seed=0, name="ceiling")
            seconds.append(time.perf_counter() - started[0])
            cpu.append(time.process_time() - started[1])
            weights.append(classifier.state_dict())
        same = all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        found = Reached([*found.ratios, seconds[0] / seconds[1]], [*found.cpu_ratios, cpu[0] / cpu[1]], equal=found.equal and same)
    return found


def ceiling_of(u: float) -> float:
    """The most that a store can save by FLOPs: a step's forward (1) and backward through the suffix (2u) against the suffix alone (3u).

    Example:
        >>> ceiling_of(0.25)
        2.0
    """
    return (1 + 2 * u) / (3 * u)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    dataset = load(solar(N_ITEMS))
    items = prepared(dataset, Recipe(224, 0.875, "bicubic"))
    print(f"{N_ITEMS} solar cells, batches of 32, {SETTINGS.epochs} epochs, float32, median of {repeats}")
    print(f"{'network':20} {'from block':18} {'u':>6} {'ratio':>7} {'range':>16} {'ceiling':>8} {'reached':>8}  same bits")
    for name, backbone in backbones(items).items():
        for share in (0.1, 0.25):
            cut = nearest_cut(backbone, share)
            u = backbone.trainable_share(cut)
            found = one(backbone, cut, items, dataset.labels, repeats)
            ratio, ceiling = statistics.median(found.ratios), ceiling_of(u)
            span = f"{min(found.ratios):.2f} to {max(found.ratios):.2f}"
            print(f"{name:20} {backbone.blocks[cut].name:18} {u:6.3f} {ratio:7.2f} {span:>16} {ceiling:8.2f} {ratio / ceiling:8.0%}  {found.equal}")


if __name__ == "__main__":
    main()
