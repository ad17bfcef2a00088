"""Sources for the verdict's benchmark: a pool of pictures and the name of a source in, what that network says of every picture (stored once) out.

``pretrained`` is the published network; ``random N`` the same network from random weights; ``shuffled N`` the published weights with the numbers of each
tensor permuted within it, so that a layer keeps its distribution and loses what it knows. Random and shuffled networks are the null sources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import data
from headstart.activations.collect import collect
from headstart.activations.store import Store
from headstart.backbone.build import Network, build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.protocol import BATCH_ITEMS
from headstart.backbone.engines.race import choose, engine_named
from headstart.base.events import silence
from headstart.base.seeds import seed_for
from headstart.data import Dataset, load
from headstart.gallery import subscriptions, weights
from headstart.gallery.card import ModelCard
from headstart.study.items import PreparedItems, prepared_for

MODEL = "efficientnet_lite0"
POOLS: dict[str, Callable[[], Path]] = {
    "fashion": lambda: data.fashion(12_000),
    "mnist": lambda: data.mnist(5_000),
    "solar": lambda: data.solar(1_430),
}


@dataclass(frozen=True, eq=False)
class Source:
    """What one network says of a pool.

    Attributes:
        name: ``pretrained``, ``random 1``, ``shuffled 1``, …
        features: ``(n, d)`` in front of the head, as stored.
        engine: What ran the network.
    """

    name: str
    features: NDArray[np.float32]
    engine: str


@cache
def pool(name: str) -> Dataset:
    """A pool of pictures, read once; what looks alike is not tied together, because an experiment draws items one by one."""
    found = load(POOLS[name]())
    return replace(found, near=np.zeros((0, 2), np.int64), groups=None, group_name=None)


@cache
def source(where: str, name: str) -> Source:
    """What a source says of a pool; computed once, then read from the store."""
    dataset, card = pool(where), model()
    items = prepared_for(card, dataset)
    backbone = opened(name, card, items)
    batch = np.stack([items.prepare(n) for n in range(BATCH_ITEMS)])
    choice = choose(backbone, batch)
    found = collect(backbone, [backbone.depth], items, engine_named(choice.engine), Store(), label=f"{card.name} {name}", sink=silence)[backbone.depth]
    return Source(name, np.asarray(found.rows(np.arange(len(dataset)))[0], np.float32), choice.engine)


def model() -> ModelCard:
    """The card of the network that every source shares."""
    return next(one.card for one in subscriptions() if one.card.name == MODEL)


def opened(name: str, card: ModelCard, items: PreparedItems) -> Backbone:
    """The network of a source, cut into blocks."""
    kind, _, number = name.partition(" ")
    if kind == "random":
        network = build(card, None, seed=int(number))
    else:
        network = build(card, weights(card.name))
        if kind == "shuffled":
            shuffle(network, int(number))
    return Backbone(network, torch.zeros((1, 3, card.input.size, card.input.size), dtype=torch.uint8), identity=items.identity)


def shuffle(network: Network, seed: int) -> None:
    """Permute the numbers of each tensor of a network within that tensor."""
    generator = torch.Generator().manual_seed(seed_for(seed, "shuffled weights"))
    state = network.net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = tensor.flatten()[torch.randperm(tensor.numel(), generator=generator)].reshape(tensor.shape)
    network.net.load_state_dict(state)


def main() -> None:
    """Compute and store whatever the experiments ask for."""
    wanted = [(where, name) for where in POOLS for name in ("pretrained", "random 1", "random 2", "shuffled 1")]
    for where, name in wanted:
        found = source(where, name)
        spread = found.features.std(axis=0)
        print(f"{where} {name}: {found.features.shape}, {found.engine}, spread {spread.mean():.3f}, constant {(spread < 1e-6).mean():.2f}", flush=True)
        source.cache_clear()


if __name__ == "__main__":
    main()
