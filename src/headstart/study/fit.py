"""The river as one file: read it first.

| files ─► Dataset ─► Split ─► Facts ─► Plan ─► activations of each model (one forward pass each; no label is looked at)
|                                                  │
|   each round, without its test items:  ranking ─► race of cuts and settings ─► transfer arm ─┐
|                                          └──────► twins: plain, frozen random, from scratch ─┴─► its test items, once
|                                                                                                    │
| report ◄─ run folder ◄─ evidence ◄─ verdict ◄──────────────────────────────────────────────────────┘

Whatever the clock decides on this way is written into the run's journal, so that a run that was killed goes the same way again (`study/resume.py`).
One round judges on a held-out test; where that would be small, five rounds judge on every item in turn, and a last one is delivered.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from headstart import gallery
from headstart.activations.collect import Activations
from headstart.activations.store import Store
from headstart.base.events import Event, Sink, silence, stage, tee
from headstart.base.journal import Journal, begin, recall_record
from headstart.data import Dataset, Split, load, split
from headstart.evaluation.verdict import Verdict
from headstart.gallery.card import ModelCard
from headstart.planning.budget import Budget, kept, race_share
from headstart.planning.facts import Wishes
from headstart.planning.memory import Memory
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import first_plan
from headstart.report import write_report
from headstart.study import arms, evidence, room, tail, why
from headstart.study.asked import Asked, asked, same_models, unchanged
from headstart.study.candidates import Candidate, models_for, rank_collected
from headstart.study.clock import Clock
from headstart.study.forecast import Forecast
from headstart.study.gather import Gathered, gather, since
from headstart.study.keep import Outcome, keep
from headstart.study.leaking import leaking
from headstart.study.limits import Limits
from headstart.study.plain import plain_arm, plain_features
from headstart.study.problem import Problem, known_facts, last_round, pose, rounds
from headstart.study.round import Round, let_others_go, taught
from headstart.study.scratch import better_untaught, from_scratch, step_fits, untaught, untaught_elsewhere
from headstart.study.tracks import Contest, Tracks
from headstart.study.transfer import transfer
from headstart.study.verdict import reach
from headstart.training.keeping import Keeping, keeping
from headstart.training.run import RunWriter

PLAY_SHARE = 0.5  # of what a budget leaves after the forward passes: rounds begin only as long as they fit into it
LATE = 1.05  # times a budget: from here on the run says that it was exceeded
SAFETY = 1.1  # times the dearest round so far: the next one may take longer
RANDOM_SHARE = 0.5  # of what is left that the frozen random network may take: in little time it is the better twin, what trains from scratch sees too little
OPENING_SECONDS = 2.0  # to build and convert one more network
CURVE_SECONDS = 4.0  # under a budget the learning curve is drawn when at least this times five is left


@dataclass(frozen=True)
class Run:
    """A finished run: the folder with everything in it, and its verdict."""

    folder: Path
    verdict: Verdict


def fit(
    data: Path,
    *,
    out: Path,
    wishes: Wishes,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: str | None = None,
    accept: Collection[str] = (),
    sink: Sink = silence,
    started: float | None = None,
) -> Run:
    """Pick a model, decide how much of it to retrain, train it and its twins, and say whether transfer helped.

    Args:
        data: What ``headstart.data.load`` reads.
        out: The run folder; it must not hold a finished run.
        wishes: What the user pinned.
        text: Name of the column of texts, where there are columns.
        label: Name of the label column, where there are columns.
        group: Name of the column whose values stay on one side of the split.
        modality: The kind of data; found by what lies there when not given.
        accept: Models to subscribe to first, whose licences the user accepts.
        sink: Receives events.
        started: Reading of ``time.perf_counter`` from which a budget counts; now when not given.

    Raises:
        InputError: before anything expensive starts.
    """
    Limits.of(wishes)
    wanted = asked(data, wishes, label, group, tuple(accept), text, modality)
    with RunWriter(out) as run:
        wanted.write(run.folder)
        journal = begin(run.folder, time.perf_counter() if started is None else started)
        heard = tee(sink, run.record)
        return Study(wanted, heard, keeping(journal, run.folder, heard), run.folder).flow(run)


@dataclass(eq=False)
class Study:
    """One study on its way: what was asked, what has been decided, and what several stages need of one another."""

    asked: Asked
    sink: Sink
    keeping: Keeping
    folder: Path
    random: dict[str, Activations] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The clock is the journal's; what memory holds is the user's."""
        self.sink = self.forecast = Forecast(self.sink, self.journal, self.wishes.budget_seconds)
        self.clock, self.memory = Clock(self.journal, self.forecast), Memory(self.wishes.memory_bytes)
        self.memory.begin()
        self.store = Store(**self.memory.store)

    def flow(self, run: RunWriter) -> Run:
        """From the files to the report."""
        clock, wishes, recall = self.clock, self.wishes, self.journal.recall
        starting = recall("seconds of starting", lambda: self.journal.seconds)
        self.subscribe()
        with clock("read"):
            dataset, parts, plan, cards = self.read()
        alike = tail.kind(dataset.modality, wishes.budget_seconds)
        end = recall("seconds of the end", lambda: tail.recall(alike, starting))
        budget = Budget(wishes.budget_seconds, self.journal.book.started).less(end)
        self.forecast.planned(plan, len(cards), len(dataset), f"{dataset.modality}-{wishes.effort}", end)
        with clock("candidates"):
            gathered = self.gather(cards, dataset, plan, budget)
            if gathered.decision is not None:  # the budget affords a part of the data: it is divided and planned for anew
                parts = split(gathered.dataset, seed=wishes.seed)
                plan = first_plan(known_facts(gathered.dataset, parts, [card.name for card in cards]), wishes).decide(gathered.decision)
        self.forecast.saved_seconds = sum(one.seconds_saved for one in gathered.collected)
        tracks = Tracks({one.candidate.card.name: one for one in gathered.collected}, plan, recall, self.memory)

        divisions = rounds(gathered.dataset, parts, plan)
        judged = [self.pose(gathered.dataset, one, plan, f"round {number}") for number, one in enumerate(divisions, 1)]
        delivered = [] if len(judged) == 1 else [self.pose(gathered.dataset, last_round(parts, plan), plan, "last round")]
        with clock("race"):
            played, last = self.play(judged, delivered, gathered, tracks, plan, budget)
        plan = why.competed(plan, list(tracks.collected), len(played), len(judged))
        first = plan = why.decided(plan, last, tracks.collected, wishes)

        if wishes.twins:
            with clock("plain"):
                self.plain([*played, last] if last is not played[-1] else played)
            with clock("random"):
                self.frozen_random(played, tracks, budget)
        with clock("look"):  # the one look at the test items; the scratch twin looks when it has been trained
            for one in played:
                one.look()
                if one is not last:
                    one.let_go("transfer")
        with clock("evidence"):
            asked = self.more_evidence(last, parts, tracks, budget)
            if wishes.twins and not self.memory.is_limited:  # else nothing makes good for it, or it would take the twin's room
                tail.prepare()
        if wishes.twins:
            with clock("scratch"):
                winners = sorted({one.raced.arm.model for one in played})
                length = partial(scratch_time, clock, gathered, budget, first, winners, tracks.views_saved(winners))
                for decision in recall_record(recall, Plan, "time from scratch", length).decisions:
                    plan = plan.decide(decision)
                self.forecast.twin(plan.number("scratch_seconds"), int(plan.number("scratch_rounds")))
                self.scratch(played, tracks, plan, budget, last.raced.arm.model)

        with tail.timed(alike):
            verdict = reach(played, last, tracks.collected, list(self.random.values()), recall("seconds by stage", lambda: clock.so_far), plan)
            found = {**asked, **self.trust(played, last, verdict, plan)}
            keep(run, Outcome(plan, gathered, tuple(played), last, tracks, found, verdict, why.overruled(last, wishes)))
            write_report(run.folder)
            if (given := wishes.budget_seconds) is not None and self.journal.seconds > LATE * given:
                self.sink(Event("note", "budget", text=f"--budget: {self.journal.seconds:.0f} s instead of {given:.0f}: steps took longer than was measured"))
            run.finish()
            self.forecast.keep()
        return Run(run.folder, verdict)

    @property
    def wishes(self) -> Wishes:
        """What the user pinned."""
        return self.asked.wishes

    @property
    def journal(self) -> Journal:
        """What has been decided."""
        return self.keeping.journal

    def subscribe(self) -> None:
        """The models whose licences the user accepted with the fit."""
        if self.asked.accept:
            with self.clock("subscribe"):
                for name in self.asked.accept:
                    gallery.subscribe(name, accept=[name], sink=self.sink)

    def pose(self, dataset: Dataset, division: Split, plan: Plan, where: str) -> Problem:
        """The problem of one round."""
        return pose(dataset, division, plan, self.store, self.sink, self.keeping.within(where))

    def read(self) -> tuple[Dataset, Split, Plan, list[ModelCard]]:
        """Data, its division, the first plan, and the models that may compete."""
        given = self.asked
        dataset = load(Path(given.data), text=given.text, label=given.label, group=given.group, modality=given.modality, sink=self.sink)
        unchanged(self.journal, dataset, given, self.folder)
        parts = split(dataset, seed=self.wishes.seed)
        cards = same_models(self.journal, models_for(dataset.modality, self.wishes.model))
        room.to_keep(cards, self.folder)
        plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), self.wishes)
        if len(np.unique(parts.units)) < len(dataset):  # few large groups may be impossible to divide: that is said before anything dear
            for one in rounds(dataset, parts, plan):
                self.pose(dataset, one, plan, "read")
        return dataset, parts, plan, cards

    def gather(self, cards: list[ModelCard], dataset: Dataset, plan: Plan, budget: Budget) -> Gathered:
        """One forward pass of each model over everything."""
        exact = self.wishes.precision == "float32"
        return gather(cards, dataset, plan, Limits.of(self.wishes), budget, self.store, self.sink, exact=exact, journal=self.journal, memory=self.memory)

    def play(
        self, judged: list[Problem], delivered: list[Problem], gathered: Gathered, tracks: Tracks, plan: Plan, budget: Budget
    ) -> tuple[list[Round], Round]:
        """Rank and race in every round, each without its own test items; where a budget runs short, fewer rounds judge.

        Returns:
            The judged rounds, and the round that is delivered (the judged one, where there is no other).
        """
        share, dearest, total = kept(budget.until(PLAY_SHARE), self.journal, "rounds' budget"), 0.0, len(judged) + len(delivered)
        played: list[Round] = []
        for number, problem in enumerate([*judged, *delivered], 1):
            journal, needed = problem.keeping.journal, SAFETY * (1 + len(delivered)) * dearest
            if played and problem not in delivered and not journal.recall("is played", lambda: share.left >= needed):  # noqa: B023 - asked at once
                if problem is judged[-1]:
                    self.sink(Event("note", "race", text=f"--budget: {len(played)} of {len(judged)} rounds judge; the others had no time"))
                continue
            began, where = journal.instant("this round"), f" in round {number} of {total}" if total > 1 else ""
            with stage(self.sink, f"rank and race{where}"):
                ranking, probed = rank_collected(gathered.collected, problem, gathered.left_out, every_score=number == total)
                contest = Contest(tracks, {one.candidate.card.name: one for one in probed}, problem)
                allotted = kept(Budget(race_share(budget, total, number, twins=self.wishes.twins)), journal, "race's budget")
                raced = transfer(ranking, contest, plan, allotted, n_races=total)
            played.append(Round(problem, ranking, raced, {"transfer": raced.arm, "majority": arms.majority(problem)}))
            dearest = max(dearest, journal.recall("seconds of this round", partial(since, began)))
        return (played[:-1], played[-1]) if delivered else (played, played[-1])

    def plain(self, played: list[Round]) -> None:
        """A linear model on features that need no network."""
        features = plain_features(played[0].problem)
        for one in played:
            one.arms["plain"] = plain_arm(features, one.problem)

    def frozen_random(self, played: list[Round], tracks: Tracks, budget: Budget) -> None:
        """The same network with random weights, frozen, and a head like the transfer arm's: the architecture without pretraining; if there is time."""
        missed: set[str] = set()
        for one in played:
            model = one.raced.arm.model
            if model in missed:
                continue
            if model not in self.random:
                candidate = tracks.collected[model].candidate
                price = OPENING_SECONDS + candidate.pass_seconds
                if not self.journal.recall(f"time for {model} with random weights", partial(has_left, budget, price / RANDOM_SHARE)):
                    self.sink(Event("note", "random", text=f"--budget: no time for {model} with frozen random weights"))
                    missed.add(model)
                    continue
                if reason := self.no_room_for_random(candidate, len(one.problem.dataset)):
                    self.sink(Event("note", "random", text=f"no frozen random network: {reason}"))
                    continue
                self.random[model] = arms.random_activations(candidate, one.problem)
            features = self.random[model].rows(one.problem.everything)[0]
            one.arms["random"] = arms.linear_arm("random", features, one.problem, model=model)

    def no_room_for_random(self, candidate: Candidate, n_items: int) -> str:
        """Why the same network with random weights does not fit beside what is held; empty where it does."""
        opening, passing = partial(room.to_open, candidate.card, self.memory), partial(room.to_pass, candidate, n_items, self.memory, held=n_items)
        return str(self.journal.recall(f"memory for {candidate.card.name} with random weights", lambda: opening() or passing()))

    def scratch(self, played: list[Round], tracks: Tracks, plan: Plan, budget: Budget, delivered: str) -> None:
        """The same network from random weights, for as long as the transfer arm may have needed, or for all that the budget left."""
        ends = Budget(plan.number("scratch_seconds"), self.journal.instant("twins from scratch"))
        learners = played[: int(plan.number("scratch_rounds"))]
        for number, one in enumerate(learners):
            model = one.raced.arm.model
            candidate = tracks.collected[model].candidate
            share = 1 / (len(learners) - number)
            seconds = one.problem.keeping.journal.recall("seconds from scratch", partial(at_most, ends, budget, share))
            where = f" in round {number + 1} of {len(learners)}" if len(learners) > 1 else ""
            with stage(self.sink, f"twin from scratch{where}"):
                punctual, frozen = budget.seconds is not None, one.arms.get("random")
                has_time = one.problem.keeping.journal.recall("time for a step from scratch", partial(step_fits, candidate, plan, seconds))
                if punctual and not has_time:
                    instead = "" if frozen is None else "; the twin is a head on its random features"
                    self.sink(Event("note", "scratch", text=f"--budget: no time to train from scratch in round {number + 1}{instead}"))
                    if frozen is not None:
                        one.arms["scratch"] = untaught(frozen)
                        one.look()
                        let_others_go(learners, delivered)
                    continue
                pixels, sizes = tracks.pixels(model, one.problem), tracks.sizes(model, one.problem)
                trained = from_scratch(candidate, seconds, tracks.settings(), plan, one.problem, pixels, sizes, punctual=punctual)
                if trained is None:
                    text = f"no twin from scratch from round {number + 1} on: {room.no_room(candidate.backbone, 0, self.memory, len(one.problem.dataset))}"
                    self.sink(Event("note", "scratch", text=text))
                    return
                one.arms["scratch"] = better_untaught(trained, frozen, one.problem)
                one.look()
                let_others_go(learners, delivered)
        untaught_elsewhere(played)
        let_others_go(played, delivered)

    def more_evidence(self, last: Round, parts: Split, tracks: Tracks, budget: Budget) -> dict[str, Any]:
        """What does not need the scratch twin, so that the twin takes up whatever time it turns out to leave."""
        found: dict[str, Any] = {"duplicates": evidence.duplicates(last, parts)}
        if self.journal.recall("time for a learning curve", partial(has_left, budget, 5 * CURVE_SECONDS)):
            found["learning_curve"] = evidence.more_labels(last, tracks)
            if (claimed := leaking(last.problem, tracks.collected[last.raced.arm.model].features)) is not None:
                found["leaking"] = claimed
        return found

    def trust(self, played: list[Round], last: Round, verdict: Verdict, plan: Plan) -> dict[str, Any]:
        """How far the delivered arm's probabilities may be trusted, and whose label it doubts."""
        chosen = verdict.chosen
        validation = (taught(played, verdict.model) if chosen == "scratch" else last).arms[chosen].validation
        found = evidence.trusted(validation, played, chosen, last.problem.seed)
        return {"evaluation": evidence.evaluation(played, plan), **found, "label_errors": evidence.label_errors(last, played, chosen)}


def has_left(budget: Budget, seconds: float) -> bool:
    """Does a budget have more than so many seconds left?"""
    return budget.left > seconds


def at_most(ends: Budget, budget: Budget, share: float) -> float:
    """A share of what two budgets both have left."""
    return max(0.0, min(ends.left, budget.left)) * share


def scratch_time(clock: Clock, gathered: Gathered, budget: Budget, plan: Plan, winners: Collection[str], views_saved: float = 0.0) -> Plan:
    """How long the scratch twin may train, and in how many rounds: as long as the transfer arm needs from an empty store, and never too little to learn.

    Models that were asked and not taken do not count: the twin is spared the choice, too.
    """
    passes = sum(gathered.seconds[one.candidate.card.name] + one.seconds_saved for one in gathered.collected if one.candidate.card.name in winners)
    needed = passes + clock.seconds["race"] + views_saved
    seconds = max(needed * plan.number("scratch_times"), plan.number("scratch_least_seconds"))
    reason = f"the transfer arm needs {needed:.0f} s from an empty store, in all rounds together; so long, at least, the twin gets in all of its rounds"
    if budget.seconds is not None:
        seconds, reason = max(0.0, budget.left), f"all that the budget leaves; the transfer arm took {needed:.0f} s"
    rounds, least = int(plan.number("rounds")), plan.number("scratch_round_seconds")
    affordable = max(1, min(rounds, int(seconds / least)))
    why = (
        f"at least {least:.0f} s each: one twin that has learnt says more than five that have not"
        if affordable < rounds
        else "it is judged wherever transfer is"
    )
    length = Decision("scratch_seconds", round(seconds, 1), "seconds", reason, "measured")
    return Plan((length, Decision("scratch_rounds", affordable, "rounds", why, "measured")))
