"""What a wake word's layer got wrong, to be heard: recordings and moments of the test part in, a few short clips in the run folder out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbone.networks.speech_embedding import RATE
from headstart.base.files import write
from headstart.modality.audio import PREVIEW_SECONDS, levelled, loudest
from headstart.modality.sound import Samples, wav
from headstart.study.frames import Sound
from headstart.study.listening import STEP

SHOWN = 4  # of either kind: the page holds them, 130 kB each at most
BEFORE_SECONDS, AFTER_SECONDS = 2.5, 0.3  # what is heard of a false accept: all that the layer saw, and a little more


@dataclass(frozen=True, eq=False)
class Slip:
    """One mistake.

    Attributes:
        sound: The recording.
        logit: What the layer said: of a word that it missed at most, of a false accept at that moment.
        end: The sample at which it took the sound for the word; None of a word that it missed.
    """

    sound: Sound
    logit: float
    end: int | None

    def heard(self) -> Samples:
        """The clip: the loudest seconds of a missed word, or what came before and just after a false accept."""
        samples = self.sound.samples()
        if self.end is None:
            return loudest(samples, round(PREVIEW_SECONDS * RATE), RATE)
        return samples[max(0, self.end - round(BEFORE_SECONDS * RATE)) : self.end + round(AFTER_SECONDS * RATE)]


def slips_in(sound: Sound, logits: Samples, steps: Sequence[int], *, word: bool) -> list[Slip]:
    """The mistakes that were made with a recording, from its logits and the steps of its detections."""
    if word:
        return [] if steps else [Slip(sound, float(logits.max(initial=-np.inf)), None)]
    return [Slip(sound, float(logits[step]), (step + 1) * STEP) for step in steps]


def keep_worst(run: Path, slips: Sequence[Slip]) -> list[dict[str, Any]]:
    """Write the clips of the words that were furthest from being heard and of the surest false accepts; a row of each for ``mistakes.json``."""
    missed = sorted((one for one in slips if one.end is None), key=lambda one: one.logit)[:SHOWN]
    accepted = sorted((one for one in slips if one.end is not None), key=lambda one: -one.logit)[:SHOWN]
    rows = []
    for number, one in enumerate([*missed, *accepted]):
        name = f"mistakes/{number:03d}.wav"
        write(run / name, wav(levelled(one.heard()), RATE))
        probability = float(1 / (1 + np.exp(-np.clip(one.logit, -60, 60))))
        seconds = None if one.end is None else round(one.end / RATE, 2)
        kind = "missed" if one.end is None else "false accept"
        rows.append({"file": name, "source": one.sound.source, "kind": kind, "seconds": seconds, "probability": probability})
    return rows
