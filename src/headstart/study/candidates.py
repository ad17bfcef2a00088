"""Subscribed models in, candidates out: each opened, timed, and asked once for its features; then, on any training items, ranked by them.

Opening and collecting look at no label, so they are done once; probing and ranking look at the training items of a problem only, so
they can be repeated for the rounds of a nested cross-validation without leaking.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from headstart import gallery
from headstart.activations.batch import bucket, items_at_once, side_by_side
from headstart.activations.collect import Activations, collect
from headstart.activations.cost import cost
from headstart.activations.store import Store
from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.protocol import BATCH_ITEMS, Engine, stored_type
from headstart.backbone.engines.race import Choice, choose, engine_named
from headstart.base.errors import InputError
from headstart.base.events import Sink, stage
from headstart.base.hashing import digest
from headstart.base.journal import Recall, afresh, recall_record
from headstart.base.records import to_plain
from headstart.data import Dataset
from headstart.evaluation.intervals import Measured, measure
from headstart.gallery.card import ModelCard
from headstart.modality import get
from headstart.ranking.combine import LeftOut, Ranking, Scored, Scores, combine
from headstart.ranking.h_score import h_score
from headstart.ranking.logme import logme
from headstart.ranking.nearest import nearest
from headstart.ranking.pool import pooled
from headstart.ranking.probe import Probe, probe
from headstart.ranking.relatedness import Relatedness, relatedness
from headstart.study.items import PreparedItems, prepared_for
from headstart.study.problem import Problem
from headstart.task.linear import one_thread

HALF = 0.5  # of the FLOPs: where the middle cut lies, between general and special features (Yosinski et al., 2014)
MIDDLE_WITHIN = (0.25, 0.75)  # trainable shares that still count as the middle
CHUNK_BYTES = 16 << 20  # of maps of the middle cut that are read at once before pooling


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
        return next(lap.items_per_second for lap in self.choice.race if lap.engine == self.choice.engine)

    @property
    def pass_seconds(self) -> float:
        """What a forward pass over all items takes from an empty store."""
        return len(self.items.content) / self.items_per_second

    @property
    def torch_items_per_second(self) -> float:
        """Speed of the whole network in torch where training happens: on the card where one has raced, else on the processor in its faster format."""
        laps = [lap for lap in self.choice.race if lap.engine.startswith("torch")]
        on_card = [lap for lap in laps if "cuda" in lap.engine]
        return max(lap.items_per_second for lap in on_card or laps)

    @property
    def ms_per_item(self) -> float:
        """Milliseconds an item."""
        return 1000 / self.items_per_second

    def block_name(self, cut: int) -> str:
        """``head``, or the first block that is retrained."""
        return "head" if cut == self.backbone.depth else self.backbone.blocks[cut].name


@dataclass(frozen=True, eq=False)
class Collected:
    """A candidate with its stored activations: what can be known of it without any label.

    Attributes:
        activations: By cut; the head cut always, others where keeping them is cheaper than computing them again.
        middle: The middle cut, None when none is worth keeping.
        features: ``(n, d)`` of all items at the head cut.
        relatedness: Its source data against these items.
        seconds: Wall-clock seconds spent on it now.
    """

    candidate: Candidate
    activations: dict[int, Activations]
    middle: int | None
    features: NDArray[np.generic]
    relatedness: Relatedness
    seconds: float

    @property
    def seconds_saved(self) -> float:
        """What its forward pass would have taken longer from an empty store."""
        return max(kept.seconds_saved for kept in self.activations.values())

    def middle_features(self, index: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Features ``(len(index), d)`` of items at the middle cut, averaged over places; None without one."""
        if self.middle is None:
            return None
        kept = self.activations[self.middle]
        numbers = sum(int(np.prod(shape)) for shape in self.candidate.backbone.crossing_shapes(self.middle))
        step = max(1, CHUNK_BYTES // (max(1, numbers) * stored_type(self.candidate.engine).itemsize))
        return np.concatenate([pooled(kept.rows(index[begin : begin + step])) for begin in range(0, len(index), step)])


@dataclass(frozen=True, eq=False)
class Probed:
    """A collected candidate and what a linear probe says of it on the training items of one problem.

    Attributes:
        probe: The probe of the head cut.
        score: Its score on training items it had not seen.
        seconds: Wall-clock seconds spent on it now, collecting included.
    """

    collected: Collected
    probe: Probe
    score: Measured
    seconds: float

    @property
    def candidate(self) -> Candidate:
        """The opened model."""
        return self.collected.candidate

    @property
    def activations(self) -> dict[int, Activations]:
        """Its stored activations by cut."""
        return self.collected.activations

    @property
    def features(self) -> NDArray[np.generic]:
        """``(n, d)`` of all items at the head cut."""
        return self.collected.features

    @property
    def seconds_saved(self) -> float:
        """What its forward pass would have taken longer from an empty store."""
        return self.collected.seconds_saved


def models_for(modality: str, wanted: str | None) -> list[ModelCard]:
    """The subscribed cards that suit a modality, or the one that was asked for; all verified before anything starts.

    Raises:
        InputError: when nothing suitable is subscribed.
    """
    suitable = {one.card.name: one.card for one in gallery.subscriptions() if one.card.modality == modality}
    choices, unit = [card.name for card in gallery.cards() if card.modality == modality], get(modality).unit
    if wanted is not None and (asked := gallery.card(wanted)).modality != modality:
        what = f"{asked.name} takes {get(asked.modality).unit}, and the data holds {unit}"
        fix = f"--model {next(iter(suitable))}, or leave --model out" if suitable else f"headstart gallery subscribe {gallery.DEFAULTS[modality]}"
        raise InputError(what, got=f"--model {wanted}", allowed=suitable or choices, fix=fix)
    chosen = list(suitable) if wanted is None else [gallery.card(wanted).name]
    if not chosen:
        raise InputError(f"no model for {modality} data is subscribed", allowed=choices, fix=f"headstart gallery subscribe {gallery.DEFAULTS[modality]}")
    with ThreadPoolExecutor() as together:  # checksums of gigabytes
        list(together.map(gallery.weights, chosen))
    return [suitable[name] for name in chosen]


def open_candidate(card: ModelCard, dataset: Dataset, cuts: Sequence[str], *, exact: bool, recall: Recall = afresh) -> Candidate:
    """Build the network, find its blocks and choose its engine on this machine with the first items of the data, or as it was chosen for this run.

    Raises:
        InputError: when the network has no such cut.
    """
    items = prepared_for(card, dataset)
    backbone = open_backbone(card, items, seed=None)
    taps = tuple(sorted(cut for cut in set(backbone.cuts_of(cuts).values()) | set(middle_cuts(backbone)[:1]) if 0 < cut < backbone.depth))

    def raced() -> Choice:
        return choose(backbone, racing(items), taps, exact=exact)

    choice = recall_record(recall, Choice, f"engine of {card.name}", raced)
    return Candidate(card, backbone, items, choice, engine_named(choice.engine))


def reopened(candidate: Candidate, dataset: Dataset, cuts: Sequence[str], *, exact: bool, recall: Recall = afresh) -> Candidate:
    """The same candidate on other items: as it is, where it takes them as it took the first ones, else opened anew."""
    items = prepared_for(candidate.card, dataset)
    if items.identity == candidate.items.identity:
        return replace(candidate, items=items)
    return open_candidate(candidate.card, dataset, cuts, exact=exact, recall=recall)


def racing(items: PreparedItems) -> NDArray[np.generic]:
    """A batch for the race of engines; where items vary in length, of the bucket into which the middle one of them falls."""
    some = [items.prepare(n % len(items.content)) for n in range(BATCH_ITEMS)]
    if len({array.shape for array in some}) == 1:
        return np.stack(some)
    longest = bucket(int(np.median([len(array) for array in some])))
    return side_by_side([array[:longest] for array in some[: items_at_once(longest)]], longest)


def open_backbone(card: ModelCard, items: PreparedItems, seed: int | None) -> Backbone:
    """The pretrained network, or with a seed the same network from random weights."""
    network = build(card, gallery.weights(card.name)) if seed is None else build(card, None, seed=seed)
    sizes = json.dumps(to_plain(card.network), sort_keys=True)  # the number of heads stands in no weight and in no name of a layer
    return Backbone(network, torch.from_numpy(items.recipe.example()[None]), identity=digest(items.identity, card.architecture, sizes))


def collect_candidate(candidate: Candidate, cuts: Sequence[str], dataset: Dataset, store: Store, sink: Sink, *, recall: Recall = afresh) -> Collected:
    """One forward pass over everything, tapped at the middle and at the cuts that are worth keeping; no label is looked at."""
    started = time.perf_counter()
    name, n_items = candidate.card.name, len(dataset.content)
    middle = recall(f"middle cut of {name}", lambda: middle_cut(candidate, n_items, store))
    worth = recall(f"cuts of {name} that are worth keeping", lambda: wanted_cuts(candidate, cuts, n_items, store))
    wanted = sorted({*worth, *([] if middle is None else [middle])})
    unit = f"items · {name}"
    activations = collect(candidate.backbone, wanted, candidate.items, candidate.engine, store, label=name, sink=sink, unit=unit, recall=recall)
    features = activations[candidate.backbone.depth].rows(np.arange(n_items))[0]
    related = relatedness(candidate.card.trained_on, candidate.backbone, candidate.items)
    return Collected(candidate, activations, middle, features, related, time.perf_counter() - started)


def rank_collected(
    collected: Sequence[Collected], problem: Problem, left_out: Sequence[LeftOut] = (), *, every_score: bool = True
) -> tuple[Ranking, list[Probed]]:
    """Score every candidate on the training items of a problem and combine what is known with what was published.

    Args:
        collected: The candidates.
        problem: Its folds say which items may be looked at; the others' labels are not.
        left_out: Models that a limit excluded, to be named in the ranking.
        every_score: Also compute the scores that decide nothing here (1-NN and H-score, and LogME of a single candidate); else they are not a number.

    Returns:
        The ranking, the best first, and the probes in the order of ``collected``.

    Cost: the probes, about 1 s a model for 500 items.
    """
    scored, probed = [], []
    with_logme = every_score or len(collected) > 1
    for one in collected:
        with stage(problem.sink, f"score {one.candidate.card.name}"), one_thread():
            evidence, found = _scored(one, problem, with_logme=with_logme, every_score=every_score)
        scored.append(evidence)
        probed.append(found)
    return combine(scored, problem.metric, problem.seed, left_out), probed


def _scored(one: Collected, problem: Problem, *, with_logme: bool, every_score: bool) -> tuple[Scored, Probed]:
    started = time.perf_counter()
    found, head = _scores(one.features, problem, with_logme=with_logme, every_score=every_score)
    training = np.unique(np.concatenate([items for fold in problem.folds for items in fold]))
    inside = one.middle_features(training)
    spread = None if inside is None else _spread(inside, training, len(one.features))
    middle = None if spread is None else _scores(spread, problem, with_logme=with_logme, every_score=every_score)[1]
    seconds = one.seconds + time.perf_counter() - started
    card = one.candidate.card
    return Scored(card, one.candidate.ms_per_item, one.relatedness, head, middle, seconds), Probed(one, found, head.probe, seconds)


def _spread(rows: NDArray[np.float32], places: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    """Rows of some items at the places of all: the others are never looked at, so their zeros do not matter."""
    everything = np.zeros((n, rows.shape[1]), dtype=np.float32)
    everything[places] = rows
    return everything


def _scores(features: NDArray[np.generic], problem: Problem, *, with_logme: bool, every_score: bool) -> tuple[Probe, Scores]:
    dataset = problem.dataset
    found = probe(features, dataset.labels, problem.n_classes, problem.folds, problem.seed, balance=problem.balance)
    order = np.argsort(found.items)
    found = replace(found, items=found.items[order], said=found.said[order], prior=found.prior[order])
    said = problem.predictions(found.items, found.probabilities)
    rows, labels, measured = features[found.items], dataset.labels[found.items], measure(said, problem.metric, problem.seed)
    evidence = logme(rows, labels) if with_logme else np.nan
    near, shared = (nearest(rows, labels, said.units), h_score(rows, labels)) if every_score else (np.nan, np.nan)
    return found, Scores(said, measured, near, evidence, shared)


def middle_cuts(backbone: Backbone) -> list[int]:
    """The cuts near half of the FLOPs, the nearest first."""
    shares = {cut: backbone.trainable_share(cut) for cut in backbone.cuts if 0 < cut < backbone.depth}
    low, high = MIDDLE_WITHIN
    return sorted((cut for cut, share in shares.items() if low <= share <= high), key=lambda cut: abs(shares[cut] - HALF))


def middle_cut(candidate: Candidate, n_items: int, store: Store) -> int | None:
    """The cut nearest to half of the FLOPs whose activations are cheaper to keep than to compute again."""
    worth = (cut for cut in middle_cuts(candidate.backbone) if _worth_keeping(candidate, cut, n_items, store))
    return next(worth, None)


def wanted_cuts(candidate: Candidate, cuts: Sequence[str], n_items: int, store: Store) -> list[int]:
    """The head cut, and each other cut whose activations are cheaper to keep than to compute again."""
    backbone = candidate.backbone
    inner = sorted(cut for cut in set(backbone.cuts_of(cuts).values()) if 0 < cut < backbone.depth)
    return [*(cut for cut in inner if _worth_keeping(candidate, cut, n_items, store)), backbone.depth]


def _worth_keeping(candidate: Candidate, cut: int, n_items: int, store: Store) -> bool:
    return cost(candidate.backbone, cut, n_items, candidate.engine, candidate.items_per_second, store).kept
