"""The river as one file: read it first.

| files ─► Dataset ─► Split ─► Facts ─► Plan ─► activations of each model (one forward pass each; no label is looked at)
|                                                  │
|   each round, without its test items:  ranking ─► race of cuts and settings ─► transfer arm ─┐
|                                          └──────► twins: plain, frozen random, from scratch ─┴─► its test items, once
|                                                                                                    │
| report ◄─ run folder ◄─ evidence ◄─ verdict ◄──────────────────────────────────────────────────────┘

One round judges on a held-out test; where that would be small, five rounds judge on every item in turn, and a last one is delivered.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.activations.collect import Activations
from headstart.activations.store import Store
from headstart.base.events import Sink, silence, stage, tee
from headstart.data import Dataset, Split, load, split
from headstart.evaluation.verdict import Verdict
from headstart.gallery.card import ModelCard
from headstart.planning.budget import Budget, race_share
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import first_plan
from headstart.report import write_report
from headstart.study import arms, evidence, tail, why
from headstart.study.candidates import Collected, models_for, rank_collected
from headstart.study.gather import Gathered, gather
from headstart.study.keep import Outcome, keep
from headstart.study.limits import Limits
from headstart.study.problem import Problem, known_facts, last_round, pose, rounds
from headstart.study.round import Round
from headstart.study.scratch import from_scratch
from headstart.study.tracks import Contest, Tracks
from headstart.study.transfer import transfer
from headstart.study.verdict import reach, said
from headstart.training.run import RunWriter

CURVE_SECONDS = 4.0  # under a budget the learning curve is drawn when at least this times five is left


@dataclass(frozen=True)
class Run:
    """A finished run: the folder with everything in it, and its verdict."""

    folder: Path
    verdict: Verdict


def fit(
    data: Path, *, out: Path, wishes: Wishes, label: str | None = None, group: str | None = None, sink: Sink = silence, started: float | None = None
) -> Run:
    """Pick a model, decide how much of it to retrain, train it and its twins, and say whether transfer helped.

    Args:
        data: What ``headstart.data.load`` reads.
        out: The run folder; it must not hold a finished run.
        wishes: What the user pinned.
        label: Name of the label column, where there are columns.
        group: Name of the column whose values stay on one side of the split.
        sink: Receives events.
        started: Reading of ``time.perf_counter`` from which a budget counts; now when not given.

    Raises:
        InputError: before anything expensive starts.
    """
    with RunWriter(out) as run:
        return Study(data, wishes, label, group, tee(sink, run.record), Clock(time.perf_counter() if started is None else started)).flow(run)


@dataclass(eq=False)
class Study:
    """One study on its way: what was asked, the clock, and what several stages need of one another."""

    data: Path
    wishes: Wishes
    label: str | None
    group: str | None
    sink: Sink
    clock: Clock
    store: Store = field(default_factory=Store)
    random: dict[str, Activations] = field(default_factory=dict)

    def flow(self, run: RunWriter) -> Run:
        """From the files to the report."""
        clock, wishes = self.clock, self.wishes
        budget = Budget(wishes.budget_seconds, clock.started).less(tail.recall())
        with clock("read"):
            dataset, parts, plan, cards = self.read()
        with clock("candidates"):
            gathered = self.gather(cards, dataset, plan, budget)
            if gathered.decision is not None:  # the budget affords a part of the data: it is divided and planned for anew
                parts = split(gathered.dataset, seed=wishes.seed)
                plan = first_plan(known_facts(gathered.dataset, parts, [card.name for card in cards]), wishes).decide(gathered.decision)
        tracks = Tracks({one.candidate.card.name: one for one in gathered.collected}, plan)

        judged = [pose(gathered.dataset, one, plan, self.store, self.sink) for one in rounds(gathered.dataset, parts, plan)]
        delivered = [] if len(judged) == 1 else [pose(gathered.dataset, last_round(parts, plan), plan, self.store, self.sink)]
        with clock("race"):
            played = self.play([*judged, *delivered], gathered, tracks, plan, budget)
        last, played = played[-1], played[: len(judged)]
        plan = why.decided(plan, last, tracks.collected, wishes)

        if wishes.twins:
            with clock("plain"):
                self.plain([*played, last] if last is not played[-1] else played, plan)
            with clock("random"):
                self.frozen_random(played, tracks, plan)
        with clock("look"):  # the one look at the test items; the scratch twin looks when it has been trained
            for one in played:
                one.look()
        with clock("evidence"):
            asked = self.more_evidence(last, parts, tracks, budget)
        if wishes.twins:
            with clock("scratch"):
                plan = plan.decide(scratch_seconds(clock, gathered, budget, plan))
                self.scratch(played, tracks, plan, budget)

        with tail.timed(), clock("verdict"):
            verdict = reach(played, last, tracks.collected, list(self.random.values()), clock.so_far, plan)
            found = {**asked, **self.trust(played, last, verdict, plan)}
            keep(run, Outcome(plan, gathered, tuple(played), last, tracks, found, verdict, why.overruled(last, wishes)))
            write_report(run.folder)
            run.finish()
        return Run(run.folder, verdict)

    def read(self) -> tuple[Dataset, Split, Plan, list[ModelCard]]:
        """Data, its division, the first plan, and the models that may compete."""
        dataset = load(self.data, label=self.label, group=self.group, sink=self.sink)
        parts = split(dataset, seed=self.wishes.seed)
        cards = models_for(dataset.modality, self.wishes.model)
        return dataset, parts, first_plan(known_facts(dataset, parts, [card.name for card in cards]), self.wishes), cards

    def gather(self, cards: list[ModelCard], dataset: Dataset, plan: Plan, budget: Budget) -> Gathered:
        """One forward pass of each model over everything."""
        limits = Limits(self.wishes.max_mb, self.wishes.max_ms, self.wishes.licence)
        return gather(cards, dataset, plan, limits, budget, self.store, self.sink, exact=self.wishes.precision == "float32")

    def play(self, problems: list[Problem], gathered: Gathered, tracks: Tracks, plan: Plan, budget: Budget) -> list[Round]:
        """Rank and race in every round, each without its own test items."""
        played = []
        for number, problem in enumerate(problems, 1):
            where = f"round {number} of {len(problems)}: " if len(problems) > 1 else ""
            seconds = race_share(budget, len(problems), number, twins=self.wishes.twins)
            share = Budget(seconds)
            with stage(self.sink, f"{where}rank"):
                ranking, probed = rank_collected(gathered.collected, problem, gathered.left_out)
            with stage(self.sink, f"{where}race"):
                contest = Contest(tracks, {one.candidate.card.name: one for one in probed}, problem)
                raced = transfer(ranking, contest, plan, share, n_races=len(problems))
            played.append(Round(problem, ranking, raced, {"transfer": raced.arm, "majority": arms.majority(problem)}))
        return played

    def plain(self, played: list[Round], plan: Plan) -> None:
        """A linear model on features that need no network."""
        features = arms.plain_features(played[0].problem)
        for one in played:
            one.arms["plain"] = arms.linear_arm("plain", features, one.problem, plan)

    def frozen_random(self, played: list[Round], tracks: Tracks, plan: Plan) -> None:
        """The same network with random weights, frozen, and a head like the transfer arm's: the architecture without pretraining."""
        for one in played:
            model = one.raced.arm.model
            if model not in self.random:
                self.random[model] = arms.random_activations(tracks.collected[model].candidate, one.problem)
            features = self.random[model].rows(one.problem.everything)[0]
            one.arms["random"] = arms.linear_arm("random", features, one.problem, plan, model=model)

    def scratch(self, played: list[Round], tracks: Tracks, plan: Plan, budget: Budget) -> None:
        """The same network from random weights, for as long as the transfer arm may have needed, or for all that the budget left."""
        ends = Budget(plan.number("scratch_seconds"))
        for number, one in enumerate(played):
            candidate = tracks.collected[one.raced.arm.model].candidate
            seconds = max(0.0, min(ends.left, budget.left)) / (len(played) - number)
            one.arms["scratch"] = from_scratch(candidate, seconds, tracks.settings(), plan, one.problem)
            one.look()

    def more_evidence(self, last: Round, parts: Split, tracks: Tracks, budget: Budget) -> dict[str, Any]:
        """What does not need the scratch twin, so that the twin takes up whatever time it turns out to leave."""
        found: dict[str, Any] = {"duplicates": evidence.duplicates(last, parts)}
        if budget.left > 5 * CURVE_SECONDS:
            found["learning_curve"] = evidence.more_labels(last, tracks)
        return found

    def trust(self, played: list[Round], last: Round, verdict: Verdict, plan: Plan) -> dict[str, Any]:
        """How far the delivered arm's probabilities may be trusted, and whose label it doubts."""
        chosen = verdict.chosen
        validation = (played[0] if chosen == "scratch" else last).arms[chosen].validation
        judged = said(played, chosen, calibrated=False)
        found = evidence.trusted(validation, judged, last.problem.seed) if judged is not None else {}
        return {"evaluation": evidence.evaluation(played, plan), **found, "label_errors": evidence.label_errors(last, played, chosen)}


@dataclass
class Clock:
    """Adds up wall-clock seconds by stage."""

    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time one stage."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun

    @property
    def so_far(self) -> dict[str, float]:
        """Seconds by stage, and in all since the start."""
        return {name: round(value, 3) for name, value in {**self.seconds, "total": time.perf_counter() - self.started}.items()}


def scratch_seconds(clock: Clock, gathered: Gathered, budget: Budget, plan: Plan) -> Decision:
    """How long the scratch twin may train: as long as the transfer arm needs from an empty store, and never too little to learn."""
    saved = sum(one.seconds_saved for one in gathered.collected)
    needed = clock.seconds["candidates"] + clock.seconds["race"] + saved
    if budget.seconds is not None:
        return Decision(
            "scratch_seconds", round(max(0.0, budget.left), 1), "seconds", f"all that the budget leaves; the transfer arm took {needed:.0f} s", "measured"
        )
    seconds = max(needed * plan.number("scratch_times"), plan.number("scratch_least_seconds"))
    reason = f"the transfer arm needs {needed:.0f} s from an empty store; the twin gets at least as long"
    return Decision("scratch_seconds", round(seconds, 1), "seconds", reason, "measured")
