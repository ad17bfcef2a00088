"""What fits into the memory that is left: candidates, data sets and trainings in, the reason why one does not fit, or how many items at once do, out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch

from headstart.activations.batch import items_at_once
from headstart.activations.store import Store
from headstart.backbone.cut import Backbone
from headstart.backbone.footprint import FLOAT_BYTES, saved_bytes, weights_bytes, widest_bytes
from headstart.base.errors import StorageError
from headstart.gallery.card import ModelCard
from headstart.planning.memory import FEATURE_TIMES, LEAST_AT_ONCE, PIXELS_SHARE, TAP_BYTES, TRAIN_TIMES, WORKING, Memory, at_once, item_bytes, opening_bytes
from headstart.study.candidates import Candidate, middle_cut, wanted_cuts

LATER_TIMES = 2  # times what all items take: the other half is for what comes after the pass
NARROW = 0.5  # of single precision's bytes: an engine's half
T = TypeVar("T")
_known: WeakKeyDictionary[Backbone, dict[object, object]] = WeakKeyDictionary()  # it keeps no network alive


def to_open(card: ModelCard, memory: Memory) -> str:
    """Why a model cannot even be opened; empty when it can."""
    return memory.lacks(opening_bytes(max(card.bytes, FLOAT_BYTES * card.parameters), 0.0), "opening it", later=None)


def kept_bytes(card: ModelCard) -> int:
    """What a run folder takes that delivers this model: its weights in single precision, whatever the head; a few megabytes come to it."""
    return FLOAT_BYTES * card.parameters


def to_keep(cards: Sequence[ModelCard], folder: Path) -> None:
    """Refuse, before anything dear, a disk on which not even the smallest of the models could be delivered.

    Raises:
        StorageError: naming what is left and what is needed.
    """
    least, left = min(map(kept_bytes, cards)), shutil.disk_usage(folder).free
    if left < least:
        what = f"the disk is too full for a run folder: it has {left / 1e6:,.0f} MB left, the smallest of the models takes {least / 1e6:,.0f} MB"
        raise StorageError(what, got=folder, fix="make room, or name a folder on another disk with --out")


def to_pass(candidate: Candidate, n_items: int, memory: Memory, *, held: int = 0) -> str:
    """Why the items cannot go through a model that is open, and the features of so many that are held cannot stay; empty when they can."""
    if not memory.is_limited:
        return ""
    one = width(candidate.backbone)
    features = FEATURE_TIMES * FLOAT_BYTES * held * one
    later = LATER_TIMES * n_items * item_bytes(one) - features  # so that who follows the advice keeps all items
    return memory.lacks(_pass_bytes(candidate, n_items) + features, "its forward pass", later=max(0.0, later))


def items_held(candidate: Candidate, n_items: int, memory: Memory) -> float:
    """How many of the items memory holds, beside a model's own pass: half of what is left is for what comes later."""
    if not memory.is_limited:
        return float("inf")
    return max(0.0, memory.left - _pass_bytes(candidate, n_items)) / LATER_TIMES / item_bytes(width(candidate.backbone))


def to_train(backbone: Backbone, cut: int, batch_items: int, memory: Memory, n_items: int, *, shrunk: float = 1.0) -> int:
    """How many items may go at once through what trains behind a cut: a batch of them, or a part of it; 0 when too few would fit.

    Args:
        backbone: The network.
        cut: Number of frozen blocks.
        batch_items: Items of a batch.
        memory: What is left of it.
        n_items: In the data set: where the whole network trains, they are kept as far as a part of what is left holds them.
        shrunk: How many times less an item computes, where pictures are of half the size.
    """
    if not memory.is_limited:
        return batch_items
    fixed, each = step_bytes(backbone, cut)
    return at_once(_beside_items(backbone, cut, memory.left, n_items), fixed, each / shrunk, batch_items)


def no_room(backbone: Backbone, cut: int, memory: Memory, n_items: int) -> str:
    """The reason to give where `to_train` came to 0."""
    fixed, each = step_bytes(backbone, cut)
    left = memory.left
    kept = left - _beside_items(backbone, cut, left, n_items)
    return memory.lacks(fixed + LEAST_AT_ONCE * each + kept, f"training {LEAST_AT_ONCE} items at once")


def _beside_items(backbone: Backbone, cut: int, left: float, n_items: int) -> float:
    """What is left beside the prepared items that whole-network training keeps."""
    prepared = n_items * backbone.example[0].nbytes if cut == 0 else 0
    return left - min(PIXELS_SHARE * left, prepared)


def step_bytes(backbone: Backbone, cut: int) -> tuple[float, float]:
    """What a training step behind a cut takes, whatever the number of items, and for each item."""
    return _once(backbone, cut, lambda: _step_bytes(backbone, cut))


def _step_bytes(backbone: Backbone, cut: int) -> tuple[float, float]:
    part = backbone.part(cut, backbone.depth)
    with torch.no_grad():
        crossing = backbone.part(0, cut).eval()(backbone.example) if cut else (backbone.example,)
    trainable = sum(one.nbytes for one in part.parameters())
    return TRAIN_TIMES * trainable, WORKING * saved_bytes(part, crossing)


def width(backbone: Backbone) -> int:
    """Number of an item's features."""
    return int(np.prod(backbone.crossing_shapes(backbone.depth)[0]))


def _pass_bytes(candidate: Candidate, n_items: int) -> float:
    """What a frozen pass takes: the engine's own form of the network, a batch at its widest place, and what is taken from it at every cut."""
    backbone, store = candidate.backbone, Store()
    cuts = {*wanted_cuts(candidate, ("last", "last2", "half"), n_items, store), middle_cut(candidate, n_items, store) or backbone.depth}
    taps = sum(int(np.prod(shape)) for cut in cuts for shape in backbone.crossing_shapes(cut))
    widest = _once(backbone, "widest", lambda: widest_bytes(backbone.network, backbone.example)) * (NARROW if "bfloat16" in candidate.engine.name else 1.0)
    items = items_at_once(backbone.example.shape[1] if backbone.varies else 0)
    return opening_bytes(weights_bytes(backbone.network), items * (widest + TAP_BYTES * taps))


def _once(backbone: Backbone, what: object, compute: Callable[[], T]) -> T:
    """What is computed of a network once, while it lives."""
    found = _known.setdefault(backbone, {})
    if what not in found:
        found[what] = compute()
    return cast("T", found[what])
