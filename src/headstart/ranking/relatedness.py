"""Source data against the user's: what the card says, and how far the user's items lie from the source's own statistics, at every depth.

A network with batch normalisation carries the mean and the variance of every channel over its source data (Li, Wang, Shi, Liu and Hou, 2016, *Revisiting
batch normalization for practical domain adaptation*: these statistics hold the domain). A few of the user's items go through it, and the same numbers
are taken of them. Per layer the median channel counts, and over layers the median layer: a mean is ruled by channels that were dead on the source.
Labels are not looked at.

Measured with 20 items each (EfficientNet-Lite0, -Lite1, -Lite2, MobileNetV2, all of ImageNet-1k; three draws): ImageNet's own photographs 0.13 to 0.18;
photographs cut out, on nothing, 0.29 to 0.45; Fashion-MNIST 0.74 to 0.85; MNIST 0.94 to 1.06; electroluminescence of solar cells 0.93 to 1.18.
Means over channels and layers separate worse (photographs 0.6 to 0.8, cut-out ones 0.9 to 1.2, before the root), and so does the symmetric
Kullback-Leibler divergence of Gaussians (4.8 to 6.2 against 5.1 to 7.2).

A text network carries no such numbers, but a vocabulary that was learnt from its source data: the further texts lie from it, the more pieces a word is
broken into (Rust, Pfeiffer, Vulić, Ruder and Gurevych, 2021, *How good is your tokenizer?*, call it fertility), or the more of it is unknown. Measured on
200 texts each, WordPiece of English BERT: newsgroups 1.14, Reuters 1.21, tweets 1.25, Spanish 1.6, clinical notes 2.1, Russian 5.7 pieces a word; Chinese
70 % unknown. Word vectors of English: Reuters 1.8 % unknown, tweets 5, Spanish 7, Chinese 98. Tokens of 100 languages: Chinese 0.8 a character, Russian 1.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.activations.batch import side_by_side
from headstart.activations.collect import Items
from headstart.backbone.cut import Backbone
from headstart.base.amounts import several
from headstart.base.files import read_json, write_json
from headstart.base.folders import home
from headstart.base.hashing import digest
from headstart.gallery.card import TrainedOn
from headstart.modality import Vocabulary

SAMPLED_ITEMS = 20  # 8 gave the same order of data sets with more noise; each costs a forward pass in float32
BATCH = 4  # items at once: 100 MB of activations at most
LEAST_VARIANCE = 1e-3  # of the source's: a channel that does not move at all is as far as its logarithm goes
WORDS = ((0.55, "near"), (0.9, "some way off"))  # below these distances; above the last one it is far. Between the measured ones, see above
VERSION = "1"
SAMPLED_TEXTS = 200
PIECES, UNKNOWN = (1.5, 2.5), (0.04, 0.15)  # below the first number of both it is near, below the second some way off, between what was measured, see above


@dataclass(frozen=True)
class Relatedness:
    """How the source data and the user's belong together.

    Attributes:
        source: What the weights were trained on, in the card's words: ``natural images (1,281,167)``.
        distance: Of the typical channel from the source's statistics, in the source's standard deviations; None where the network carries none.
        words: ``near``, ``some way off``, ``far`` or ``unknown``.
        vocabulary: How the model's vocabulary fits the user's texts; None where it has none.
    """

    source: str
    distance: float | None
    words: str
    vocabulary: Vocabulary | None = None


class Worded(Items, Protocol):
    """Items of which some have words."""

    def vocabulary(self, places: Sequence[int]) -> Vocabulary | None:
        """How the model's vocabulary fits the items at these places; None where they have no words."""


def relatedness(trained_on: TrainedOn, backbone: Backbone, items: Worded) -> Relatedness:
    """Compare a network's source data with the user's items.

    Args:
        trained_on: From the card.
        backbone: The network.
        items: The user's items; a fixed sample of them is read.

    Cost: 20 forward passes in float32, 0.5 to 2 s on one core; remembered under ``home()/relatedness``.
    """
    count = f" ({several(trained_on.n, 'example')})" if trained_on.n else ""
    distance = source_distance(backbone, items)
    vocabulary = items.vocabulary(_sample(items.content, SAMPLED_TEXTS)) if distance is None else None
    return Relatedness(f"{trained_on.kind}{count}", distance, in_words(distance) if vocabulary is None else fitting(vocabulary), vocabulary)


def in_words(distance: float | None) -> str:
    """A distance as a word."""
    if distance is None:
        return "unknown"
    return next((word for limit, word in WORDS if distance < limit), "far")


def fitting(vocabulary: Vocabulary) -> str:
    """How a vocabulary fits, as a word."""
    limits = zip(PIECES, UNKNOWN, WORDS, strict=True)
    return next((word for pieces, unknown, (_, word) in limits if vocabulary.pieces_a_word < pieces and vocabulary.unknown < unknown), "far")


def source_distance(backbone: Backbone, items: Items) -> float | None:
    """How far the typical channel of the typical layer is from what it was on the source data; None without batch normalisation."""
    if not _layers(backbone.network):
        return None
    chosen = _sample(items.content, SAMPLED_ITEMS)
    kept = home() / "relatedness" / f"{digest(VERSION, backbone.chain[-1], *(items.content[n] for n in chosen))}.json"
    if kept.is_file():
        try:
            return float(read_json(kept)["distance"])
        except (ValueError, KeyError, TypeError):
            kept.unlink(missing_ok=True)
    distance = round(_distance(backbone.network, [items.prepare(n) for n in chosen]), 4)
    write_json(kept, {"distance": distance})
    return distance


def _sample(content: Sequence[str], most: int) -> list[int]:
    """The items of the smallest hashes: a fair sample that depends neither on names nor on the order of files."""
    first = {name: n for n, name in reversed(list(enumerate(content)))}
    return [first[name] for name in sorted(first)[:most]]


def _layers(network: nn.Module) -> list[nn.Module]:
    return [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm) and one.running_mean is not None]


def _distance(network: nn.Module, prepared: Sequence[NDArray[np.generic]]) -> float:
    layers = [_Watched(layer) for layer in _layers(network)]
    with torch.inference_mode(), _watching(layers):
        for begin in range(0, len(prepared), BATCH):
            network(torch.from_numpy(side_by_side(prepared[begin : begin + BATCH])))
    return float(np.median([layer.distance() for layer in layers if layer.n]))


@contextmanager
def _watching(layers: Sequence[_Watched]) -> Iterator[None]:
    hooks = [one.layer.register_forward_pre_hook(one) for one in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Watched:
    """Adds up what flows into one normalisation, in units of the source's own mean and spread."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer, self.n = layer, 0
        self.sums = torch.zeros(0)

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (value,) = inputs
        shape = (1, -1, *[1] * (value.dim() - 2))
        standard = (value - layer.running_mean.view(shape)) / (layer.running_var + layer.eps).sqrt().view(shape)
        axes = (0, *range(2, value.dim()))
        sums = torch.stack([standard.sum(axes), standard.square().sum(axes)]).double()
        self.sums = sums if self.n == 0 else self.sums + sums
        self.n += standard.numel() // standard.shape[1]

    def distance(self) -> float:
        """Root of the median over channels of squared shift of the mean plus squared logarithm of the ratio of variances."""
        shift, square = self.sums / self.n
        ratio = (square - shift.square()).clamp_min(LEAST_VARIANCE)
        return float((shift.square() + ratio.log().square()).median().sqrt())
