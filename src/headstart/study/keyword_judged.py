"""A finished wake word's run and labelled recordings that it has not heard in; the share of words that it misses and false accepts an hour out.

Each recording is heard by a listener of its own, as `detections` hears it; hours of background are read in blocks of half a minute.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.base.events import Sink, silence, stage
from headstart.base.records import to_plain
from headstart.data import Dataset, load
from headstart.evaluation.rates import per_hour, share
from headstart.modality.sound import decode, resampled
from headstart.study.frames import BEHIND_SECONDS
from headstart.study.keyword_sides import KINDS, kind_of, speakers_of
from headstart.study.listening import SAMPLES_A_SECOND, Detection, Listener, open_listener
from headstart.task.linear import one_thread

HOUR = 3600.0


@dataclass(frozen=True)
class Mistake:
    """What the run got wrong.

    Attributes:
        source: The recording.
        kind: ``missed``, or ``false accept``.
        seconds: When it took other sound for the word.
        probability: And how surely.
    """

    source: str
    kind: str
    seconds: float | None = None
    probability: float | None = None


def evaluate_keyword(run: Path, data: Path, label: str | None = None, *, group: str | None = None, sink: Sink = silence) -> dict[str, Any]:
    """Judge a wake word on recordings laid out as `fit_keyword` takes them; one of the three kinds of sound will do.

    Returns:
        ``missed`` and ``false_accepts_per_hour`` with exact intervals, None where no recording could tell; ``hours`` of other sound; ``mistakes``;
        ``speakers``: how many words of each, and how many missed, where it is known who speaks; ``left_out``: what could not be read.

    Raises:
        InputError: when the folder is no run of a wake word, the data cannot be read, or has labels that are none of a wake word's.
    """
    listener = open_listener(run)
    dataset = load(data, label=label, group=group, modality="audio", sink=sink, to_learn=False, cut=lambda name: kind_of(name) != "positive")
    kinds = np.array([KINDS.index(kind_of(dataset.classes[number])) for number in dataset.labels.tolist()], np.int64)
    words, seconds, heard = kinds == KINDS.index("positive"), np.zeros(len(kinds)), list[list[Detection]]()
    with stage(sink, "evaluate", len(kinds), "recordings") as advance, one_thread():
        for number in range(len(kinds)):
            said, seconds[number] = _heard(listener.afresh(), dataset, number)
            heard.append(said)
            advance(number + 1)
    hours = float(seconds[~words].sum()) / HOUR
    other, missed = np.flatnonzero(~words).tolist(), [number for number in np.flatnonzero(words).tolist() if not heard[number]]
    wrong = [Mistake(dataset.sources[number], "false accept", one.seconds, one.probability) for number in other for one in heard[number]]
    told, _ = speakers_of(dataset, kinds)
    spoke = Counter(told[number] for number in np.flatnonzero(words).tolist()) if told is not None else Counter[str]()
    silent = Counter(told[number] for number in missed) if told is not None else Counter[str]()
    answer: dict[str, Any] = to_plain(
        {
            "missed": share(len(missed), int(words.sum())) if words.any() else None,
            "false_accepts_per_hour": per_hour(len(wrong), hours) if hours else None,
            "hours": hours,
            "speakers": [{"speaker": name or "unknown", "words": n, "missed": silent[name]} for name, n in sorted(spoke.items())],
            "mistakes": [*(Mistake(dataset.sources[number], "missed") for number in missed), *wrong],
            "left_out": dataset.faults,
        }
    )
    return answer


def _heard(listener: Listener, dataset: Dataset, number: int) -> tuple[list[Detection], float]:
    """What a listener reports of a recording, and how many seconds it lasts."""
    sound = decode(dataset.read(number))
    samples = resampled(sound.samples, sound.rate, SAMPLES_A_SECOND)
    return listener.hear(np.pad(samples, (0, round(BEHIND_SECONDS * SAMPLES_A_SECOND)))), sound.seconds
