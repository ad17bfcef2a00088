"""Subscribed models in, candidates out: each opened, timed, asked once for its features and probed on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from headstart import gallery
from headstart.activations.collect import Activations, collect
from headstart.activations.cost import cost
from headstart.activations.store import Store
from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.protocol import BATCH_ITEMS, Engine
from headstart.backbone.engines.race import Choice, choose, engine_named
from headstart.base.errors import InputError
from headstart.data import Dataset
from headstart.evaluation.intervals import Measured, measure
from headstart.gallery.card import ModelCard
from headstart.modality import Recipe
from headstart.ranking.probe import Probe, probe
from headstart.study.items import PreparedItems, prepared
from headstart.study.problem import Problem

SLOWEST = 10.0  # items a second that are assumed of an engine that has not raced (float32 was asked for)


@dataclass(frozen=True)
class Candidate:
    """A model that may be chosen: opened, with the engine that runs its frozen part."""

    card: ModelCard
    backbone: Backbone
    items: PreparedItems
    choice: Choice
    engine: Engine

    @property
    def items_per_second(self) -> float:
        """Speed of the whole network on its engine, as the race measured it."""
        return next((lap.items_per_second for lap in self.choice.race if lap.engine == self.choice.engine), SLOWEST)

    def block_name(self, cut: int) -> str:
        """``head``, or the first block that is retrained."""
        return "head" if cut == self.backbone.depth else self.backbone.blocks[cut].name


@dataclass(frozen=True, eq=False)
class Probed:
    """A candidate with its stored activations and what a linear probe says of them.

    Attributes:
        activations: By cut; the head cut always, others where keeping them is cheaper than computing them again.
        score: The probe's score on training items it had not seen.
        seconds: Wall-clock seconds spent on it now.
    """

    candidate: Candidate
    activations: dict[int, Activations]
    features: NDArray[np.generic]
    probe: Probe
    score: Measured
    seconds: float

    @property
    def seconds_saved(self) -> float:
        """What its forward pass would have taken longer from an empty store."""
        return max(kept.empty_store_seconds * kept.hits / max(1, kept.hits + kept.misses) for kept in self.activations.values())


def models_for(modality: str, wanted: str | None) -> list[ModelCard]:
    """The subscribed cards that suit a modality, or the one that was asked for; all verified before anything starts.

    Raises:
        InputError: when nothing suitable is subscribed.
    """
    suitable = {one.card.name: one.card for one in gallery.subscriptions() if one.card.modality == modality}
    chosen = list(suitable) if wanted is None else [wanted]
    if not chosen:
        choices = [card.name for card in gallery.cards() if card.modality == modality]
        raise InputError(f"no model for {modality} data is subscribed", allowed=choices, fix=f"headstart gallery subscribe {gallery.DEFAULT}")
    for name in chosen:
        gallery.weights(name)
        if name not in suitable:
            raise InputError(f"{name} is not a model for {modality} data", got=name, allowed=suitable)
    return [suitable[name] for name in chosen]


def open_candidate(card: ModelCard, dataset: Dataset, cuts: Sequence[str], *, exact: bool) -> Candidate:
    """Build the network, find its blocks and choose its engine on this machine with the first items of the data.

    Raises:
        InputError: when the network has no such cut.
    """
    recipe = Recipe(card.input.size, card.input.crop_fraction, card.input.interpolation)
    items = prepared(dataset, recipe)
    backbone = open_backbone(card, items, seed=None)
    taps = tuple(sorted(cut for cut in {backbone.cut_at(name) for name in cuts} if 0 < cut < backbone.depth))
    batch = np.stack([items.prepare(n % len(dataset.content)) for n in range(BATCH_ITEMS)]) if not exact else np.zeros(0)
    choice = choose(backbone, batch, taps, exact=exact)
    return Candidate(card, backbone, items, choice, engine_named(choice.engine))


def open_backbone(card: ModelCard, items: PreparedItems, seed: int | None) -> Backbone:
    """The pretrained network, or with a seed the same network from random weights."""
    network = build(card, gallery.weights(card.name)) if seed is None else build(card, None, seed=seed)
    example = torch.zeros((1, 3, card.input.size, card.input.size), dtype=torch.uint8)
    return Backbone(network, example, identity=items.identity)


def probe_candidate(candidate: Candidate, cuts: Sequence[str], problem: Problem) -> Probed:
    """One forward pass over everything, tapped at the cuts that are worth keeping, then a linear probe on the training items."""
    started = time.perf_counter()
    name, dataset = candidate.card.name, problem.dataset
    wanted = wanted_cuts(candidate, cuts, len(dataset.content), problem.store)
    unit = f"items · {name}"
    activations = collect(candidate.backbone, wanted, candidate.items, candidate.engine, problem.store, label=name, sink=problem.sink, unit=unit)
    features = activations[candidate.backbone.depth].rows(problem.everything)[0]
    probed = probe(features, dataset.labels, problem.n_classes, problem.folds, problem.seed)
    score = measure(problem.predictions(probed.items, probed.probabilities), problem.metric, problem.seed)
    return Probed(candidate, activations, features, probed, score, time.perf_counter() - started)


def wanted_cuts(candidate: Candidate, cuts: Sequence[str], n_items: int, store: Store) -> list[int]:
    """The head cut, and each other cut whose activations are cheaper to keep than to compute again."""
    backbone = candidate.backbone
    inner = sorted(cut for cut in {backbone.cut_at(name) for name in cuts} if 0 < cut < backbone.depth)
    kept = [cut for cut in inner if cost(backbone, cut, n_items, candidate.engine, candidate.items_per_second, store).kept]
    return [*kept, backbone.depth]
