"""A wake word in a stream: samples flow in, a few at a time, detections with their times flow out; a whole file is a stream that comes at once.

Each 80 ms the embedding looks at the last 775 ms and the head at the last 10 embeddings, so what is heard does not depend on how the samples are cut.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn

from headstart.backbone.build import build
from headstart.backbone.networks.keyword_head import FRAMES, WIDTH, KeywordHead
from headstart.backbone.networks.speech_embedding import HOP, MEL_FRAMES, MEL_FRAMES_APART, POINTS, RATE, streaming
from headstart.base.errors import InputError
from headstart.base.files import read_json
from headstart.base.records import from_plain
from headstart.data import Dataset
from headstart.gallery.card import ModelCard
from headstart.modality import Unreadable
from headstart.modality.sound import Samples, decode, resampled
from headstart.modality.stream import streamed
from headstart.report.folder import is_run, is_wake_word
from headstart.training.keyword import logits_of
from headstart.training.run import check_run

SAMPLES_A_SECOND = RATE
STEP = MEL_FRAMES_APART * HOP  # samples from one answer to the next: 80 ms
SIGHT = (MEL_FRAMES - 1) * HOP + POINTS  # samples that one embedding sees: 12,512
FLOOR_DECIBELS = 0.0  # of a band, where the noise of 16 bits begins
REST_STEPS = 13  # after a detection nothing is reported for a second
AT_ONCE_STEPS = 750  # a minute: longer sounds are heard in such parts
WEIGHTS, KEYWORD = "model.safetensors", "keyword.json"


@dataclass(frozen=True)
class Detection:
    """The word was heard.

    Attributes:
        seconds: From the beginning to the moment at which it was recognised.
        probability: What the head said.
    """

    seconds: float
    probability: float


@dataclass(eq=False)
class Ear:
    """Turns a stream of samples into embeddings.

    Attributes:
        network: ``streaming`` of a speech embedding.
    """

    network: nn.Module
    _waiting: Samples = field(default_factory=lambda: np.zeros(SIGHT - STEP, np.float32))

    def hear(self, samples: Samples) -> Samples:
        """Embeddings ``(t, 96)`` that can be made now: one each 80 ms since the beginning, before which there was silence."""
        waiting = np.concatenate([self._waiting, samples])
        n = max(0, (len(waiting) - SIGHT) // STEP + 1)
        parts = [np.zeros((0, WIDTH), np.float32)]
        with torch.inference_mode():
            for begin in range(0, n, AT_ONCE_STEPS):
                count = min(AT_ONCE_STEPS, n - begin)
                heard = waiting[begin * STEP : (begin + count - 1) * STEP + SIGHT]
                parts.append(self.network(torch.from_numpy(heard)[None])[0].numpy().T)
        self._waiting = waiting[n * STEP :]
        return np.concatenate(parts)


@dataclass(eq=False)
class Listener:
    """Reports the word once each time it is heard.

    Attributes:
        threshold: A logit above which it counts.
    """

    ear: Ear
    head: KeywordHead
    threshold: float
    _frames: Samples | None = None
    _step: int = 0
    _rests_until: int = 0

    def hear(self, samples: Samples) -> list[Detection]:
        """Listen on: samples at 16 kHz, any number of them."""
        new = self.ear.hear(samples)
        if self._frames is None:
            silence = Ear(self.ear.network).hear(np.zeros(STEP, np.float32))
            self._frames = np.repeat(silence, FRAMES - 1, axis=0)
        frames = np.concatenate([self._frames, new])
        self._frames = frames[len(frames) - FRAMES + 1 :]
        return [self._noted(logit) for logit in logits_of(self.head, frames) if self._counts(float(logit))]

    def afresh(self) -> Listener:
        """The same listener before anything was heard."""
        return Listener(Ear(self.ear.network), self.head, self.threshold)

    def _counts(self, logit: float) -> bool:
        self._step += 1
        counts = logit >= self.threshold and self._step >= self._rests_until
        if counts:
            self._rests_until = self._step + REST_STEPS
        return counts

    def _noted(self, logit: float) -> Detection:
        return Detection(round(self._step * STEP / RATE, 2), float(1 / (1 + np.exp(-np.clip(logit, -60, 60)))))


def open_listener(run: Path) -> Listener:
    """The word of a finished run, ready to listen.

    Raises:
        InputError: when the folder is no finished run of a keyword.
        IntegrityError: when its files are not those that it wrote.
    """
    from safetensors.torch import load_file

    if is_run(run) and not is_wake_word(run):
        raise InputError("this run is none of a wake word", got=run, fix=f"headstart predict {shlex.quote(str(run))} FILE")
    check_run(run, WEIGHTS, KEYWORD)
    kept = read_json(run / KEYWORD)
    card = from_plain(ModelCard, kept["card"], str(run / KEYWORD))
    tensors = load_file(run / WEIGHTS)
    network = build(card, None).net
    network.load_state_dict({name.removeprefix("backbone."): value for name, value in tensors.items() if name.startswith("backbone.")})
    head = KeywordHead()
    head.load_state_dict({name.removeprefix("head."): value for name, value in tensors.items() if name.startswith("head.")})
    return Listener(Ear(streaming(network, FLOOR_DECIBELS)), head.eval(), float(kept["result"]["transfer"]["point"]["threshold"]))


def heard_at_rate(dataset: Dataset, index: int) -> Samples:
    """One recording of a data set, or one block of a long one, at 16 kHz."""
    sound = decode(dataset.read(index), may_be_silent=True)  # what may not be was left out when the data set was read
    return resampled(sound.samples, sound.rate, RATE)


def chunks(file: Path, n_samples: int = STEP) -> Iterator[Samples]:
    """A recording as a microphone would deliver it: at 16 kHz, 80 ms at a time, and a last half second of silence in which a word at its end is noticed.

    Raises:
        Unreadable: when it cannot be decoded, or not to its end.
        OSError: when it cannot be read.
    """
    waiting, n = list[Samples](), 0
    try:
        for block in chain(streamed(file, RATE), [np.zeros(RATE // 2, np.float32)]):
            waiting, n = [*waiting, block], n + len(block)
            if n >= n_samples:
                whole = np.concatenate(waiting)
                n = len(whole) % n_samples
                waiting = [whole[len(whole) - n :]]
                yield from np.split(whole[: len(whole) - n], range(n_samples, len(whole) - n, n_samples))
    except (OSError, Unreadable):
        yield np.concatenate([np.zeros(0, np.float32), *waiting])  # where the file breaks off, what came before is heard
        raise
    yield from (rest for rest in [np.concatenate(waiting)] if len(rest))
