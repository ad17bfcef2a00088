"""Cards in, collected candidates out: each opened and asked once about every item; under a budget as many models and items as it affords."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from headstart import gallery
from headstart.activations.collect import stage_of
from headstart.activations.store import Store
from headstart.base.events import Event, Sink, stage
from headstart.base.journal import Journal, Recall
from headstart.data import Dataset
from headstart.data.sample import sampled
from headstart.gallery.card import ModelCard
from headstart.planning.budget import CANDIDATES_SHARE, Budget
from headstart.planning.memory import NO_LIMIT, Memory
from headstart.planning.plan import Decision, Plan
from headstart.ranking.combine import LeftOut
from headstart.ranking.probe import MOST_ITEMS
from headstart.study import room
from headstart.study.candidates import Candidate, Collected, collect_candidate, open_candidate, reopened
from headstart.study.languages import cut_short, readers
from headstart.study.limits import Limits, within

SAFETY = 1.2  # times what the dearest model so far took: the next one may be slower
PASS_SHARE = 0.7  # of the candidates' seconds that the first forward pass may take
SCORED_TIMES = 2  # at least: for one round that judges, and for the one that is delivered
SCORING_SECONDS = 0.003  # an item and model: probes of the head and the middle cut (2.4 s for 670 items on a slow machine)
ITEM_SECONDS = 0.004  # beside the pass: an item's decoding, its plain features, the heads that are fitted to it


@dataclass(frozen=True, eq=False)
class Gathered:
    """What is known of the data without any label.

    Attributes:
        dataset: All of it, or the part that a budget affords.
        collected: The candidates.
        left_out: Models that did not compete, and why.
        decision: How many items the budget affords; None when all of them.
        seconds: What opening and asking each candidate took, by its name.
    """

    dataset: Dataset
    collected: tuple[Collected, ...]
    left_out: tuple[LeftOut, ...]
    decision: Decision | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def gather(
    cards: Sequence[ModelCard],
    dataset: Dataset,
    plan: Plan,
    limits: Limits,
    budget: Budget,
    store: Store,
    sink: Sink,
    *,
    exact: bool,
    journal: Journal | None = None,
    memory: Memory = NO_LIMIT,
) -> Gathered:
    """Open the candidates and bring their activations into the store; what budget and memory afford is decided once in a run's life.

    Raises:
        InputError: when no model keeps within the limits, or milliseconds are limited and nothing is timed.
    """
    limits.timed(exact=exact)
    journal = Journal() if journal is None else journal
    recall, share = journal.recall, kept(budget.until(CANDIDATES_SHARE), journal, "candidates' budget")
    cuts, seconds, decision = plan.words("cuts"), dict[str, float](), None
    collected: list[Collected] = []
    outside: list[LeftOut] = []
    for card in by_promise(readers(limits.allowed(cards, outside), dataset, outside, sink)):
        needed = SAFETY * max(seconds.values(), default=0.0) + SCORED_TIMES * SCORING_SECONDS * min(len(dataset), MOST_ITEMS)
        if collected and (reason := recall(f"time for {card.name}", partial(_no_time, share, needed, f"it would take about {needed:.0f} s, scores included"))):
            outside.append(LeftOut(card.name, reason))
            continue
        if reason := recall(f"memory for {card.name}", partial(room.to_open, card, memory)):
            outside.append(LeftOut(card.name, reason))
            continue
        began = journal.instant(card.name)
        with stage(sink, f"open {card.name}"):
            candidate = open_candidate(card, dataset, cuts, exact=exact, recall=recall)
        if reason := within(limits, card, candidate.ms_per_item):
            outside.append(LeftOut(card.name, reason))
            continue
        before = [one.candidate for one in collected]
        if share.seconds is None and (reason := recall(f"price of {card.name}", partial(too_dear, candidate, before, dataset, plan, store))):
            outside.append(LeftOut(card.name, reason))
            sink(Event("note", "candidates", text=f"{card.name} is not asked: {reason}"))
            continue
        if collected and (reason := recall(f"time for a pass of {card.name}", partial(_no_pass, share, candidate, dataset, store))):
            outside.append(LeftOut(card.name, reason))
            continue
        if reason := recall(f"memory for a pass of {card.name}", partial(room.to_pass, candidate, len(dataset), memory)):
            outside.append(LeftOut(card.name, reason))
            continue
        cut_short(card, candidate.items, sink)
        n_items = len(dataset)
        affordable, limit, because = (float("inf"), "", "") if collected else _items(candidate, share, memory, n_items, recall)
        if affordable < n_items:
            dataset = sampled(dataset, int(affordable), int(plan.number("seed")))
            why = f"{limit} {len(dataset)} of {n_items} items{because}"
            sink(Event("note", "candidates", text=why))
            decision = Decision("items", len(dataset), "items", why, "measured")
            candidate = reopened(candidate, dataset, cuts, exact=exact, recall=recall)
        if reason := recall(f"memory for the features of {card.name}", partial(room.to_pass, candidate, len(dataset), memory, held=len(dataset))):
            outside.append(LeftOut(card.name, reason))
            continue
        collected.append(collect_candidate(candidate, cuts, dataset, store, sink, recall=recall))
        seconds[card.name] = recall(f"seconds of {card.name}", partial(since, began))
    if not collected:
        raise limits.nothing_left(outside)
    return Gathered(dataset, tuple(collected), tuple(outside), decision, seconds)


def too_dear(candidate: Candidate, before: Sequence[Candidate], dataset: Dataset, plan: Plan, store: Store) -> str:
    """Why a model is not worth its forward pass where nobody set a budget: one network should not take longer than all others together; "" where it is."""
    asked = sum(len(dataset) / one.items_per_second for one in before)
    needed = missing(candidate, dataset, store) / candidate.items_per_second
    if not before or needed <= max(plan.number("dear_pass_seconds"), asked):
        return ""
    others = "that of the model before it" if len(before) == 1 else f"those of the {len(before)} models before it together"
    return f"its forward pass would take about {needed:.0f} s, {others} {asked:.0f} s; --model {candidate.card.name} or --effort thorough asks it"


def kept(budget: Budget, journal: Journal, key: str) -> Budget:
    """A part of a budget as it was allotted when the run first came by, with what has been used of it since."""
    return budget if budget.seconds is None else Budget(journal.recall(key, lambda: budget.seconds), journal.instant(key))


def _no_time(share: Budget, least: float, why: str) -> str:
    return "" if share.left >= least else f"--budget: {max(0.0, share.left):.0f} s were left for it, {why}"


def _no_pass(share: Budget, candidate: Candidate, dataset: Dataset, store: Store) -> str:
    return "" if share.seconds is None else _no_time(share, missing(candidate, dataset, store) / candidate.items_per_second, "its forward pass takes longer")


def _items(candidate: Candidate, share: Budget, memory: Memory, n: int, recall: Recall) -> tuple[float, str, str]:
    """How many of n items budget and memory afford; which of the two says so, and why."""
    name, speed = candidate.card.name, candidate.items_per_second
    in_time = float("inf") if share.seconds is None else recall("affordable items", partial(_affordable, share, 1 / speed + ITEM_SECONDS))
    held = float("inf") if not memory.is_limited else recall("items that memory holds", partial(room.items_held, candidate, n, memory))
    if held < in_time:
        return held, "--memory holds", f", each with {room.width(candidate.backbone)} features of {name}"
    return in_time, "--budget affords", f": {name} takes {1000 / speed:.1f} ms an item"


def _affordable(share: Budget, item_seconds: float) -> float:
    return max(0.0, share.left * PASS_SHARE / item_seconds)


def since(began: float) -> float:
    """Seconds since a reading of ``time.perf_counter``."""
    return time.perf_counter() - began


def missing(candidate: Candidate, dataset: Dataset, store: Store) -> int:
    """How many items the store does not hold yet at a candidate's head."""
    backbone = candidate.backbone
    shelf = store.shelf(stage_of(backbone, backbone.depth, candidate.engine, candidate.card.name))
    return sum(item not in shelf for item in dataset.content)


def by_promise(cards: Sequence[ModelCard]) -> list[ModelCard]:
    """The order in which models are asked while time lasts: the gallery's default, then by published accuracy, the small before the large."""
    return sorted(cards, key=lambda card: (card.name not in gallery.DEFAULTS.values(), -(card.prior.value if card.prior else 0.0), card.bytes))
