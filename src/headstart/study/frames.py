"""What a frozen speech embedding says of whole recordings, each heard once in its life: sounds in, sequences of frames out, kept in the store.

A recording is heard as a stream: silence before it, one frame of 96 numbers each 80 ms, a little silence behind it, in which a word at its end is noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from headstart.activations.store import Shelf, Stage, Store
from headstart.backbone.networks.speech_embedding import RATE, streaming
from headstart.base.events import Sink, silence, stage
from headstart.base.hashing import digest
from headstart.modality.sound import Samples
from headstart.planning.budget import NO_HURRY, Budget
from headstart.study.listening import FLOOR_DECIBELS, STEP, Ear

BEHIND_SECONDS = 0.5
PRIOR_SECONDS = 60.0  # of sound that the expected pace weighs as much as
WRITTEN_SECONDS = 5.0  # of work that a kill may cost
HEARING = 2  # raise it when a recording is heard differently


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording: the hash of its file, a way to its samples at 16 kHz, so that hours of them need no memory, its name, what it belongs to, how long it is."""

    content: str
    samples: Callable[[], Samples]
    source: str = ""
    unit: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Frames:
    """Hears recordings, or remembers what was heard.

    Attributes:
        network: A speech embedding, pretrained or not.
        label: What a person reads in ``headstart cache show``.
        store: Where frames are kept.
        sink: Hears of progress and of damage.
    """

    network: nn.Module
    label: str
    store: Store
    sink: Sink = silence
    _shelf: list[Shelf] = field(default_factory=list)

    @property
    def embedding(self) -> nn.Module:
        """From samples to frames, without looking ahead."""
        return streaming(self.network, FLOOR_DECIBELS)

    def of(self, sounds: Sequence[Sound], what: str, limit: Budget = NO_HURRY, pace: float = 0.0) -> list[Samples]:
        """Frames ``(t, 96)`` of each recording; within a limit of as many of the first as fit into it, one at least.

        Args:
            sounds: The recordings.
            what: They are, for the progress bar.
            limit: A recording of which less than half would be heard within it is not begun.
            pace: Seconds that a second of sound is expected to take.

        Cost: about 8 ms a second of sound, the first time.
        """
        shelf, embedding = self._open(), self.embedding
        names = list(dict.fromkeys(one.content for one in sounds))
        kept = dict(zip(names, shelf.sound(names), strict=True))
        waiting: list[tuple[str, Samples]] = []
        begun = began = time.perf_counter()
        seconds, n = 0.0, 0  # of sound that was heard, and recordings
        with stage(self.sink, f"frames of {what}", len(sounds), "recordings") as advance:
            for number, one in enumerate(sounds):
                if not kept[one.content]:
                    expected = (PRIOR_SECONDS * pace + time.perf_counter() - begun) / (PRIOR_SECONDS + seconds) * one.seconds
                    if number and limit.left <= expected / 2:
                        break
                    seconds += one.seconds
                    waiting.append((one.content, Ear(embedding).hear(np.pad(one.samples(), (0, round(BEHIND_SECONDS * RATE))))))
                    kept[one.content] = True
                if waiting and (time.perf_counter() - began > WRITTEN_SECONDS or number + 1 == len(sounds)):
                    self._keep(shelf, waiting, time.perf_counter() - began)
                    waiting, began = [], time.perf_counter()
                n = number + 1
                advance(n)
        if waiting:
            self._keep(shelf, waiting, time.perf_counter() - began)
        shelf.touch()
        return [np.asarray(shelf.gather([one.content])[0][0], np.float32) for one in sounds[:n]]

    def missing(self, sounds: Sequence[Sound]) -> float:
        """Seconds of sound that are not in the store."""
        shelf = self._open()
        return sum(one.seconds for one in sounds if one.content not in shelf)

    def silence(self) -> Samples:
        """The frame ``(1, 96)`` of silence."""
        return Ear(self.embedding).hear(np.zeros(STEP, np.float32))

    def _open(self) -> Shelf:
        if not self._shelf:
            weights = [value.detach().cpu().numpy().tobytes() for _, value in sorted(self.network.state_dict().items())]
            key = digest("frames", torch.__version__, str(HEARING), str(FLOOR_DECIBELS), str(BEHIND_SECONDS), *weights)
            self._shelf.append(self.store.shelf(Stage(key, f"{self.label} · frames of a stream"), self.sink))
        return self._shelf[0]

    def _keep(self, shelf: Shelf, heard: Sequence[tuple[str, Samples]], seconds: float) -> None:
        lengths = np.array([len(frames) for _, frames in heard])
        shelf.put([name for name, _ in heard], (np.concatenate([frames for _, frames in heard]),), seconds, lengths, (True,))
