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
from headstart.base.events import Sink
from headstart.data import Dataset
from headstart.evaluation.intervals import Measured, measure
from headstart.evaluation.predictions import Predictions
from headstart.gallery.card import ModelCard
from headstart.modality import Recipe
from headstart.ranking.probe import Folds, Probe, probe
from headstart.study.items import PreparedItems, prepared


@dataclass(frozen=True)
class Candidate:
    """A model that may be chosen: opened, with the engine that runs its frozen part."""

    card: ModelCard
    backbone: Backbone
    items: PreparedItems
    choice: Choice
    engine: Engine


@dataclass(frozen=True)
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


def models_for(modality: str, wanted: Sequence[str] | None) -> list[ModelCard]:
    """The subscribed cards that suit a modality, or the one that was asked for.

    Raises:
        InputError: when nothing suitable is subscribed.
    """
    suitable = {one.card.name: one.card for one in gallery.subscriptions() if one.card.modality == modality}
    names = list(suitable) if wanted is None else list(wanted)
    for name in names:
        gallery.weights(name)  # not subscribed, licence not accepted, bytes changed: said here, before anything starts
        if name not in suitable:
            raise InputError(f"{name} is not a model for {modality} data", got=name, allowed=suitable)
    if not names:
        choices = [card.name for card in gallery.cards() if card.modality == modality]
        raise InputError(f"no model for {modality} data is subscribed", allowed=choices, fix=f"headstart gallery subscribe {choices[0]}")
    return [suitable[name] for name in names]


def open_candidate(card: ModelCard, dataset: Dataset, *, exact: bool) -> Candidate:
    """Build the network, find its blocks and choose its engine on this machine with the first items of the data."""
    recipe = Recipe(card.input.size, card.input.crop_fraction, card.input.interpolation)
    items = prepared(dataset, recipe)
    backbone = open_backbone(card, items, seed=None)
    batch = np.stack([items.prepare(n % len(dataset.content)) for n in range(BATCH_ITEMS)]) if not exact else np.zeros(0)
    choice = choose(backbone, batch, exact=exact)
    return Candidate(card, backbone, items, choice, engine_named(choice.engine))


def open_backbone(card: ModelCard, items: PreparedItems, seed: int | None) -> Backbone:
    """The pretrained network, or with a seed the same network from random weights."""
    network = build(card, gallery.weights(card.name)) if seed is None else build(card, None, seed=seed)
    example = torch.zeros((1, 3, card.input.size, card.input.size), dtype=torch.uint8)
    return Backbone(network, example, identity=items.identity)


def probe_candidate(
    candidate: Candidate, cuts: Sequence[str], dataset: Dataset, folds: Folds, store: Store, *, metric: str, units: NDArray[np.int64], seed: int, sink: Sink
) -> Probed:
    """One forward pass over everything, tapped at the cuts that are worth keeping, then a linear probe on the training items."""
    started = time.perf_counter()
    wanted = wanted_cuts(candidate, cuts, len(dataset.content), store)
    activations = collect(candidate.backbone, wanted, candidate.items, candidate.engine, store, label=candidate.card.name, sink=sink, unit=f"items · {candidate.card.name}")
    features = activations[candidate.backbone.depth].rows(np.arange(len(dataset.content)))[0]
    probed = probe(features, dataset.labels, len(dataset.classes), folds, seed)
    score = measure(_predictions(dataset, probed, units), metric, seed)
    return Probed(candidate, activations, features, probed, score, time.perf_counter() - started)


def wanted_cuts(candidate: Candidate, cuts: Sequence[str], n_items: int, store: Store) -> list[int]:
    """The head cut, and each other cut whose activations are cheaper to keep than to compute again."""
    backbone = candidate.backbone
    speed = next((lap.items_per_second for lap in candidate.choice.race if lap.engine == candidate.choice.engine), 10.0)
    positions = {backbone.cut_at(cut) for cut in cuts} | {backbone.depth}
    return sorted(cut for cut in positions if cut == backbone.depth or (cut > 0 and cost(backbone, cut, n_items, candidate.engine, speed, store).kept))


def _predictions(dataset: Dataset, probed: Probe, units: NDArray[np.int64]) -> Predictions:
    items = probed.items
    return Predictions(tuple(dataset.sources[n] for n in items), dataset.labels[items], probed.probabilities, dataset.classes, units[items])
