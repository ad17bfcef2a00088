"""A wake word: recordings of it, other words and hours of background in; a new layer on a frozen embedding, an operating point and error rates out.

| train part ─► frames of the frozen embedding ─► a new layer ──┐
| validation part (other speakers, other background) ─► threshold for the false accepts an hour that were asked for
| test part, once ─► share of missed words, false accepts an hour, both with intervals; the same again with a random embedding

Frames of recordings lie in the store, hearings of the word and the layer among the run's pieces: a run that was killed goes on (`study/resume.py`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from headstart import gallery
from headstart.activations.store import Store
from headstart.backbone.build import build
from headstart.backbone.networks.keyword_head import KeywordHead
from headstart.backbone.networks.speech_embedding import RATE
from headstart.base import amounts
from headstart.base.errors import InputError
from headstart.base.events import Event, Sink, silence, tee
from headstart.base.journal import begin
from headstart.base.seeds import seed_for
from headstart.base.sizes import megabytes
from headstart.data import Dataset, Split, load
from headstart.data.examine import Within
from headstart.evaluation.rates import hours_to_promise
from headstart.gallery.card import ModelCard
from headstart.planning.budget import Budget
from headstart.planning.facts import Wishes
from headstart.planning.memory import Memory
from headstart.report.keyword import write_keyword_report
from headstart.study import tail
from headstart.study.asked import Asked, asked, same_models, unchanged
from headstart.study.frames import Frames, Sound
from headstart.study.keyword_lesson import Arm, Lesson, Parts, Sounds, Taught, usual_hearings, usual_seconds
from headstart.study.keyword_sides import KINDS, MILLISECONDS, are_silent, kind_of, sides
from headstart.study.keyword_time import LEAST_SECONDS, Timetable, costs, foretold, prepare, refuse_too_short, slowness, timetable
from headstart.study.listening import KEYWORD, STEP, WEIGHTS, heard_at_rate
from headstart.study.slips import keep_worst
from headstart.task.linear import one_thread
from headstart.training.keeping import Keeping, keeping
from headstart.training.keyword import ROUNDS
from headstart.training.run import RunWriter

MODEL = "speech_embedding"
TASK = "keyword"
PRETRAINED, RANDOM = "pretrained", "random"  # lessons
FALSE_ACCEPTS = 0.5  # an hour, what people put up with in a kitchen


@dataclass(frozen=True)
class Result:
    """A finished wake word.

    Attributes:
        folder: Its run folder.
        asked: False accepts an hour for which the threshold was chosen.
        transfer: The pretrained embedding.
        random: The same with random weights, its layer trained the same way; None without twins.
        test_hours: What false accepts were counted in.
        sentence: The answer in words.
        cautions: What the division of the recordings cannot ensure, each also in the sentence.
    """

    folder: Path
    asked: float
    transfer: Arm
    random: Arm | None
    test_hours: float
    sentence: str
    cautions: tuple[str, ...] = ()


def fit_keyword(
    data: Path,
    *,
    out: Path,
    false_accepts: float = FALSE_ACCEPTS,
    seed: int = 0,
    twins: bool = True,
    group: str | None = None,
    accept: Collection[str] = (),
    budget_seconds: float | None = None,
    memory_bytes: int | None = None,
    sink: Sink = silence,
    started: float | None = None,
) -> Result:
    """Teach a wake word.

    Args:
        data: Folders ``positive``, ``negative`` and ``background``, or a metadata.csv with these labels, with a column for the speaker where it is known.
        out: The run folder.
        false_accepts: An hour, for which the threshold is chosen on the validation part.
        seed: Everything random follows from it.
        twins: Also teach the layer on a random embedding.
        group: The column that keeps a speaker on one side.
        accept: Models to subscribe to first, whose licences the user accepts.
        budget_seconds: Wall-clock seconds in all: what does not fit is not begun, and named.
        memory_bytes: That the process may hold: of other sound only so much is heard as that holds.
        sink: Receives events.
        started: Reading of ``time.perf_counter`` from which the budget counts; now when not given.

    Raises:
        InputError: when a kind of sound is missing, the model is not subscribed, or a budget does not even hold the reading.
    """
    if not 0 < false_accepts < float("inf"):
        raise InputError("false accepts an hour must be above 0", got=false_accepts, fix="--false-accepts 0.5")
    if MODEL not in accept and not gallery.is_subscribed(MODEL):
        raise InputError("no model for wake words is subscribed", allowed=[MODEL], fix=f"headstart gallery subscribe {MODEL}")
    wishes = Wishes(MODEL, None, seed, "usual", None, "float32", twins, budget_seconds, memory_bytes=memory_bytes)
    wanted = asked(data, wishes, None, group, tuple(accept), None, "audio", TASK, false_accepts)
    with RunWriter(out) as run:
        wanted.write(run.folder)
        heard = tee(sink, run.record)
        journal = begin(run.folder, time.perf_counter() if started is None else started)
        return teach(wanted, run, keeping(journal, run.folder, heard), heard)


def teach(wanted: Asked, run: RunWriter, kept: Keeping, sink: Sink) -> Result:
    """From the recordings to the report; what was computed before a kill is taken as it was."""
    wishes, journal, memory = wanted.wishes, kept.journal, Memory(wanted.wishes.memory_bytes)
    memory.begin()
    alike, starting = tail.kind(TASK, wishes.budget_seconds), journal.recall("seconds of starting", lambda: journal.seconds)
    budget = Budget(wishes.budget_seconds, journal.book.started).less(journal.recall("seconds of the end", lambda: tail.recall(alike, starting)))
    with one_thread():
        if MODEL in wanted.accept and not gallery.is_subscribed(MODEL):
            gallery.subscribe(MODEL, accept=[MODEL], sink=sink)
        card, weights = same_models(journal, [gallery.card(MODEL)])[0], gallery.weights(MODEL)
        dataset = _read(wanted, budget, sink)
        unchanged(journal, dataset, wanted, run.folder)
        divided = sides(dataset, wishes.seed)
        for caution in divided.cautions:
            sink(Event("note", "read", text=f"beware: {caution}"))
        parts = _parts(dataset, divided.split)
        if said := few_hours(parts.calibration.hours, parts.hours, wanted.false_accepts):
            sink(Event("note", "read", text=f"beware: {said}"))
        store, network = Store(**memory.store), build(card, weights).net
        networks = {PRETRAINED: network, **({RANDOM: build(card, None, seed=seed_for(wishes.seed, "random weights")).net} if wishes.twins else {})}
        frames = {name: Frames(one, f"{MODEL}, {name}", store, sink) for name, one in networks.items()}
        times = _timed(wishes, Timetable(budget, memory, journal), frames, parts, sink)
        lessons = {name: Lesson(name, one, wishes.seed, kept, times, sink) for name, one in frames.items()}
        taught = lessons[PRETRAINED].taught(parts, wanted.false_accepts)
        twin = lessons[RANDOM].taught(taught.heard, wanted.false_accepts) if wishes.twins and times.has_time_for(RANDOM) else None
        with tail.timed(alike):
            arm, random, hours = taught.arm, None if twin is None else twin.arm, taught.hours
            cautions = (*divided.cautions, *_left_out(wishes, parts, taught, twin))
            result = Result(run.folder, wanted.false_accepts, arm, random, hours, _sentence(arm, random, wanted.false_accepts, hours, cautions), cautions)
            run.json("mistakes.json", keep_worst(run.folder, taught.slips))
            _keep(run, result, dataset, divided.split, card, network, taught.head, wishes.seed)
    return result


def _read(wanted: Asked, budget: Budget, sink: Sink) -> Dataset:
    """The recordings; refused where a budget ends before they are read."""
    seconds = wanted.wishes.budget_seconds
    within = None if seconds is None else Within(time.perf_counter() + budget.left - LEAST_SECONDS, seconds)
    read = partial(load, Path(wanted.data), group=wanted.group, modality="audio", sink=sink, minimum_per_class=1)
    return read(cut=lambda label: kind_of(label) != "positive", within=within)


def _parts(dataset: Dataset, split: Split) -> Parts:
    """The recordings of each part. Of silence there is nothing to learn: a listener begins with it before every recording."""
    lessons = split.train[~are_silent(dataset)[split.train]]
    train, calibration, test = (_sounds(dataset, part, split.units) for part in (lessons, split.validation, split.test))
    return Parts(train, calibration, test, usual_hearings(len(train.positive)))


def few_hours(calibration: float, whole: float, asked_for: float) -> str:
    """That so many hours of other sound cannot promise what was asked for, and how many in all could; nothing where they can.

    Example:
        >>> few_hours(7.5, 25.0, 0.5)
        ''
        >>> few_hours(1.0, 5.0, 0.5)[-66:]
        '7.38 h without one, some 37 h of background and other words in all'
    """
    needed = hours_to_promise(asked_for)
    if calibration >= needed or not calibration:
        return ""
    return (
        f"the threshold is chosen on {amounts.hours(calibration)} of other sound, too few to promise {asked_for:g} false accepts an hour: that takes "
        f"{amounts.hours(needed)} without one, some {needed * whole / calibration:.0f} h of background and other words in all"
    )


def _sounds(dataset: Dataset, part: NDArray[np.int64], units: NDArray[np.int64]) -> Sounds:
    found: dict[str, list[Sound]] = {kind: [] for kind in KINDS}
    for index in part.tolist():
        seconds = float(dataset.sizes[index, 0]) / MILLISECONDS
        sound = Sound(dataset.content[index], partial(heard_at_rate, dataset, index), dataset.sources[index], int(units[index]), seconds)
        found[kind_of(dataset.classes[dataset.labels[index]])].append(sound)
    return Sounds(found["positive"], found["negative"], found["background"])


def _timed(wishes: Wishes, times: Timetable, frames: Mapping[str, Frames], parts: Parts, sink: Sink) -> Timetable:
    """How long each step may take: forecast from the first files, and said before the work where there is not time for all of it.

    Raises:
        InputError: when reading has left too little to teach anything by.
    """
    if wishes.budget_seconds is None:
        return times
    recall = times.journal.recall
    prepare()
    told_by = parts.train.background or parts.train.negative  # of what takes the time
    slow = float(recall("slowness", lambda: slowness(frames[PRETRAINED].embedding, told_by)))
    left = float(recall("seconds of teaching", lambda: times.budget.left))
    refuse_too_short(left, wishes.budget_seconds, slow)
    lessons = [costs(name, recall(f"costs, {name}", partial(usual_seconds, one, parts)), slow) for name, one in frames.items()]
    planned = timetable(lessons, left)
    if said := foretold(lessons, planned, left, parts.hours):
        sink(Event("note", "plan", text=said))
    return replace(times, planned=planned, slowness=slow)


def _left_out(wishes: Wishes, parts: Parts, taught: Taught, twin: Taught | None) -> list[str]:
    """What the limits did not allow, as one thing to beware of; nothing where everything was done."""
    heard = taught.heard
    counted = (
        (heard.words, parts.words, "recordings of the word"),
        (heard.hearings, parts.hearings, "hearings of each word"),
        (taught.rounds, ROUNDS, "rounds of training"),
    )
    less = [f"{amounts.hours(heard.hours)} of {amounts.hours(parts.hours)} of other sound"] if heard.n_wrong < parts.n_wrong else []
    less += [f"{n} of {most} {what}" for n, most, what in counted if n < most]
    said = [f"allowed {', '.join(less)}"] if less else []
    if wishes.twins and twin is None:
        said.append("left no time for a random embedding")
    elif twin is not None and twin.heard.n_wrong < heard.n_wrong:
        said.append(f"let the random embedding hear {amounts.hours(twin.heard.hours)} of that")
    limits = [f"--budget {wishes.budget_seconds:g}s"] if wishes.budget_seconds is not None else []
    limits += [f"--memory {megabytes(wishes.memory_bytes)}"] if wishes.memory_bytes is not None else []
    return [f"{' and '.join(limits)} {' and '.join(said)}"] if said else []


def _sentence(arm: Arm, random: Arm | None, asked_for: float, hours: float, cautions: Sequence[str]) -> str:
    missed, wrong, point = arm.missed, arm.false_accepts_per_hour, arm.point
    said = (
        f"Misses {missed.value:.0%} of the word (95 % {missed.low:.0%} to {missed.high:.0%}, n = {missed.n}) at {wrong.value:.2f} false accepts an hour "
        f"({wrong.low:.2f} to {wrong.high:.2f}, {wrong.n} in {hours:.2f} h) with the threshold chosen for {asked_for:g} an hour on {point.hours:.2f} h"
    )
    if not point.promised:
        said += f", too few to promise it: that takes {point.hours_to_promise:.1f} h without one"
    if random is not None:
        said += f"; on a random embedding it misses {random.missed.value:.0%} at {random.false_accepts_per_hour.value:.2f}"
    return ". Beware: ".join([said, *cautions]) + "."


def _keep(run: RunWriter, result: Result, dataset: Dataset, parts: Split, card: ModelCard, network: nn.Module, head: KeywordHead, seed: int) -> None:
    tensors = {f"backbone.{name}": value for name, value in network.state_dict().items()} | {f"head.{name}": value for name, value in head.state_dict().items()}
    run.tensors(WEIGHTS, tensors)
    counts: dict[str, Any] = {part: len(places) for part, places in (("train", parts.train), ("validation", parts.validation), ("test", parts.test))}
    about = {
        "data": str(dataset.root),
        "data_digest": dataset.digest,
        "split": parts.how,
        "items": counts,
        "seed": seed,
        "card": card,
        "step_seconds": STEP / RATE,
    }
    run.json(KEYWORD, {**about, "result": result})
    write_keyword_report(run.folder)
    run.finish()
