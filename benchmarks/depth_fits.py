"""Every cut fitted on the same labelled items and scored on many others, and the race's own choice among them: what a regret of depth rests on.

In: a folder with train/ and test/, a card's name, a seed. Out: plain values for the ledger: of every cut what each validation fold said of it, epoch by
epoch, what each held item was told at the end, and its score on the test part after a fit to everything that may be learnt from; then what
``study.transfer`` takes on the same heats (they are run once) and how that scores. Beside the values every probability is kept in an ``.npz`` under
headstart's home, so that ways of choosing can be compared later without training anything again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from headstart import gallery
from headstart.activations.collect import Activations, collect
from headstart.activations.store import Store
from headstart.base.events import silence
from headstart.base.folders import home
from headstart.base.seeds import seed_for
from headstart.data import load, split
from headstart.evaluation.metrics import score
from headstart.planning.budget import Budget
from headstart.planning.entrants import Entrant
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision
from headstart.planning.rules import first_plan
from headstart.ranking.combine import Ranking
from headstart.study.candidates import collect_candidate, open_candidate, rank_collected
from headstart.study.items import PreparedItems
from headstart.study.problem import Problem, known_facts, pose
from headstart.study.tracks import Contest, Tracks, judged, worth
from headstart.study.transfer import transfer
from headstart.task.linear import Floats, LinearHead
from headstart.training.loop import Trained
from headstart.training.race import Heat

CUTS = ("head", "last", "last2", "half", "all")  # the shallowest first
LONG_SECONDS = 1e6  # of a race: everybody is admitted
DIGITS = 6
SAME_SCORE = 0.06  # of a head on the same items then and now: how heads are fitted has changed, and engines differ by a point
Fit = tuple[LinearHead | None, dict[str, Tensor]]


@dataclass(eq=False)
class Remembering(Contest):
    """A contest that runs every heat and every refit once, whoever asks."""

    tracks: PoolViews
    heats: dict[tuple[str, int], Heat] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)

    def run(self, entrant: Entrant, fold: int) -> Heat:
        """A heat, run or recalled."""
        key = named(entrant), fold
        if key not in self.heats:
            self.heats[key] = super().run(entrant, fold)
        return self.heats[key]

    def refit(self, entrant: Entrant) -> Fit:
        """A fit to the whole pool, made or recalled."""
        key = named(entrant)
        if key not in self.fits:
            self.fits[key] = super().refit(entrant)
        return self.fits[key]

    def answered(self, fit: Fit, entrant: Entrant, items: NDArray[np.int64]) -> Floats:
        """What a fit says of items."""
        head, weights = fit
        if head is not None:
            return head.probabilities(self.tracks.collected[entrant.model].features[items])
        return self.answer(entrant.model, entrant.cut, weights, items)


@dataclass(frozen=True)
class Some:
    """Some of a data set's items, for a forward pass."""

    items: PreparedItems
    index: NDArray[np.int64]

    @property
    def content(self) -> Sequence[str]:
        """Content hash of each."""
        return [self.items.content[n] for n in self.index]

    def prepare(self, index: int) -> NDArray[np.generic]:
        """Read and prepare one."""
        return self.items.prepare(int(self.index[index]))


@dataclass(eq=False)
class PoolViews(Tracks):
    """Tracks that compute varied views of the pool only (the product's test part is a fifth of its data, here it is nearly all) and say what steps took."""

    steps: list[float | None] = field(default_factory=list)

    def took(self, entrant: Entrant, trained: Trained) -> None:
        """Note what a training's steps took."""
        self.steps.append(trained.seconds_per_step)
        super().took(entrant, trained)

    def features(self, model: str, views: int, problem: Problem) -> list[NDArray[np.generic]]:
        """Head features of all items, of each view; those of the test items are zeros that nobody reads."""
        one, found = self.collected[model], []
        for view in range(1, views + 1):
            spread = np.zeros_like(one.features)
            spread[problem.pool] = self._activations(model, one.candidate.backbone.depth, view, problem).rows(problem.pool)[0]
            found.append(spread)
        return [one.features, *found]

    def _activations(self, model: str, cut: int, view: int, problem: Problem) -> Activations:
        if view == 0 or (model, cut, view) in self._kept:
            return super()._activations(model, cut, view, problem)
        one = self.collected[model].candidate
        some = Some(one.items.seen_as(view), problem.pool)
        found = collect(one.backbone, [cut], some, one.engine, problem.store, label=model, view=view)[cut]
        self._kept[(model, cut, view)] = replace(found, content=tuple(one.items.content))
        return self._kept[(model, cut, view)]


def named(entrant: Entrant) -> str:
    """An entrant as a key."""
    return f"{entrant.model} {entrant.cut} {entrant.views} {sorted(entrant.changes.items())}"


def contest_on(data: Path, model: str, *, seed: int, cuts: Sequence[str], pinned: Mapping[str, float]) -> tuple[Remembering, Ranking, float]:
    """A network opened and collected on a folder, and the race's contest over its train part.

    Returns:
        The contest, under a plan with the pinned values, the ranking (of one model), and the seconds of collecting and ranking.
    """
    dataset = load(data)
    parts = split(dataset, seed=seed)
    plan = first_plan(known_facts(dataset, parts, [model]), Wishes(model=model, seed=seed))
    plan = plan.decide(replace(plan.decision("cuts"), value=tuple(cut for cut in plan.words("cuts") if cut in cuts)))
    for name, value in pinned.items():
        plan = plan.decide(Decision(name, value, "", "of the benchmark", "rule"))
    problem = pose(dataset, parts, plan, Store(), silence)
    candidate = open_candidate(gallery.card(model), dataset, plan.words("cuts"), exact=False)
    began = time.perf_counter()
    collected = collect_candidate(candidate, plan.words("cuts"), dataset, problem.store, silence)
    ranking, probed = rank_collected([collected], problem)
    seconds = time.perf_counter() - began
    return Remembering(PoolViews({model: collected}, plan), {model: probed[0]}, problem), ranking, seconds


def entrants_of(contest: Contest, model: str, cuts: Sequence[str]) -> dict[str, Entrant]:
    """The cuts of a network as entrants, the shallowest first."""
    candidate = contest.tracks.collected[model].candidate
    depth = candidate.backbone.depth
    found = candidate.backbone.cuts_of(cuts)
    return {cut: Entrant(model, place, candidate.block_name(place), depth - place if place else None, 0.0) for cut, place in found.items()}


def measure(
    data: Path, model: str, *, seed: int, pinned: Mapping[str, float], cuts: Sequence[str], name: str, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Fit every cut, race them, score everything on the test part; where the fits of the same cell are known, only the folds are run, and no race.

    Raises:
        ValueError: What is known is of another draw of items.
    """
    contest, ranking, seconds = contest_on(data, model, seed=seed, cuts=cuts, pinned={"race_seconds": LONG_SECONDS, **pinned})
    problem, plan, dataset = contest.problem, contest.tracks.plan, contest.problem.dataset
    kept: dict[str, NDArray[Any]] = {"truth": dataset.labels[problem.split.test], "held": problem.held(), "held_truth": dataset.labels[problem.held()]}
    fits, backbone = {}, contest.tracks.collected[model].candidate.backbone
    for cut, entrant in entrants_of(contest, model, cuts).items():
        where = {"trainable": round(backbone.trainable_share(entrant.cut), 4), "place": entrant.cut}
        fits[cut] = fitted_cut(contest, entrant, kept, cut, known) | where
    about = {"n_pool": len(problem.pool), "n_test": len(problem.split.test), "n_classes": problem.n_classes, "metric": problem.metric}
    about |= {"epochs": plan.number("epochs"), "prepared_seconds": round(seconds, 1), "cuts": fits}
    if known is not None:
        return about | {"race": None, "note": "fits of retrained cuts to the whole pool and their test scores as recorded before; heads and folds anew"}
    began = time.perf_counter()
    raced = transfer(ranking, contest, plan, Budget(), n_races=1)
    race_seconds = time.perf_counter() - began
    kept["race/test"] = raced.arm.answer(problem.split.test)
    rows = []
    for number, result in enumerate(raced.results):
        entrant = result.entrant
        row = {"place": entrant.cut, "source": entrant.source, "views": entrant.views, "outcome": result.outcome, "changes": entrant.changes}
        rows.append(row | {"seconds": round(result.seconds, 2), "standing": [round(one, DIGITS) for one in result.standing], "folds": len(result.heats)})
        if result.heats and (entrant.source != "rule" or entrant.views):
            kept[f"race/{number}/held"] = judged(problem, result.heats).probabilities
    home_file = home() / "depth" / f"{name}.npz"
    home_file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(home_file, allow_pickle=False, **kept)
    return about | {"race_seconds": round(race_seconds, 1), "race": {"rows": rows, "test": scored(problem, kept["race/test"])}}


def fitted_cut(contest: Remembering, entrant: Entrant, kept: dict[str, NDArray[Any]], cut: str, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One cut on every fold and, unless its test scores are known, on the whole pool; a head is always fitted, for it shows that the items are the same."""
    problem, test = contest.problem, contest.problem.split.test
    began = time.perf_counter()
    heats = [contest.run(entrant, fold) for fold in range(len(problem.heats))]
    expected = 0.0 if entrant.is_linear else contest.tracks.fold_seconds(entrant.model, entrant.cut, problem)
    fold_seconds, refit_began = time.perf_counter() - began, time.perf_counter()
    if known is None or entrant.is_linear:
        kept[f"{cut}/test"] = contest.answered(contest.refit(entrant), entrant, test)
        tested = scored(problem, kept[f"{cut}/test"])
    refit_seconds = time.perf_counter() - refit_began
    if known is not None and not entrant.is_linear:
        tested = known["cuts"][cut]["test"]
    elif known is not None and abs(tested["all"] - known["cuts"][cut]["test"]["all"]) > SAME_SCORE:
        raise ValueError(f"the head scores {tested['all']} on the test part, {known['cuts'][cut]['test']['all']} was recorded: are these the same items?")
    said = judged(problem, heats)
    kept[f"{cut}/held"] = said.probabilities
    folds = [
        {"n": len(heat.probabilities), "seconds": round(heat.seconds, 3), "expected_seconds": round(expected, 3)}
        | {"history": [[one.validation_loss, one.validation_accuracy] for one in heat.history]}
        for heat in heats
    ]
    return {
        "folds": folds, "test": tested, "score": round(problem.score(said), DIGITS), "log_loss": round(score(said, "log_loss"), DIGITS),
        **items_told(-worth(problem, heats), said.right), "seconds": round(fold_seconds, 2), "refit_seconds": round(refit_seconds, 2),
    }  # fmt: skip


def items_told(losses: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, list[float]]:
    """What the rules see of each held item."""
    return {"losses": [round(float(one), 4) for one in losses], "right": [int(one) for one in right]}


def scored(problem: Problem, probabilities: Floats) -> dict[str, float]:
    """The metric on all test items and on two halves of them: choosing the best by one half and scoring it on the other is free of the winner's curse."""
    test = problem.split.test
    order = np.random.default_rng(seed_for(0, "halves of the test part")).permutation(len(test))
    return {
        name: round(value, DIGITS)
        for name, value in zip(("all", "first", "second"), (_on(problem, probabilities, one) for one in parts_of(order)), strict=True)
    }


def parts_of(order: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Everything, and its halves."""
    return order, order[: len(order) // 2], order[len(order) // 2 :]


def _on(problem: Problem, probabilities: Floats, chosen: NDArray[np.int64]) -> float:
    return problem.score(problem.predictions(problem.split.test[chosen], probabilities[chosen]))
