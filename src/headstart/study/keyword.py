"""A wake word: recordings of it, other words and hours of background in; a new layer on a frozen embedding, an operating point and error rates out.

| train part ─► frames of the frozen embedding ─► a new layer ──┐
| validation part (other speakers, other background) ─► threshold for the false accepts an hour that were asked for
| test part, once ─► share of missed words, false accepts an hour, both with intervals; the same again with a random embedding

Frames of recordings lie in the store, hearings of the word and the layer among the run's pieces: a run that was killed goes on (`study/resume.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headstart import gallery
from headstart.activations.store import Store
from headstart.backbone.build import build
from headstart.backbone.networks.keyword_head import FRAMES, KeywordHead
from headstart.backbone.networks.speech_embedding import RATE
from headstart.base.errors import InputError
from headstart.base.events import Event, Sink, silence, stage, tee
from headstart.base.journal import begin
from headstart.base.seeds import seed_for
from headstart.data import Dataset, Split, load
from headstart.evaluation.intervals import Measured
from headstart.evaluation.operating_point import OperatingPoint, operating_point, steps_of_detections
from headstart.evaluation.rates import HOUR_SECONDS, per_hour, share_by
from headstart.gallery.card import ModelCard
from headstart.modality.heard_word import other_hearing, window_of
from headstart.modality.sound import Samples
from headstart.planning.facts import Wishes
from headstart.planning.memory import NO_LIMIT
from headstart.report.keyword import write_keyword_report
from headstart.study.asked import Asked, asked, same_models, unchanged
from headstart.study.frames import BEHIND_SECONDS, Frames, Sound
from headstart.study.keyword_sides import KINDS, are_silent, kind_of, sides
from headstart.study.listening import KEYWORD, REST_STEPS, SIGHT, STEP, WEIGHTS, Ear, heard_at_rate
from headstart.study.slips import Slip, keep_worst, slips_in
from headstart.task.linear import one_thread
from headstart.training.keeping import Keeping, keeping
from headstart.training.keyword import logits_of, train_head
from headstart.training.run import RunWriter

MODEL = "speech_embedding"
TASK = "keyword"
HEARINGS = 480  # of the word in all, so many of each recording as that makes
HEARINGS_LEAST, HEARINGS_MOST = 3, 40  # of one recording
WINDOW = SIGHT + (FRAMES - 1) * STEP
MIXED_SECONDS = 1800.0  # of background that is held in memory to be heard behind the word
FALSE_ACCEPTS = 0.5  # an hour, what people put up with in a kitchen


@dataclass(frozen=True)
class Arm:
    """What one embedding with its new layer did on the test part.

    Attributes:
        point: The threshold that the calibration part chose.
        missed: Share of the words that were not heard.
        false_accepts_per_hour: Detections where nobody said the word.
    """

    point: OperatingPoint
    missed: Measured
    false_accepts_per_hour: Measured


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


@dataclass(frozen=True, eq=False)
class Sounds:
    """The recordings of one part: words, other words, background."""

    positive: list[Sound]
    negative: list[Sound]
    background: list[Sound]

    @property
    def wrong(self) -> list[Sound]:
        """What is not the word."""
        return [*self.negative, *self.background]


def fit_keyword(
    data: Path,
    *,
    out: Path,
    false_accepts: float = FALSE_ACCEPTS,
    seed: int = 0,
    twins: bool = True,
    group: str | None = None,
    accept: Collection[str] = (),
    sink: Sink = silence,
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
        sink: Receives events.

    Raises:
        InputError: when a kind of sound is missing, or the model is not subscribed.
    """
    if not 0 < false_accepts < float("inf"):
        raise InputError("false accepts an hour must be above 0", got=false_accepts, fix="--false-accepts 0.5")
    if MODEL not in accept and not gallery.is_subscribed(MODEL):
        raise InputError("no model for wake words is subscribed", allowed=[MODEL], fix=f"headstart gallery subscribe {MODEL}")
    wishes = Wishes(MODEL, None, seed, "usual", None, "float32", twins)
    wanted = asked(data, wishes, None, group, tuple(accept), None, "audio", TASK, false_accepts)
    with RunWriter(out) as run:
        wanted.write(run.folder)
        heard = tee(sink, run.record)
        return teach(wanted, run, keeping(begin(run.folder, time.perf_counter()), run.folder, heard), heard)


def teach(wanted: Asked, run: RunWriter, kept: Keeping, sink: Sink) -> Result:
    """From the recordings to the report; what was computed before a kill is taken as it was."""
    wishes, false_accepts = wanted.wishes, wanted.false_accepts
    NO_LIMIT.begin()
    with one_thread():
        if MODEL in wanted.accept and not gallery.is_subscribed(MODEL):
            gallery.subscribe(MODEL, accept=[MODEL], sink=sink)
        card, weights = same_models(kept.journal, [gallery.card(MODEL)])[0], gallery.weights(MODEL)
        dataset = load(Path(wanted.data), group=wanted.group, modality="audio", sink=sink, minimum_per_class=1, cut=lambda label: kind_of(label) != "positive")
        unchanged(kept.journal, dataset, wanted.line)
        divided = sides(dataset, wishes.seed)
        for caution in divided.cautions:
            sink(Event("note", "read", text=f"beware: {caution}"))
        parts = divided.split
        lessons = parts.train[~are_silent(dataset)[parts.train]]  # of silence there is nothing to learn: a listener begins with it before every recording
        train, calibration, test = (_sounds(dataset, part, parts.units) for part in (lessons, parts.validation, parts.test))
        network = build(card, weights).net
        taught = Lesson("pretrained", network, wishes.seed, kept, sink).taught(train, calibration, test, false_accepts)
        arm, hours = taught.arm, taught.hours
        random = None
        if wishes.twins:
            untaught = build(card, None, seed=seed_for(wishes.seed, "random weights")).net
            random = Lesson("random", untaught, wishes.seed, kept, sink).taught(train, calibration, test, false_accepts).arm
        result = Result(run.folder, false_accepts, arm, random, hours, _sentence(arm, random, false_accepts, hours, divided.cautions), divided.cautions)
        run.json("mistakes.json", keep_worst(run.folder, taught.slips))
        _keep(run, result, dataset, parts, card, network, taught.head, wishes.seed)
    return result


@dataclass(frozen=True, eq=False)
class Taught:
    """A layer on one embedding, and what it did on the test part, in so many hours of other sound; each of its mistakes."""

    head: KeywordHead
    arm: Arm
    hours: float
    slips: list[Slip]


def _sounds(dataset: Dataset, part: NDArray[np.int64], units: NDArray[np.int64]) -> Sounds:
    found: dict[str, list[Sound]] = {kind: [] for kind in KINDS}
    for index in part.tolist():
        sound = Sound(dataset.content[index], partial(heard_at_rate, dataset, index), dataset.sources[index], int(units[index]))
        found[kind_of(dataset.classes[dataset.labels[index]])].append(sound)
    return Sounds(found["positive"], found["negative"], found["background"])


@dataclass(frozen=True, eq=False)
class Lesson:
    """A new layer on one embedding.

    Attributes:
        name: Of the embedding.
        network: The embedding.
        seed: Everything random follows from it.
        kept: Where pieces are kept.
        sink: Receives events.
    """

    name: str
    network: nn.Module
    seed: int
    kept: Keeping
    sink: Sink

    def taught(self, train: Sounds, calibration: Sounds, test: Sounds, false_accepts: float) -> Taught:
        """The layer; its threshold from the calibration part; what it does on the test part."""
        frames = Frames(self.network, f"{MODEL}, {self.name}", Store(), self.sink)
        head = self._head(frames, train)
        led = partial(_led, frames.silence())
        wrong = [led(one) for one in frames.of(calibration.wrong, "what the threshold is chosen on")]
        with stage(self.sink, "operating point"):
            point = operating_point([logits_of(head, one) for one in wrong], _hours(wrong), false_accepts, rest_steps=REST_STEPS)
        said, other = frames.of(test.positive, "the word, tested"), [led(one) for one in frames.of(test.wrong, "what else is tested")]
        with stage(self.sink, "test"):
            missed = self._slips(head, test.positive, [led(one) for one in said], point, word=True)
            accepted = self._slips(head, test.wrong, other, point, word=False)
        hours = _hours(other)
        silent = np.array([any(one.sound is word for one in missed) for word in test.positive], np.bool_)
        share = share_by(silent, np.array([word.unit for word in test.positive]))
        return Taught(head, Arm(point, share, per_hour(len(accepted), hours)), hours, [*missed, *accepted])

    def _slips(self, head: KeywordHead, sounds: Sequence[Sound], heard: Sequence[Samples], point: OperatingPoint, *, word: bool) -> list[Slip]:
        found: list[Slip] = []
        for sound, frames in zip(sounds, heard, strict=True):
            logits = logits_of(head, frames)
            found += slips_in(sound, logits, steps_of_detections(logits, point.threshold, REST_STEPS), word=word)
        return found

    def _head(self, frames: Frames, train: Sounds) -> KeywordHead:
        def compute() -> dict[str, Any]:
            led = partial(_led, frames.silence())
            windows, others = self._positive(frames.embedding, train), [led(one) for one in frames.of(train.wrong, "what is not the word")]
            others += self._varied(frames.embedding, train, led)
            return {name: value.numpy() for name, value in train_head(windows, others, seed=self.seed, sink=self.sink).state_dict().items()}

        tensors = self._piece("layer", compute)
        head = KeywordHead()
        head.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()})
        head.eval()
        return head

    def _positive(self, embedding: nn.Module, train: Sounds) -> Samples:
        """Windows ``(n, 10, 96)`` at whose end the word has just ended, each recording in as many hearings."""
        views = min(HEARINGS_MOST, max(HEARINGS_LEAST, -(-HEARINGS // len(train.positive))))

        def compute() -> dict[str, Any]:
            behind, found = _until(train.background, MIXED_SECONDS), []
            with stage(self.sink, "hearings of the word", len(train.positive), "recordings") as advance, torch.inference_mode():
                for number, one in enumerate(train.positive):
                    generator, word = self._generator(one), one.samples()
                    heard = np.stack([window_of(word, WINDOW, RATE, generator, behind, varied=view > 0) for view in range(views)])
                    found.append(embedding(torch.from_numpy(heard)).numpy().transpose(0, 2, 1))
                    advance(number + 1)
            return {"windows": np.ascontiguousarray(np.concatenate(found))}

        return np.asarray(self._piece("hearings of the word", compute)["windows"], np.float32)

    def _varied(self, embedding: nn.Module, train: Sounds, led: Callable[[Samples], Samples]) -> list[Samples]:
        """Another hearing of every other word: else varied would mean the word."""

        def compute() -> dict[str, Any]:
            found: dict[str, Any] = {}
            with stage(self.sink, "hearings of other words", len(train.negative), "recordings") as advance:
                for number, one in enumerate(train.negative):
                    heard = other_hearing(one.samples(), RATE, self._generator(one))
                    found[f"{number:06d}"] = Ear(embedding).hear(np.pad(heard, (0, round(BEHIND_SECONDS * RATE))))
                    advance(number + 1)
            return found

        return [led(np.asarray(value, np.float32)) for _, value in sorted(self._piece("hearings of other words", compute).items())]

    def _generator(self, sound: Sound) -> np.random.Generator:
        return np.random.default_rng(seed_for(self.seed, f"hearings of {sound.content}"))

    def _piece(self, what: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        place = self.kept.training(f"{what}, {self.name}")
        found = place.find()
        if found is not None:
            return dict(found.tensors)
        tensors = compute()
        place.save(tensors, {})
        return tensors


def _until(sounds: Sequence[Sound], seconds: float) -> list[Samples]:
    """Recordings, evenly among all, until there are so many seconds of them."""
    found: list[Samples] = []
    for one in sounds[:: max(1, len(sounds) // 60)]:
        found.append(one.samples())
        if sum(map(len, found)) > seconds * RATE:
            break
    return found


def _led(silent: Samples, frames: Samples) -> Samples:
    """With the silence before it that a listener begins with."""
    return np.concatenate([np.repeat(silent, FRAMES - 1, axis=0), frames])


def _hours(led: Sequence[Samples]) -> float:
    """How long recordings were, from their frames."""
    return sum((len(one) - FRAMES + 1) * STEP / RATE - BEHIND_SECONDS for one in led) / HOUR_SECONDS


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
