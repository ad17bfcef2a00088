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
from headstart.base.journal import Journal, Recall, afresh
from headstart.data import Dataset
from headstart.data.sample import sampled
from headstart.gallery.card import ModelCard
from headstart.planning.budget import CANDIDATES_SHARE, Budget, kept
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
        InputError: when no model keeps within the limits.
    """
    journal = Journal() if journal is None else journal
    share = kept(budget.until(CANDIDATES_SHARE), journal, "candidates' budget")
    gathering = _Gathering(dataset, plan, limits, share, store, sink, journal, memory, exact)
    dear: list[Candidate] = []
    for card in by_promise(readers(limits.allowed(cards, gathering.outside), dataset, gathering.outside, sink)):
        candidate = gathering.opened(card)
        if candidate is None:
            continue
        if gathering.collected and costs_much(candidate, plan, share.seconds):
            dear.append(candidate)
        else:
            gathering.ask(candidate)
    for candidate in cheapest_first(dear):
        reason = too_dear(candidate, [one.candidate for one in gathering.collected])
        if reason:
            gathering.leave_out(candidate.card, reason)
            sink(Event("note", "candidates", text=f"{candidate.card.name} is not asked: {reason}"))
        else:
            gathering.ask(candidate)
    if not gathering.collected:
        raise limits.nothing_left(gathering.outside)
    return Gathered(gathering.dataset, tuple(gathering.collected), tuple(gathering.outside), gathering.decision, gathering.seconds)


def cheapest_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """In the order of what their forward passes take."""
    return sorted(candidates, key=lambda one: one.pass_seconds)


def costs_much(candidate: Candidate, plan: Plan, budget_seconds: float | None) -> bool:
    """Must a model wait until the others have been asked? Under a budget none must: what it affords decides."""
    return budget_seconds is None and candidate.pass_seconds > plan.number("dear_pass_seconds")


def too_dear(candidate: Candidate, others: Sequence[Candidate]) -> str:
    """Why a model is not worth its forward pass where nobody set a budget: it should not take longer than those of all others together; "" where it is.

    What the store holds of it already does not count: the same data and seed take the same models, whatever was asked before.
    """
    needed, asked = candidate.pass_seconds, sum(one.pass_seconds for one in others)
    if needed <= asked:
        return ""
    named = f"that of {others[0].card.name}" if len(others) == 1 else f"those of the {len(others)} others together"
    return f"its forward pass would take about {needed:.0f} s, {named} {asked:.0f} s; --model {candidate.card.name} or --effort thorough asks it"


@dataclass(eq=False)
class _Gathering:
    """What has been opened and asked so far; `Gathered` says what the fields mean."""

    dataset: Dataset
    plan: Plan
    limits: Limits
    share: Budget
    store: Store
    sink: Sink
    journal: Journal
    memory: Memory
    exact: bool
    collected: list[Collected] = field(default_factory=list)
    outside: list[LeftOut] = field(default_factory=list)
    decision: Decision | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    _opening: dict[str, float] = field(default_factory=dict)

    def leave_out(self, card: ModelCard, reason: str) -> None:
        """A model does not compete."""
        self.outside.append(LeftOut(card.name, reason))

    def opened(self, card: ModelCard) -> Candidate | None:
        """The model, opened and timed, if budget, memory and limits allow."""
        recall, began = self.journal.recall, self.journal.instant(card.name)
        reason = recall(f"time for {card.name}", self._no_time_for_another) if self.collected else ""
        if not (reason := reason or recall(f"memory for {card.name}", partial(room.to_open, card, self.memory))):
            with stage(self.sink, f"open {card.name}"):
                candidate = open_candidate(card, self.dataset, self.plan.words("cuts"), exact=self.exact, recall=recall)
            self._opening[card.name] = recall(f"seconds of opening {card.name}", partial(since, began))
            if not (reason := within(self.limits, card, candidate.ms_per_item)):
                return candidate
        self.leave_out(card, reason)
        return None

    def ask(self, candidate: Candidate) -> None:
        """One forward pass over everything, if budget and memory allow; the first model decides how much everything is."""
        card, recall = candidate.card, self.journal.recall
        began, n_items = self.journal.instant(f"pass of {card.name}"), len(self.dataset)
        waits = partial(_no_pass, self.share, candidate, self.dataset, self.store)
        reason = recall(f"time for a pass of {card.name}", waits) if self.collected else ""
        if reason := reason or recall(f"memory for a pass of {card.name}", partial(room.to_pass, candidate, n_items, self.memory)):
            self.leave_out(card, reason)
            return
        cut_short(card, candidate.items, self.sink)
        cuts = self.plan.words("cuts")
        if not self.collected:
            seed = int(self.plan.number("seed"))
            self.dataset, self.decision = afforded(candidate, self.share, self.memory, self.dataset, self.store, seed, recall)
            if self.decision is not None:
                self.sink(Event("note", "candidates", text=self.decision.why))
                candidate = reopened(candidate, self.dataset, cuts, exact=self.exact, recall=recall)
        held = partial(room.to_pass, candidate, len(self.dataset), self.memory, held=len(self.dataset))
        if reason := recall(f"memory for the features of {card.name}", held):
            self.leave_out(card, reason)
            return
        self.collected.append(collect_candidate(candidate, cuts, self.dataset, self.store, self.sink, recall=recall))
        self.seconds[card.name] = self._opening[card.name] + recall(f"seconds of {card.name}", partial(since, began))

    def _no_time_for_another(self) -> str:
        needed = SAFETY * max(self.seconds.values(), default=0.0) + SCORED_TIMES * SCORING_SECONDS * min(len(self.dataset), MOST_ITEMS)
        return _no_time(self.share, needed, f"it would take about {needed:.0f} s, scores included")


def _no_time(share: Budget, least: float, why: str) -> str:
    return "" if share.left >= least else f"--budget: {max(0.0, share.left):.0f} s were left for it, {why}"


def _no_pass(share: Budget, candidate: Candidate, dataset: Dataset, store: Store) -> str:
    return "" if share.seconds is None else _no_time(share, missing(candidate, dataset, store) / candidate.items_per_second, "its forward pass takes longer")


def afforded(
    candidate: Candidate, share: Budget, memory: Memory, dataset: Dataset, store: Store, seed: int, recall: Recall = afresh
) -> tuple[Dataset, Decision | None]:
    """As many items as budget and memory afford when this is the first model that is asked, or as classes need; which says so; None where they afford all."""
    name, speed, n = candidate.card.name, candidate.items_per_second, len(dataset)
    in_time = float("inf") if share.seconds is None else recall("affordable items", lambda: _affordable(share, missing(candidate, dataset, store) / n / speed))
    held = float("inf") if not memory.is_limited else recall("items that memory holds", partial(room.items_held, candidate, n, memory))
    if min(in_time, held) >= n:
        return dataset, None
    most = int(min(in_time, held))
    part = sampled(dataset, most, seed)
    limit, because = "--budget affords", f": {name} takes {1000 / speed:.1f} ms an item"
    if held < in_time:
        limit, because = "--memory holds", f", each with {room.width(candidate.backbone)} features of {name}"
    n_parts = len(set(dataset.given_split or ("",)))
    rounded = len(dataset.classes) * n_parts  # by so many at most do whole items of every class and part exceed what was asked for
    needs = f"; {len(part)} are taken, for each of {len(dataset.classes)} classes needs a few" if len(part) > most + rounded else ""
    why = f"{limit} {most if needs else len(part)} of {n} items{because}{needs}"
    return part, Decision("items", len(part), "items", why, "measured")


def _affordable(share: Budget, pass_seconds: float) -> float:
    """How many items there is time for; what the store holds of them costs no pass, so that of an item is the mean over all."""
    return max(0.0, share.left * PASS_SHARE / (pass_seconds + ITEM_SECONDS))


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
