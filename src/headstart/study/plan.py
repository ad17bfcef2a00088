"""What ``fit`` would do, why, and what it would cost: nothing is trained, no picture goes through a network but those of the race."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headstart.activations.cost import cost
from headstart.activations.store import SHARD_BYTES, Store
from headstart.base.events import Sink, silence
from headstart.base.resident import peak_bytes
from headstart.data import Dataset, load, split
from headstart.gallery.card import ModelCard
from headstart.planning.budget import CANDIDATES_SHARE, Budget, race_share
from headstart.planning.entrants import Entrant, admit
from headstart.planning.facts import Wishes
from headstart.planning.memory import Memory
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import first_plan
from headstart.ranking.combine import LeftOut
from headstart.study import room, tail
from headstart.study.candidates import Candidate, middle_cut, models_for, open_candidate, wanted_cuts
from headstart.study.gather import afforded, by_promise, cheapest_first, costs_much, too_dear
from headstart.study.languages import readers
from headstart.study.limits import Limits, within
from headstart.study.problem import known_facts
from headstart.study.tracks import least_seconds
from headstart.study.transfer import HEAD_SECONDS
from headstart.training.pixels import MEMORY_BYTES


@dataclass(frozen=True)
class ModelCost:
    """What one candidate would cost from an empty store.

    Attributes:
        model: Its name.
        engine: The engine that won the race on this machine.
        items_per_second: Its speed.
        forward_seconds: The forward pass over all items; of the first model also those over varied views and with random weights.
        store_bytes: What the store would take for the cuts that are worth keeping, and for these further passes.
    """

    model: str
    engine: str
    items_per_second: float
    forward_seconds: float
    store_bytes: int


@dataclass(frozen=True)
class CutCost:
    """What one way to retrain the first candidate would cost on one fold of the race, at least, by FLOPs.

    Attributes:
        cut: ``head``, ``last``, ….
        block: The first block that is retrained.
        trainable_share: Share of the FLOPs behind the cut.
        seconds: Of one fold.
        enters: Would it enter the race?
        why: Why not, where memory is the reason.
    """

    cut: str
    block: str
    trainable_share: float
    seconds: float
    enters: bool
    why: str = ""


@dataclass(frozen=True)
class Preview:
    """The plan before any evidence, and its price.

    Attributes:
        decisions: Every value with unit, why and source.
        models: The price of each candidate.
        cuts: The price of each way to retrain the first of them, in the starting order.
        seconds: Forward passes, races and the scratch twin together, or the budget; reading and the report are small beside them.
        bytes: Disk that the store would take.
        run_bytes: Disk that the run folder would take: the weights of the first model; another one may be picked.
        memory_bytes: Memory at the most, roughly, or the limit.
        left_out: Models that do not fit into the limits, and why.
    """

    decisions: tuple[Decision, ...]
    models: tuple[ModelCost, ...]
    cuts: tuple[CutCost, ...]
    seconds: float
    bytes: int
    run_bytes: int
    memory_bytes: int
    left_out: tuple[LeftOut, ...] = ()


def preview(
    data: Path,
    *,
    wishes: Wishes,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: str | None = None,
    sink: Sink = silence,
) -> Preview:
    """Make the first plan and price it; the arguments are those of ``fit``.

    Cost: reading the data once, and a race of engines of a few seconds per model that has not raced on this machine.
    """
    began, limits, memory, outside = time.perf_counter(), Limits.of(wishes), Memory(wishes.memory_bytes), list[LeftOut]()
    dataset = load(data, text=text, label=label, group=group, modality=modality, sink=sink)
    parts = split(dataset, seed=wishes.seed)
    memory.begin()
    cards = by_promise(readers(limits.allowed(models_for(dataset.modality, wishes.model), outside), dataset, outside, sink))
    plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), wishes)
    words = plan.words("cuts")
    budget = Budget(wishes.budget_seconds, began).less(tail.recall(tail.kind(dataset.modality, wishes.budget_seconds))).until(1.0)
    candidates = _opened(cards, dataset, plan, limits, memory, outside, wishes)  # engines race and are timed: `fit` recalls how that went
    if not candidates:
        raise limits.nothing_left(outside)
    budget = replace(budget, started=time.perf_counter())
    dataset, fewer = afforded(candidates[0], budget.until(CANDIDATES_SHARE), memory, dataset, Store(), wishes.seed)
    if fewer is not None:
        parts = split(dataset, seed=wishes.seed)
        plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), wishes).decide(fewer)
    prices = tuple(_price(one, dataset, words, n_more=_further_passes(plan, wishes) if place == 0 else 0) for place, one in enumerate(candidates))
    forward, n_races = sum(price.forward_seconds for price in prices), int(plan.number("rounds")) + (plan.number("rounds") > 1)
    races = n_races * plan.number("race_seconds")
    scratch = max(plan.number("scratch_least_seconds"), (prices[0].forward_seconds + races) * plan.number("scratch_times")) if wishes.twins else 0.0
    seconds = wishes.budget_seconds or round(forward + races + scratch, 1)
    n_heats = plan.number("race_folds")
    n_seen = len(parts.train) + (len(parts.validation) if n_heats > 1 else 0)  # an epoch's worth: of several heats each takes the steps of a fit to the pool
    one_race = plan.number("race_seconds") if wishes.budget_seconds is None else _race_seconds(candidates, len(dataset), budget, n_races, twins=wishes.twins)
    cuts = tuple(_cuts(candidates[0], plan, one_race, n_seen, memory, len(dataset)))
    held = wishes.memory_bytes or _memory(candidates, dataset, twins=wishes.twins)
    return Preview(plan.decisions, prices, cuts, seconds, sum(price.store_bytes for price in prices), room.kept_bytes(candidates[0].card), held, tuple(outside))


def _opened(
    cards: Sequence[ModelCard], dataset: Dataset, plan: Plan, limits: Limits, memory: Memory, outside: list[LeftOut], wishes: Wishes
) -> list[Candidate]:
    """The candidates that keep within the limits, fit into memory and are not too dear; the others are added to ``outside``."""
    found: list[Candidate] = []
    dear: list[Candidate] = []
    for card in cards:
        reason = room.to_open(card, memory)
        if not reason:
            one = open_candidate(card, dataset, plan.words("cuts"), exact=wishes.precision == "float32")
            held = int(min(room.items_held(one, len(dataset), memory), len(dataset)))
            reason = within(limits, card, one.ms_per_item) or room.to_pass(one, len(dataset), memory, held=held)
        if reason:
            outside.append(LeftOut(card.name, reason))
        else:
            (dear if found and costs_much(one, plan, wishes.budget_seconds) else found).append(one)
    for one in cheapest_first(dear):
        if reason := too_dear(one, found):
            outside.append(LeftOut(one.card.name, reason))
        else:
            found.append(one)
    return found


def _further_passes(plan: Plan, wishes: Wishes) -> int:
    """How often all items may go once more through the network that is picked: varied views, and the same network with random weights."""
    return int(plan.number("views")) + wishes.twins


def _price(candidate: Candidate, dataset: Dataset, words: Sequence[str], *, n_more: int) -> ModelCost:
    speed, n, store, head = candidate.items_per_second, len(dataset.content), Store(), candidate.backbone.depth
    middle = middle_cut(candidate, n, store)
    cuts = {*wanted_cuts(candidate, words, n, store), *([] if middle is None else [middle])}
    held = {cut: cost(candidate.backbone, cut, n, candidate.engine, speed, store).bytes for cut in cuts}
    return ModelCost(candidate.card.name, candidate.choice.engine, speed, (1 + n_more) * n / speed, sum(held.values()) + n_more * held[head])


def _race_seconds(candidates: Sequence[Candidate], n_items: int, budget: Budget, n_races: int, *, twins: bool) -> float:
    """What a race may take under a budget: its part of what the forward passes leave, which take as much as they may, or as they need."""
    passes = min(CANDIDATES_SHARE * budget.left, sum(n_items / one.items_per_second for one in candidates))
    return race_share(budget.less(passes), n_races, 1, twins=twins) or 0.0


def _cuts(candidate: Candidate, plan: Plan, seconds: float, n_seen: int, memory: Memory, n_items: int) -> Iterator[CutCost]:
    backbone = candidate.backbone
    options: list[Entrant] = []
    names: list[str] = []
    for word, cut in backbone.cuts_of(plan.words("cuts")).items():
        if all(one.cut != cut for one in options):
            least = least_seconds(candidate, cut, n_seen * plan.number("epochs")) if cut < backbone.depth else HEAD_SECONDS
            options.append(Entrant(candidate.card.name, cut, candidate.block_name(cut), backbone.depth - cut, least))
            names.append(word)
    entered, _ = admit(sorted(options, key=lambda one: not one.is_linear), seconds, int(plan.number("race_folds")))
    for word, one in zip(names, options, strict=True):
        fits = one.is_linear or room.to_train(backbone, one.cut, int(plan.number("batch_items")), memory, n_items) > 0
        why = "" if fits else room.no_room(backbone, one.cut, memory, n_items)
        yield CutCost(word, one.block, backbone.trainable_share(one.cut), round(one.seconds, 1), one in entered and fits, why)


def _memory(candidates: Sequence[Candidate], dataset: Dataset, *, twins: bool) -> int:
    """This process now, shards that are being written, and the prepared items that whole-network training keeps."""
    shards = 3 * SHARD_BYTES
    pixels = min(MEMORY_BYTES, len(dataset.content) * candidates[0].backbone.example[0].nbytes) if twins else 0
    return peak_bytes() + shards + pixels
