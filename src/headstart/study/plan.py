"""What ``fit`` would do, why, and what it would cost: nothing is trained, no picture goes through a network but those of the race."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headstart.activations.cost import Cost, cost
from headstart.activations.store import Store
from headstart.base.events import Sink, silence
from headstart.data import load, split
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision
from headstart.planning.rules import first_plan
from headstart.study.candidates import models_for, open_candidate, wanted_cuts
from headstart.study.problem import known_facts


@dataclass(frozen=True)
class ModelCost:
    """What one candidate would cost from an empty store.

    Attributes:
        model: Its name.
        engine: The engine that won the race on this machine.
        items_per_second: Its speed.
        forward_seconds: The one forward pass over all items.
        store_bytes: What the store would take for the cuts that are worth keeping.
    """

    model: str
    engine: str
    items_per_second: float
    forward_seconds: float
    store_bytes: int


@dataclass(frozen=True)
class Preview:
    """The plan before any evidence, and its price.

    Attributes:
        decisions: Every value with unit, why and source.
        models: The price of each candidate.
        seconds: Forward passes and the scratch twin together; reading, probing and tuning are small beside them.
        bytes: Disk that the store would take.
    """

    decisions: tuple[Decision, ...]
    models: tuple[ModelCost, ...]
    seconds: float
    bytes: int


def preview(
    data: Path,
    *,
    wishes: Wishes,
    label: str | None = None,
    group: str | None = None,
    sink: Sink = silence,
) -> Preview:
    """Make the first plan and price it; the arguments are those of ``fit``.

    Cost: reading the data once, and a race of engines of a few seconds per model that has not raced on this machine.
    """
    dataset = load(data, label=label, group=group, sink=sink)
    parts = split(dataset, seed=wishes.seed)
    cards = models_for(dataset.modality, wishes.model)
    plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), wishes)
    store, prices = Store(), []
    for card in cards:
        candidate = open_candidate(card, dataset, plan.words("cuts"), exact=wishes.precision == "float32")
        speed = candidate.items_per_second
        wanted = wanted_cuts(candidate, plan.words("cuts"), len(dataset.content), store)
        kept: list[Cost] = [cost(candidate.backbone, one, len(dataset.content), candidate.engine, speed, store) for one in wanted]
        prices.append(ModelCost(card.name, candidate.choice.engine, speed, len(dataset.content) / speed, sum(one.bytes for one in kept)))
    forward = sum(price.forward_seconds for price in prices)
    scratch = max(plan.number("scratch_least_seconds"), forward * plan.number("scratch_times")) if wishes.twins else 0.0
    return Preview(plan.decisions, tuple(prices), round(forward + scratch, 1), sum(price.store_bytes for price in prices))
