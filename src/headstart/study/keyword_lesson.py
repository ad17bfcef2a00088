"""One embedding and the recordings of a wake word's three parts in; a new layer on it, its threshold, and what it does on the test part, out.

| train ─► hearings of the word, frames of all else, other hearings of other words ─► a new layer
| calibration ─► its threshold       test, once ─► missed words, false accepts, each of them a slip

Under a limit on time or memory as much of each is heard as `keyword_time` allows; frames lie in the store, the rest among the run's pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from headstart.backbone.networks.keyword_head import FRAMES, KeywordHead
from headstart.backbone.networks.speech_embedding import RATE
from headstart.base.events import Sink, stage
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.evaluation.intervals import Measured
from headstart.evaluation.operating_point import OperatingPoint, operating_point, steps_of_detections
from headstart.evaluation.rates import HOUR_SECONDS, per_hour, share_by
from headstart.modality.heard_word import other_hearing, window_of
from headstart.modality.sound import Samples
from headstart.planning.budget import Budget
from headstart.study.frames import BEHIND_SECONDS, Frames, Sound
from headstart.study.keyword_time import (
    FRAME_SECONDS,
    HEARING_SECONDS,
    JUDGED,
    JUDGING_SECONDS,
    LAYER,
    OTHER_SECONDS,
    OTHERS,
    POINT,
    POINT_SECONDS,
    ROUND_SECONDS,
    SAID,
    TESTED,
    THRESHOLD,
    VARIED,
    WORDS,
    Timetable,
    fitting,
    step,
)
from headstart.study.listening import REST_STEPS, SIGHT, STEP, Ear
from headstart.study.slips import Slip, slips_in
from headstart.training.keeping import Keeping
from headstart.training.keyword import ROUNDS, logits_of, train_head

HEARINGS = 480  # of the word in all, so many of each recording as that makes
HEARINGS_LEAST, HEARINGS_MOST = 3, 40  # of one recording
WINDOW = SIGHT + (FRAMES - 1) * STEP
MIXED_SECONDS = 1800.0  # of background that is held in memory to be heard behind the word
MIXING_SECONDS = 0.004  # to read a second of it
MIXING_SHARE = 0.2  # of what the hearings of the word may take, or of what memory leaves
HEARINGS_SHARE = 0.7  # of what they may take: some are dearer
SAMPLE_BYTES = 4


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

    @property
    def hours(self) -> float:
        """How much there is that is not the word."""
        return sum(one.seconds for one in self.wrong) / HOUR_SECONDS

    def only(self, heard: Sequence[Sound]) -> Sounds:
        """Those of them that were heard."""
        kept = set(heard)
        return Sounds(*([one for one in some if one in kept] for some in (self.positive, self.negative, self.background)))


@dataclass(frozen=True, eq=False)
class Parts:
    """The recordings that teach, that choose the threshold, and that test; how often each that teaches the word is heard."""

    train: Sounds
    calibration: Sounds
    test: Sounds
    hearings: int

    @property
    def hours(self) -> float:
        """How much there is that is not the word."""
        return self.train.hours + self.calibration.hours + self.test.hours

    @property
    def n_wrong(self) -> int:
        """How many recordings are not the word."""
        return sum(len(one.wrong) for one in (self.train, self.calibration, self.test))

    @property
    def words(self) -> int:
        """How many recordings of the word teach or test."""
        return len(self.train.positive) + len(self.test.positive)


@dataclass(frozen=True, eq=False)
class Taught:
    """A layer on one embedding, and what it did on the test part, in so many hours of other sound; each of its mistakes; what was heard."""

    head: KeywordHead
    arm: Arm
    hours: float
    slips: list[Slip]
    heard: Parts
    rounds: int


@dataclass(frozen=True, eq=False)
class Lesson:
    """A new layer on one embedding.

    Attributes:
        name: Of the embedding.
        frames: What the embedding says of recordings.
        seed: Everything random follows from it.
        kept: Where pieces are kept.
        time: What each step may take.
        sink: Receives events.
    """

    name: str
    frames: Frames
    seed: int
    kept: Keeping
    time: Timetable
    sink: Sink

    def taught(self, parts: Parts, false_accepts: float) -> Taught:
        """The layer; its threshold from the calibration part; what it does on the test part."""
        frames, (train, calibration, test) = self.frames, (parts.train, parts.calibration, parts.test)
        led = partial(_led, frames.silence())
        head, learnt, hearings = self._head(train, parts.hearings, led)
        chosen, wrong = self._heard(THRESHOLD, calibration.wrong, "what the threshold is chosen on", led)
        with stage(self.sink, "operating point"):
            point = operating_point([logits_of(head, one) for one in wrong], _hours(wrong), false_accepts, rest_steps=REST_STEPS)
        words, said = self._heard(SAID, test.positive, "the word, tested", led)
        tested, other = self._heard(TESTED, test.wrong, "what else is tested", led)
        with stage(self.sink, "test"):
            missed = self._slips(head, words, said, point, word=True)
            accepted = self._slips(head, tested, other, point, word=False)
        hours = _hours(other)
        silent = np.array([any(one.sound is word for one in missed) for word in words], np.bool_)
        share = share_by(silent, np.array([word.unit for word in words]))
        heard = Parts(learnt, calibration.only([*calibration.positive, *chosen]), test.only([*words, *tested]), hearings)
        rounds = self.time.done(step(self.name, LAYER)) or ROUNDS
        return Taught(head, Arm(point, share, per_hour(len(accepted), hours)), hours, [*missed, *accepted], heard, rounds)

    def _slips(self, head: KeywordHead, sounds: Sequence[Sound], heard: Sequence[Samples], point: OperatingPoint, *, word: bool) -> list[Slip]:
        found: list[Slip] = []
        for sound, frames in zip(sounds, heard, strict=True):
            logits = logits_of(head, frames)
            found += slips_in(sound, logits, steps_of_detections(logits, point.threshold, REST_STEPS), word=word)
        return found

    def _head(self, train: Sounds, usual: int, led: Callable[[Samples], Samples]) -> tuple[KeywordHead, Sounds, int]:
        """The layer, the recordings that it learnt from, and how often it heard each word."""
        windows, words, hearings = self._positive(train, usual)
        sounds, others = self._heard(OTHERS, train.wrong, "what is not the word", led)
        learnt = train.only([*words, *sounds])

        def compute() -> dict[str, Any]:
            windowed = [*others, *self._varied(learnt.negative, led)]

            def fitted(rounds: int, limit: Budget) -> tuple[int, KeywordHead]:
                head, n = train_head(windows, windowed, seed=self.seed, sink=self.sink, rounds=rounds, limit=limit)
                return n, head

            return {name: value.numpy() for name, value in self.time.as_much(step(self.name, LAYER), ROUNDS, fitted).state_dict().items()}

        tensors = self._piece("layer", compute)
        head = KeywordHead()
        head.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()})
        head.eval()
        return head, learnt, hearings

    def _positive(self, train: Sounds, usual: int) -> tuple[Samples, list[Sound], int]:
        """Windows ``(n, 10, 96)`` at whose end the word has just ended, each recording in as many hearings; the recordings, and how many hearings."""
        order, named, embedding = self._in_order(train.positive), step(self.name, WORDS), self.frames.embedding
        hearings, mixed = self._affordable(named, len(order), usual) if self.time.is_limited else (usual, MIXED_SECONDS)

        def hear(n: int, limit: Budget) -> tuple[int, dict[Sound, Samples]]:
            behind, found = _until(train.background, mixed), dict[Sound, Samples]()
            with stage(self.sink, "hearings of the word", n, "recordings") as advance, torch.inference_mode():
                for one in fitting(order[:n], limit):
                    generator, word = self._generator(one), one.samples()
                    heard = np.stack([window_of(word, WINDOW, RATE, generator, behind, varied=view > 0) for view in range(hearings)])
                    found[one] = embedding(torch.from_numpy(heard)).numpy().transpose(0, 2, 1)
                    advance(len(found))
            return len(found), found

        def compute() -> dict[str, Any]:
            found = self.time.as_much(named, self.time.held(order, hearings), hear)
            return {"windows": np.ascontiguousarray(np.concatenate([found[one] for one in train.positive if one in found]))}

        windows = np.asarray(self._piece("hearings of the word", compute)["windows"], np.float32)
        return windows, list(order[: len(windows) // hearings]), hearings

    def _affordable(self, named: str, n: int, usual: int) -> tuple[int, float]:
        """How often each word is heard, and how many seconds of background are held to be heard behind it."""
        limit, slow, memory = self.time.limit(named), self.time.slowness, self.time.memory

        def decided() -> list[float]:
            hearings = HEARINGS_SHARE * limit.left / (n * slow * HEARING_SECONDS)
            mixed = MIXING_SHARE * min(limit.left / (slow * MIXING_SECONDS), memory.left / (RATE * SAMPLE_BYTES))
            return [int(min(usual, max(HEARINGS_LEAST, hearings))), min(MIXED_SECONDS, max(0.0, mixed))]

        hearings, mixed = self.kept.journal.recall(f"hearings of {named}", decided)
        return int(hearings), float(mixed)

    def _varied(self, sounds: Sequence[Sound], led: Callable[[Samples], Samples]) -> list[Samples]:
        """Another hearing of every other word: else varied would mean the word."""
        order, place = self._in_order(sounds), {one: number for number, one in enumerate(sounds)}

        def hear(n: int, limit: Budget) -> tuple[int, dict[str, Any]]:
            found: dict[str, Any] = {}
            with stage(self.sink, "hearings of other words", n, "recordings") as advance:
                for one in fitting(order[:n], limit):
                    heard = other_hearing(one.samples(), RATE, self._generator(one))
                    found[f"{place[one]:06d}"] = Ear(self.frames.embedding).hear(np.pad(heard, (0, round(BEHIND_SECONDS * RATE))))
                    advance(len(found))
            return len(found), found

        def compute() -> dict[str, Any]:
            return self.time.as_much(step(self.name, VARIED), self.time.held(order), hear)

        return [led(np.asarray(value, np.float32)) for _, value in sorted(self._piece("hearings of other words", compute).items())]

    def _heard(self, what: str, sounds: Sequence[Sound], told: str, led: Callable[[Samples], Samples]) -> tuple[list[Sound], list[Samples]]:
        """As many of the recordings as there is time and memory for, and their frames."""
        order = self._in_order(sounds)

        def hear(n: int, limit: Budget) -> tuple[int, list[Samples]]:
            found = [led(one) for one in self.frames.of(order[:n], told, limit, self.time.pace)]
            return len(found), found

        found = self.time.as_much(step(self.name, what), self.time.held(order), hear)
        heard = dict(zip(order, found, strict=False))
        kept = [one for one in sounds if one in heard]
        return kept, [heard[one] for one in kept]

    def _in_order(self, sounds: Sequence[Sound]) -> Sequence[Sound]:
        """As they are; under a limit, of which the first are heard, in an order that is drawn."""
        if not self.time.is_limited:
            return sounds
        return sorted(sounds, key=lambda one: digest(str(seed_for(self.seed, "heard first")), one.content))

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


def usual_hearings(n_words: int) -> int:
    """How often each of so many recordings of the word is heard."""
    return min(HEARINGS_MOST, max(HEARINGS_LEAST, -(-HEARINGS // n_words)))


def usual_seconds(frames: Frames, parts: Parts) -> dict[str, float]:
    """What the steps of a lesson take by the usual pace, what the store holds left out."""
    train, calibration, test = parts.train, parts.calibration, parts.test
    hearings = len(train.positive) * parts.hearings
    heard = {OTHERS: train.wrong, THRESHOLD: calibration.wrong, SAID: test.positive, TESTED: test.wrong}
    return {
        WORDS: hearings * HEARING_SECONDS / (1 - MIXING_SHARE),
        VARIED: len(train.negative) * OTHER_SECONDS,
        LAYER: ROUNDS * ROUND_SECONDS,
        POINT: POINT_SECONDS,
        JUDGED: JUDGING_SECONDS,
        **{what: FRAME_SECONDS * frames.missing(sounds) for what, sounds in heard.items()},
    }


def _until(sounds: Sequence[Sound], seconds: float) -> list[Samples]:
    """Recordings, evenly among all, until there are so many seconds of them."""
    found: list[Samples] = []
    for one in sounds[:: max(1, len(sounds) // 60)]:
        if sum(map(len, found)) >= seconds * RATE:
            break
        found.append(one.samples())
    return found


def _led(silent: Samples, frames: Samples) -> Samples:
    """With the silence before it that a listener begins with."""
    return np.concatenate([np.repeat(silent, FRAMES - 1, axis=0), frames])


def _hours(led: Sequence[Samples]) -> float:
    """How long recordings were, from their frames."""
    return sum((len(one) - FRAMES + 1) * STEP / RATE - BEHIND_SECONDS for one in led) / HOUR_SECONDS
