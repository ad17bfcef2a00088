"""A wake word: recordings of it, other words and hours of background in; new layers on a frozen embedding, an operating point and error rates out.

| train part ─► frames of the frozen embedding ─► new layers ──┐
| validation part (other speakers, other background) ─► threshold for the false accepts an hour that were asked for
| test part, once ─► share of missed words, false accepts an hour, both with exact intervals; the same again with a random embedding
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headstart import gallery
from headstart.backbone.build import build
from headstart.backbone.networks.keyword_head import FRAMES, KeywordHead
from headstart.backbone.networks.speech_embedding import RATE, streaming
from headstart.base.errors import InputError
from headstart.base.events import Sink, silence, stage, tee
from headstart.base.seeds import seed_for
from headstart.data import Dataset, Split, load, split
from headstart.evaluation.intervals import Measured
from headstart.evaluation.rates import per_hour, share
from headstart.gallery.card import ModelCard
from headstart.modality.sound import Samples, decode, resampled
from headstart.modality.varied_sound import vary
from headstart.report.keyword import write_keyword_report
from headstart.study.listening import FLOOR_DECIBELS, KEYWORD, SIGHT, STEP, WEIGHTS, Ear, scores, steps_of_detections
from headstart.task.linear import one_thread
from headstart.training.keyword import train_head
from headstart.training.run import RunWriter

MODEL = "speech_embedding"
WORDS = {"positive": ("positive", "wake", "keyword"), "negative": ("negative", "other", "unknown"), "background": ("background", "noise")}
VIEWS = 8  # hearings of each positive
OTHER_VIEWS = 2  # of each other word, and of each stretch of background
WINDOW = SIGHT + (FRAMES - 1) * STEP
ENDS_SECONDS = (0.1, 0.3)  # how long before the end of its window the word ends
OUTSIDE_FRACTION = 0.005  # of a clip's energy that is not taken for a part of the word, at either end
NOISE_DECIBELS = (5.0, 30.0)  # word over background, in the hearings that are mixed
QUIET_CHANCE = 0.3
BEFORE_SECONDS, BEHIND_SECONDS = 1.5, 0.5  # silence around a clip that is tested
FALSE_ACCEPTS = 0.5  # an hour, what people put up with in a kitchen
HOUR = 3600.0
MARGIN = 1e-3  # above the loudest wrong logit


@dataclass(frozen=True)
class Arm:
    """What one embedding with its new layers did on the test part.

    Attributes:
        threshold: Logit that the calibration part chose.
        missed: Share of the words that were not heard.
        false_accepts_per_hour: Detections where nobody said the word.
    """

    threshold: float
    missed: Measured
    false_accepts_per_hour: Measured


@dataclass(frozen=True)
class Result:
    """A finished wake word.

    Attributes:
        folder: Its run folder.
        asked: False accepts an hour for which the threshold was chosen.
        transfer: The pretrained embedding.
        random: The same with random weights, its layers trained the same way; None without twins.
        calibration_hours: What the threshold was chosen on.
        calibration_false_accepts: How many there were at that threshold.
        test_hours: What false accepts were counted in.
        sentence: The answer in words.
    """

    folder: Path
    asked: float
    transfer: Arm
    random: Arm | None
    calibration_hours: float
    calibration_false_accepts: int
    test_hours: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Sounds:
    """The sounds of one part: words, other words, background; each ``(n,)`` at 16 kHz."""

    positive: list[Samples]
    negative: list[Samples]
    background: list[Samples]

    @property
    def hours(self) -> float:
        """What is not the word."""
        return sum(len(one) for one in (*self.negative, *self.background)) / RATE / HOUR


def fit_keyword(
    data: Path, *, out: Path, false_accepts: float = FALSE_ACCEPTS, seed: int = 0, twins: bool = True, group: str | None = None, sink: Sink = silence
) -> Result:
    """Teach a wake word.

    Args:
        data: Folders ``positive``, ``negative`` and ``background``, or a metadata.csv with these labels, with a column for the speaker where it is known.
        out: The run folder.
        false_accepts: An hour, for which the threshold is chosen on the validation part.
        seed: Everything random follows from it.
        twins: Also teach the layers on a random embedding.
        group: The column that keeps a speaker on one side.
        sink: Receives events.

    Raises:
        InputError: when a kind of sound is missing, or the model is not subscribed.
    """
    if false_accepts <= 0:
        raise InputError("false accepts an hour must be above 0", got=false_accepts, fix="--false-accepts 0.5")
    card, weights = gallery.card(MODEL), gallery.weights(MODEL)
    with RunWriter(out) as run, one_thread():
        heard = tee(sink, run.record)
        dataset = load(data, group=group, modality="audio", sink=heard)
        parts = split(dataset, seed=seed)
        with stage(heard, "decode"):
            train, calibration, test = (_sounds(dataset, part) for part in (parts.train, parts.validation, parts.test))
        network = build(card, weights).net
        head, arm, wrong = _taught(network, train, calibration, test, false_accepts, seed, heard)
        random = None
        if twins:
            untaught = build(card, None, seed=seed_for(seed, "random weights")).net
            random = _taught(untaught, train, calibration, test, false_accepts, seed, heard)[1]
        result = Result(out, false_accepts, arm, random, calibration.hours, wrong, test.hours, _sentence(arm, random, false_accepts, calibration, test))
        _keep(run, result, dataset, parts, card, network, head, seed)
    return result


def _sounds(dataset: Dataset, part: NDArray[np.int64]) -> Sounds:
    found: dict[str, list[Samples]] = {kind: [] for kind in WORDS}
    for index in part:
        sound = decode(dataset.read(int(index)))
        found[_kind(dataset.classes[dataset.labels[index]])].append(resampled(sound.samples, sound.rate, RATE))
    if not found["positive"] or not found["negative"] + found["background"]:
        raise InputError("a wake word needs recordings of the word and of what is not the word in every part", got={k: len(v) for k, v in found.items()})
    return Sounds(found["positive"], found["negative"], found["background"])


def _kind(label: str) -> str:
    kind = next((kind for kind, words in WORDS.items() if label.lower() in words), None)
    if kind is None:
        raise InputError("this label is none of a wake word's", got=label, allowed=[word for words in WORDS.values() for word in words])
    return kind


def _taught(network: nn.Module, train: Sounds, calibration: Sounds, test: Sounds, false_accepts: float, seed: int, sink: Sink) -> tuple[KeywordHead, Arm, int]:
    """New layers on an embedding; their threshold from the calibration part; what they do on the test part."""
    embedding = streaming(network, FLOOR_DECIBELS)
    with stage(sink, "frames of the frozen embedding"):
        positive, others = frames_to_learn(embedding, train, np.random.default_rng(seed_for(seed, "keyword hearings")))
    head = train_head(positive, others, seed=seed, sink=sink)
    with stage(sink, "operating point"):
        wrong = [_logits(embedding, head, one) for one in (*calibration.negative, *calibration.background)]
        threshold, n_wrong = operating_point(wrong, calibration.hours, false_accepts)
    with stage(sink, "test"):
        missed = sum(not steps_of_detections(_logits(embedding, head, _surrounded(one)), threshold) for one in test.positive)
        accepted = sum(len(steps_of_detections(_logits(embedding, head, one), threshold)) for one in (*test.negative, *test.background))
    return head, Arm(threshold, share(missed, len(test.positive)), per_hour(accepted, test.hours)), n_wrong


def operating_point(wrong: Sequence[Samples], hours: float, false_accepts: float) -> tuple[float, int]:
    """The lowest threshold at which sounds without the word are accepted no more often an hour than was asked for.

    Returns:
        The logit, and how many of these sounds it accepts.
    """
    allowed = int(false_accepts * hours)
    highest = np.unique(np.concatenate(wrong))[::-1]
    threshold = float(highest[0]) + MARGIN
    for logit in highest:
        if sum(len(steps_of_detections(one, float(logit))) for one in wrong) > allowed:
            break
        threshold = float(logit)
    return threshold, sum(len(steps_of_detections(one, threshold)) for one in wrong)


def frames_to_learn(embedding: nn.Module, train: Sounds, generator: np.random.Generator) -> tuple[Samples, list[Samples]]:
    """Windows ``(n, 16, 96)`` at whose end the word has just ended, and sequences ``(t, 96)`` without it; each sound as it is and in other hearings."""
    words = [_in_window(word, train.background, generator, view) for word in train.positive for view in range(VIEWS)]
    with torch.inference_mode():
        batches = [embedding(torch.from_numpy(np.stack(words[begin : begin + 64]))).numpy() for begin in range(0, len(words), 64)]
    positive = np.ascontiguousarray(np.concatenate(batches).transpose(0, 2, 1))
    others = []
    for sound in (*train.negative, *train.background):
        for view in range(OTHER_VIEWS):
            around = _surrounded(sound, WINDOW / RATE)
            others.append(Ear(embedding).hear(vary(around, RATE, generator) if view else around))
    return positive, others


def _in_window(word: Samples, backgrounds: Sequence[Samples], generator: np.random.Generator, view: int) -> Samples:
    """A window whose last moments are the word's end; other views have another gain, room, noise and background."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(word, dtype=np.float64))])
    begin, end = np.searchsorted(energy, np.array([OUTSIDE_FRACTION, 1 - OUTSIDE_FRACTION]) * energy[-1])
    spoken = word[int(begin) : int(end)][-(WINDOW - STEP) :]
    behind = round(generator.uniform(*ENDS_SECONDS) * RATE)
    window = np.zeros(WINDOW, np.float32)
    window[max(0, WINDOW - behind - len(spoken)) : WINDOW - behind] = spoken[-(WINDOW - behind) :]
    usable = [one for one in backgrounds if len(one) >= WINDOW]
    if view and usable and generator.random() > QUIET_CHANCE:
        noise = usable[int(generator.integers(len(usable)))]
        place = int(generator.integers(len(noise) - WINDOW + 1))
        noise = noise[place : place + WINDOW]
        level = np.sqrt(np.square(spoken).mean() / max(float(np.square(noise).mean()), 1e-10))
        window = window + noise * np.float32(level * 10 ** (-generator.uniform(*NOISE_DECIBELS) / 20))
    return vary(window, RATE, generator) if view else window


def _surrounded(sound: Samples, before_seconds: float = BEFORE_SECONDS) -> Samples:
    return np.pad(sound, (round(before_seconds * RATE), round(BEHIND_SECONDS * RATE)))


def _logits(embedding: nn.Module, head: KeywordHead, samples: Samples) -> Samples:
    """What a listener that begins now would say at each step."""
    ear = Ear(embedding)
    silence = Ear(embedding).hear(np.zeros(STEP, np.float32))
    return scores(head, np.concatenate([np.repeat(silence, FRAMES - 1, axis=0), ear.hear(samples)]))


def _sentence(arm: Arm, random: Arm | None, asked: float, calibration: Sounds, test: Sounds) -> str:
    missed, wrong = arm.missed, arm.false_accepts_per_hour
    said = (
        f"Misses {missed.value:.0%} of the word (95 % {missed.low:.0%} to {missed.high:.0%}, n = {missed.n}) at {wrong.value:.2f} false accepts an hour "
        f"({wrong.low:.2f} to {wrong.high:.2f}, {wrong.n} in {test.hours:.2f} h) with the threshold chosen for {asked:g} an hour on {calibration.hours:.2f} h"
    )
    if random is not None:
        said += f"; on a random embedding it misses {random.missed.value:.0%} at {random.false_accepts_per_hour.value:.2f}"
    return f"{said}."


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
    run.json(KEYWORD, {**about, "threshold": result.transfer.threshold, "result": result})
    write_keyword_report(run.folder)
    run.finish()
