"""The river as one file: read it first.

| files ─► Dataset ─► Split ─► Facts ─► Plan ─► activations of each model (one forward pass each, no label is looked at)
|                                                  │
|   each round, without its test items:  ranking ─► race of cuts and settings ─► transfer arm ─► its test items, once
|                                                  └► twins: plain, frozen random, from scratch ─► the same test items
|                                                  │
| report ◄─ run folder ◄─ evidence ◄─ verdict ◄────┘   one round with a held-out test, five where that would be small; a last one is delivered
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headstart.activations.store import Store
from headstart.base.events import Sink, silence, stage, tee
from headstart.data import load, split
from headstart.planning.budget import Budget, race_share
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import first_plan
from headstart.report import write_report
from headstart.study import arms, why
from headstart.study.candidates import Collected, models_for, rank_collected
from headstart.study.evidence import evidence
from headstart.study.gather import gather
from headstart.study.keep import Outcome, keep
from headstart.study.limits import Limits
from headstart.study.problem import Problem, known_facts, last_round, pose, rounds
from headstart.study.round import Round
from headstart.study.scratch import from_scratch
from headstart.study.tail import Tail
from headstart.study.tracks import Contest, Tracks
from headstart.study.transfer import transfer
from headstart.study.verdict import Run, judged
from headstart.training.run import RunWriter


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
        budget = Budget(wishes.budget_seconds, time.perf_counter() if started is None else started)
        return _flow(data, run, wishes, budget, label, group, tee(sink, run.record))


def _flow(data: Path, run: RunWriter, wishes: Wishes, whole_budget: Budget, label: str | None, group: str | None, sink: Sink) -> Run:
    clock, store = Clock(whole_budget.started), Store()
    with clock("read"):
        dataset = load(data, label=label, group=group, sink=sink)
        parts = split(dataset, seed=wishes.seed)
        cards = models_for(dataset.modality, wishes.model)
        plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), wishes)
        tail = Tail.recall(plan, len(dataset))
        budget = whole_budget.less(tail.seconds)

    with clock("candidates"):
        limits = Limits(wishes.max_mb, wishes.max_ms, wishes.licence)
        gathered = gather(cards, dataset, plan, limits, budget, store, sink, exact=wishes.precision == "float32")
        dataset, plan = gathered.dataset, gathered.plan
        parts = gathered.split or parts
        tracks = Tracks({one.candidate.card.name: one for one in gathered.collected}, plan)

    judging = [pose(dataset, one, plan, store, sink) for one in rounds(dataset, parts, plan)]
    delivered = pose(dataset, last_round(parts, plan), plan, store, sink)
    problems = judging if len(judging) == 1 else [*judging, delivered]
    seconds = race_share(budget, len(problems), twins=wishes.twins)

    played: list[Round] = []
    for number, problem in enumerate(problems, 1):
        where = f"round {number} of {len(problems)}: " if len(problems) > 1 else ""
        with clock("ranking"), stage(sink, f"{where}rank the models"):
            ranking, probed = rank_collected(gathered.collected, problem, gathered.left_out)
        with clock("race"), stage(sink, f"{where}race"):
            contest = Contest(tracks, {one.candidate.card.name: one for one in probed}, problem)
            raced = transfer(ranking, contest, plan, Budget(seconds), n_races=len(problems))
        played.append(Round(problem, ranking, raced, {"transfer": raced.arm, "majority": arms.majority(problem)}))
    last = played[-1]
    plan = why.decided(plan, last, gathered.collected, wishes)

    if wishes.twins:
        with clock("plain"):
            described = arms.plain_features(delivered)
            for one in played:
                one.arms["plain"] = arms.linear_arm("plain", described, one.problem, plan)
        with clock("random"):
            for one in played[: len(judging)]:
                features = one_random(one, gathered.collected, tracks)
                one.arms["random"] = arms.linear_arm("random", features, one.problem, plan, model=one.raced.arm.model)

    with clock("evidence"):
        for one in played[: len(judging)]:
            one.look()  # the one look at the test items
        found = evidence(played, len(judging), gathered, plan, budget)

    if wishes.twins:
        with clock("scratch"):
            plan = plan.decide(scratch_seconds(clock, gathered.collected, budget, plan, len(judging)))
            for number, one in enumerate(played[: len(judging)]):
                candidate = tracks.collected[one.raced.arm.model].candidate
                share = budget.left / (len(judging) - number) if budget.seconds is not None else plan.number("scratch_seconds") / len(judging)
                share -= tail.answer_seconds(len(one.problem.split.test))
                one.arms["scratch"] = from_scratch(candidate, share, tracks.settings(), plan, one.problem, by_the_clock=budget.seconds is not None)
                tail.time(one.look)

    with clock("test"):
        verdict = judged(played, len(judging), gathered, clock.seconds_so_far, plan)
    with tail.measured():
        keep(run, Outcome(plan, gathered, tuple(played), len(judging), found, verdict))
        write_report(run.folder)
        run.finish()
    tail.remember(plan)
    return Run(run.folder, verdict)
