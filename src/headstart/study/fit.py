"""The river as one file: data, split, plan, candidates, probe, cuts, twins, verdict, report. Read it first.

    files ─► Dataset ─► Split ─► Facts ─► Plan ─► activations of each model ─► probe ─► model ─► cuts ─► chosen arm
                                                       (one forward pass)                                    │
    report ◄─ run folder ◄─ verdict ◄─ one look at the test items ◄─ twins: from scratch, plain, majority ◄──┘
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from headstart.activations.collect import Activations
from headstart.activations.store import Store
from headstart.backbone.engines.race import machine
from headstart.base.events import Sink, silence, stage, tee
from headstart.base.seeds import seed_for
from headstart.data import Dataset, Split, folds, load, split
from headstart.evaluation.metrics import score
from headstart.evaluation.verdict import CacheUse, Circumstances, Counts, Cut, Verdict, judge
from headstart.planning.facts import Facts, Wishes, has_bfloat16, threads
from headstart.planning.plan import Decision, Plan
from headstart.planning.rules import first_plan
from headstart.report import write_report
from headstart.study import arms, keep
from headstart.study.arms import Arm, Sides
from headstart.study.candidates import Probed, models_for, open_candidate, probe_candidate
from headstart.training.run import RunWriter


@dataclass(frozen=True)
class Run:
    """A finished run: the folder with everything in it, and its verdict."""

    folder: Path
    verdict: Verdict


def fit(
    data: Path,
    *,
    out: Path,
    model: str | None = None,
    cut: str | None = None,
    seed: int = 0,
    effort: str = "usual",
    learning_rate: float | None = None,
    precision: str = "fast",
    twins: bool = True,
    label: str | None = None,
    group: str | None = None,
    sink: Sink = silence,
) -> Run:
    """Pick a model, decide how much of it to retrain, train it and its twins, and say whether transfer helped.

    See ``headstart.fit`` for the arguments.
    """
    started = time.perf_counter()
    wishes = Wishes(model, cut, seed, effort, learning_rate, precision, twins)  # type: ignore[arg-type]
    run = RunWriter(out)
    clock = Clock(tee(sink, run.record))
    store = Store()

    with clock("read"):
        dataset = load(data, label=label, group=group, sink=clock.sink)
        parts = split(dataset, seed=seed)
    cards = models_for(dataset.modality, None if model is None else [model])
    plan = first_plan(known_facts(dataset, parts, tuple(card.name for card in cards)), wishes)
    sides = deciding_sides(parts, int(plan.number("deciding_items")), seed)
    metric, inner = str(plan["metric"]), folds(dataset, parts, int(plan.number("folds")), seed)

    with clock("candidates"):
        probed = []
        for card in cards:
            with stage(clock.sink, f"open {card.name}"):
                candidate = open_candidate(card, dataset, exact=precision == "float32")
                check_cuts(candidate.backbone.cut_at, plan)
            probed.append(probe_candidate(candidate, names(plan["cuts"]), dataset, inner, store, metric=metric, units=sides.units, seed=seed, sink=clock.sink))
        best = max(probed, key=lambda one: (one.score.value, -one.probe.log_loss))
        plan = plan.decide(chosen_model(probed, best, metric, pinned=model is not None))

    with clock("cuts"):
        tried = try_cuts(best, dataset, sides, plan, store, seed=seed, sink=clock.sink)
        transfer = max(tried, key=lambda arm: (round(score(arm.validation, metric), 6), -score(arm.validation, "log_loss")))
        plan = plan.decide(chosen_cut(tried, transfer, best, metric, pinned=cut is not None))

    transfer_seconds = empty_store_seconds(probed, clock.seconds)
    others: dict[str, Arm] = {}
    if twins:
        with clock("plain"):
            others["plain"] = arms.plain(dataset, sides, inner, store, seed=seed, sink=clock.sink)
        with clock("scratch"):
            allowed = max(transfer_seconds * plan.number("scratch_times"), plan.number("scratch_least_seconds"))
            plan = plan.decide(Decision("scratch_seconds", round(allowed, 1), "seconds", scratch_why(transfer_seconds), "measured"))
            others["scratch"] = arms.from_scratch(best, transfer.cut, allowed, dataset, sides, plan, seed=seed, sink=clock.sink)
    others["majority"] = arms.majority(dataset, sides)

    with clock("test"):  # the one look at the test items
        on_test = {name: sides.predictions(dataset, sides.test, arm.answer(sides.test)) for name, arm in {"transfer": transfer, **others}.items()}
    activations = [one for each in probed for one in each.activations.values()]
    verdict = judge(
        transfer=on_test["transfer"],
        scratch=on_test.get("scratch"),
        plain=on_test.get("plain"),
        majority=on_test["majority"],
        validation={name: score(arm.validation, metric) for name, arm in {"transfer": transfer, **others}.items() if name != "majority"},
        circumstances=circumstances(best, transfer, others.get("scratch"), dataset, parts, activations, {**clock.seconds, "total": time.perf_counter() - started}, plan),
        metric=metric,
    )
    with clock("report"):
        keep.everything(run, dataset, parts, sides, plan, probed, best, tried, transfer, others, on_test, verdict)
        write_report(run.folder)
    run.finish({"data": str(data), "dataset": dataset.digest, "split": parts.digest, "seed": seed, "machine": machine(), "seconds": time.perf_counter() - started})
    return Run(run.folder, verdict)


@dataclass
class Clock:
    """Adds up wall-clock seconds by stage, and announces the stages."""

    sink: Sink
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN204 - a context manager of nothing
        """Time one stage."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


def known_facts(dataset: Dataset, parts: Split, models: tuple[str, ...]) -> Facts:
    """What the rules look at."""
    counts = np.bincount(dataset.labels[parts.train], minlength=len(dataset.classes))
    return Facts(
        n_train=len(parts.train),
        n_validation=len(parts.validation),
        n_test=len(parts.test),
        classes=dataset.classes,
        smallest_class=int(counts.min()),
        imbalance=float(counts.max() / max(1, counts.min())),
        models=models,
        has_bfloat16=has_bfloat16(),
        threads=threads(),
    )


def deciding_sides(parts: Split, most: int, seed: int) -> Sides:
    """The split, with a sample of the validation items when there are more than decisions need."""
    validation = np.sort(np.random.default_rng(seed_for(seed, "deciding items")).permutation(parts.validation)[:most])
    return Sides(parts.train, validation, parts.test, parts.units)


def names(value: object) -> tuple[str, ...]:
    """A decision's value as a tuple of words."""
    return tuple(str(one) for one in value) if isinstance(value, (tuple, list)) else (str(value),)


def check_cuts(cut_at: object, plan: Plan) -> None:
    """Refuse a cut that the network does not have, before anything is computed."""
    for name in names(plan["cuts"]):
        cut_at(name)  # type: ignore[operator]


def try_cuts(best: Probed, dataset: Dataset, sides: Sides, plan: Plan, store: Store, *, seed: int, sink: Sink) -> list[Arm]:
    """A new head on the frozen network, then each deeper cut from that head; the head alone counts only if it was asked for."""
    backbone = best.candidate.backbone
    cuts = sorted({backbone.cut_at(name) for name in names(plan["cuts"])}, reverse=True)
    head = arms.head_only(best, dataset, sides)
    deeper = [arms.tuned(best, cut, head, dataset, sides, plan, store, seed=seed, sink=sink) for cut in cuts if cut < backbone.depth]
    return ([head] if backbone.depth in cuts else []) + deeper


def chosen_model(probed: list[Probed], best: Probed, metric: str, *, pinned: bool) -> Decision:
    """The model, and why it and not another."""
    name = best.candidate.card.name
    if pinned:
        return Decision("model", name, "", "you asked for it", "pinned")
    others = sorted((one for one in probed if one is not best), key=lambda one: -one.score.value)
    words = metric.replace("_", " ")
    why = f"its frozen features gave {100 * best.score.value:.1f} % {words} in the cross-validated probe"
    if others:
        why += f"; next: {others[0].candidate.card.name} with {100 * others[0].score.value:.1f} %"
        if others[0].score.high > best.score.value:
            why += " (a difference within the noise)"
    return Decision("model", name, "", why, "measured")


def chosen_cut(tried: list[Arm], chosen: Arm, best: Probed, metric: str, *, pinned: bool) -> Decision:
    """The cut, and what the others reached on validation."""
    value = cut_name(best, chosen.cut)
    if pinned:
        return Decision("cut", value, "", "you asked for it", "pinned")
    reached = ", ".join(f"{cut_name(best, arm.cut)} {100 * score(arm.validation, metric):.1f} %" for arm in tried)
    return Decision("cut", value, "", f"{metric.replace('_', ' ')} on {len(chosen.validation)} validation items: {reached}", "measured")


def cut_name(best: Probed, cut: int) -> str:
    """``head`` or the first block that is retrained."""
    backbone = best.candidate.backbone
    return "head" if cut == backbone.depth else backbone.blocks[cut].name


def empty_store_seconds(probed: list[Probed], seconds: Mapping[str, float]) -> float:
    """What the transfer arm needs from an empty store: what it took now, plus what the store saved it."""
    saved = 0.0
    for one in probed:
        deepest = max(one.activations.values(), key=lambda kept: kept.empty_store_seconds)
        saved += deepest.empty_store_seconds * deepest.hits / max(1, deepest.hits + deepest.misses)
    return seconds["candidates"] + seconds["cuts"] + saved


def scratch_why(transfer_seconds: float) -> str:
    """Why the scratch twin gets the time it gets."""
    return f"the transfer arm needs {transfer_seconds:.0f} s from an empty store; the twin gets at least as long"


def circumstances(
    best: Probed, transfer: Arm, scratch: Arm | None, dataset: Dataset, parts: Split, activations: list[Activations], seconds: Mapping[str, float], plan: Plan
) -> Circumstances:
    """Everything the verdict says beside the scores."""
    card, backbone = best.candidate.card, best.candidate.backbone
    why = next(decision.why for decision in plan.decisions if decision.name == "cut")
    return Circumstances(
        task="classification",
        modality=dataset.modality,
        model=card.name,
        title=card.title,
        cut=Cut(cut_name(best, transfer.cut), backbone.trainable_share(transfer.cut), None if transfer.cut == 0 else backbone.depth - transfer.cut),
        seconds={name: round(value, 3) for name, value in seconds.items()},
        cache=CacheUse(sum(a.hits for a in activations), sum(a.misses for a in activations), sum(a.written_bytes for a in activations)),
        n=Counts(len(parts.train), len(parts.validation), len(parts.test)),
        licence=card.licence,
        seed=int(plan.number("seed")),
        scratch_epochs=len(scratch.history) if scratch else None,
        scratch_still_improving=scratch.still_improving if scratch else None,
        why=why,
    )


