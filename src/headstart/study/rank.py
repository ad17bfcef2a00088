"""Data in, ranking out: every subscribed model is opened and asked once for its features; nothing is trained but linear probes."""

from __future__ import annotations

from pathlib import Path

from headstart.activations.store import Store
from headstart.base.events import Sink, silence
from headstart.data import load, split
from headstart.planning.budget import Budget
from headstart.planning.facts import Wishes
from headstart.planning.memory import NO_LIMIT
from headstart.planning.rules import first_plan
from headstart.ranking.combine import Ranking
from headstart.study.candidates import models_for, rank_collected
from headstart.study.gather import gather
from headstart.study.limits import Limits
from headstart.study.problem import known_facts, pose


def rank(
    data: Path,
    *,
    wishes: Wishes,
    limits: Limits | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: str | None = None,
    sink: Sink = silence,
) -> Ranking:
    """Say which subscribed model suits the data best, and why; the labels of test items are not looked at.

    Args:
        data: What ``headstart.data.load`` reads.
        wishes: Seed, precision and, where one model only is asked about, its name.
        limits: What a model may weigh, take and be licensed under.
        text: Name of the column of texts, where there are columns.
        label: Name of the label column, where there are columns.
        group: Name of the column whose values stay on one side of the split.
        modality: The kind of data; found by what lies there when not given.
        sink: Receives events.

    Raises:
        InputError: when the data cannot be used, nothing is subscribed, or no model keeps within the limits.

    Cost: one forward pass a model over all items (nothing for items that are in the store), then about a second a model.
    """
    NO_LIMIT.begin()
    dataset = load(data, text=text, label=label, group=group, modality=modality, sink=sink)
    parts = split(dataset, seed=wishes.seed)
    cards = models_for(dataset.modality, wishes.model)
    plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), wishes)
    problem = pose(dataset, parts, plan, Store(), sink)
    gathered = gather(cards, dataset, plan, limits or Limits(), Budget(), problem.store, sink, exact=wishes.precision == "float32")
    return rank_collected(gathered.collected, problem, gathered.left_out)[0]
