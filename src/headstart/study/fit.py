"""The river as one file: read it first.

| files ─► Dataset ─► Split ─► Facts ─► Plan ─► activations of each model ─► probe ─► model ─► cuts ─► chosen arm
|                                                 (one forward pass each)                                  │
| report ◄─ run folder ◄─ verdict ◄─ one look at the test items ◄─ twins: from scratch, plain, majority ◄──┘
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
from headstart.evaluation.metrics import score
from headstart.evaluation.verdict import CacheUse, Circumstances, Counts, Cut, Verdict, judge
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import first_plan
from headstart.report import write_report
from headstart.study import arms, why
from headstart.study.arms import Arm
from headstart.study.candidates import Probed, collect_candidate, models_for, open_candidate, rank_collected
from headstart.study.keep import Outcome, keep
from headstart.study.problem import Problem, known_facts, pose
from headstart.training.run import RunWriter


@dataclass(frozen=True)
class Run:
    """A finished run: the folder with everything in it, and its verdict."""

    folder: Path
    verdict: Verdict


def fit(data: Path, *, out: Path, wishes: Wishes, label: str | None = None, group: str | None = None, sink: Sink = silence) -> Run:
    """Pick a model, decide how much of it to retrain, train it and its twins, and say whether transfer helped.

    Args:
        data: What ``headstart.data.load`` reads.
        out: The run folder; it must not hold a finished run.
        wishes: What the user pinned.
        label: Name of the label column, where there are columns.
        group: Name of the column whose values stay on one side of the split.
        sink: Receives events.

    Raises:
        InputError: before anything expensive starts.
    """
    with RunWriter(out) as run:
        return _flow(data, run, wishes, label, group, tee(sink, run.record))


def _flow(data: Path, run: RunWriter, wishes: Wishes, label: str | None, group: str | None, sink: Sink) -> Run:
    clock = Clock()
    with clock("read"):
        dataset = load(data, label=label, group=group, sink=sink)
        parts = split(dataset, seed=wishes.seed)
        cards = models_for(dataset.modality, wishes.model)
        plan = first_plan(known_facts(dataset, parts, [card.name for card in cards]), wishes)
        problem = pose(dataset, parts, plan, Store(), sink)

    with clock("candidates"):
        collected = []
        for card in cards:
            with stage(sink, f"open {card.name}"):
                candidate = open_candidate(card, dataset, plan.words("cuts"), exact=wishes.precision == "float32")
            collected.append(collect_candidate(candidate, plan.words("cuts"), dataset, problem.store, sink))
        ranking, probed = rank_collected(collected, problem)
        best = next(one for one in probed if one.candidate.card.name == ranking.pick)
        plan = plan.decide(why.this_model(probed, best, problem, wishes)).decide(why.these_kept(best))

    with clock("cuts"):
        tried = arms.try_cuts(best, plan, problem)
        transfer = max(tried, key=lambda arm: (round(problem.score(arm.validation), 6), -score(arm.validation, "log_loss")))
        plan = plan.decide(why.this_cut(tried, transfer, best, problem, wishes))

    twins: dict[str, Arm] = {"majority": arms.majority(problem)}
    if wishes.twins:
        with clock("plain"):
            twins["plain"] = arms.plain(problem)
        with clock("scratch"):
            plan = plan.decide(scratch_seconds(clock, probed, plan))
            twins["scratch"] = arms.from_scratch(best, plan.number("scratch_seconds"), plan, problem)

    with clock("test"):  # the one look at the test items
        on_test = {name: problem.predictions(parts.test, arm.answer(parts.test)) for name, arm in {"transfer": transfer, **twins}.items()}
        verdict = judge(
            transfer=on_test["transfer"],
            scratch=on_test.get("scratch"),
            plain=on_test.get("plain"),
            majority=on_test["majority"],
            validation={name: problem.score(arm.validation) for name, arm in {"transfer": transfer, **twins}.items() if name != "majority"},
            circumstances=circumstances(best, transfer, twins.get("scratch"), probed, problem, clock, plan),
            metric=problem.metric,
        )
    keep(run, Outcome(problem, plan, tuple(probed), best, tuple(tried), transfer, twins, on_test, verdict))
    write_report(run.folder)
    run.finish()
    return Run(run.folder, verdict)


@dataclass
class Clock:
    """Adds up wall-clock seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time one stage."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begun

    @property
    def total(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started


def scratch_seconds(clock: Clock, probed: list[Probed], plan: Plan) -> Decision:
    """How long the scratch twin may train: as long as the transfer arm needs from an empty store, and never too little to learn."""
    needed = clock.seconds["candidates"] + clock.seconds["cuts"] + sum(one.seconds_saved for one in probed)
    seconds = max(needed * plan.number("scratch_times"), plan.number("scratch_least_seconds"))
    reason = f"the transfer arm needs {needed:.0f} s from an empty store; the twin gets at least as long"
    return Decision("scratch_seconds", round(seconds, 1), "seconds", reason, "measured")


def circumstances(best: Probed, transfer: Arm, scratch: Arm | None, probed: list[Probed], problem: Problem, clock: Clock, plan: Plan) -> Circumstances:
    """Everything the verdict says beside the scores."""
    card, backbone, parts = best.candidate.card, best.candidate.backbone, problem.split
    stored = [one for each in probed for one in each.activations.values()]
    return Circumstances(
        task="classification",
        modality=problem.dataset.modality,
        model=card.name,
        title=card.title,
        cut=Cut(best.candidate.block_name(transfer.cut), backbone.trainable_share(transfer.cut), backbone.depth - transfer.cut if transfer.cut else None),
        seconds={name: round(value, 3) for name, value in {**clock.seconds, "total": clock.total}.items()},
        cache=CacheUse(sum(one.hits for one in stored), sum(one.misses for one in stored), sum(one.written_bytes for one in stored)),
        n=Counts(len(parts.train), len(parts.validation), len(parts.test)),
        licence=card.licence,
        seed=problem.seed,
        scratch_epochs=len(scratch.history) if scratch else None,
        scratch_still_improving=scratch.still_improving if scratch else None,
        why=plan.decision("cut").why,
    )
