"""A finished wake word's run and labelled recordings that it has not heard in; the share of words that it misses and false accepts an hour out.

Each recording is heard by a listener of its own, as `detections` hears it; hours of background are read in blocks of half a minute.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.base.errors import InputError
from headstart.base.events import Event, Sink, silence, stage
from headstart.base.files import read_json
from headstart.base.records import to_plain
from headstart.data import load
from headstart.data.duplicates import units_of
from headstart.data.kind import refuse_other_kind
from headstart.evaluation.rates import HOUR_SECONDS, per_hour, share_by
from headstart.study.frames import BEHIND_SECONDS
from headstart.study.keyword_sides import KINDS, kind_of, kinds_of, silence_told, silent_hours, speakers_of
from headstart.study.listening import KEYWORD, SAMPLES_A_SECOND, Detection, heard_at_rate, open_listener
from headstart.task.linear import one_thread


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
        ``missed`` (its interval draws whole speakers, where they are known) and ``false_accepts_per_hour``, each None where no recording could tell;
        ``hours`` of other sound, ``silent_hours`` of them silence; ``seen``, how many recordings are the run's own; ``mistakes``;
        ``speakers``: how many words of each, and how many missed, where it is known who speaks; ``left_out``: what could not be read.

    Raises:
        InputError: when the folder is no run of a wake word, the data cannot be read, or has labels that are none of a wake word's.
    """
    listener = open_listener(run)
    try:
        dataset = load(data, label=label, group=group, modality="audio", sink=sink, to_learn=False, cut=lambda name: kind_of(name) != "positive")
    except InputError:
        refuse_other_kind(data, "audio")
        raise
    its_own = dataset.digest == read_json(run / KEYWORD).get("data_digest")
    if its_own:
        text = "beware: these are the very recordings that this run learnt from and was judged on; of new ones this promises too much"
        sink(Event("note", "evaluate", text=text))
    kinds = kinds_of(dataset)
    for caution in silence_told(dataset, kinds):
        sink(Event("note", "evaluate", text=f"beware: {caution}"))
    words, samples, heard = kinds == KINDS.index("positive"), np.zeros(len(kinds)), list[list[Detection]]()
    behind = round(BEHIND_SECONDS * SAMPLES_A_SECOND)
    with stage(sink, "evaluate", len(kinds), "recordings") as advance, one_thread():
        for number in range(len(kinds)):
            sound = heard_at_rate(dataset, number)
            samples[number] = len(sound)
            heard.append(listener.afresh().hear(np.pad(sound, (0, behind))))
            advance(number + 1)
    hours = float(samples[~words].sum()) / SAMPLES_A_SECOND / HOUR_SECONDS
    spoken, other = np.flatnonzero(words).tolist(), np.flatnonzero(~words).tolist()
    missed = [number for number in spoken if not heard[number]]
    wrong = [Mistake(dataset.sources[number], "false accept", one.seconds, one.probability) for number in other for one in heard[number]]
    told, _ = speakers_of(dataset, kinds, least=1)
    units = units_of(dataset.content, dataset.near, told)
    spoke, silent = (Counter(told[number] for number in numbers) if told is not None else Counter[str]() for numbers in (spoken, missed))
    answer: dict[str, Any] = to_plain(
        {
            "missed": share_by(np.isin(spoken, missed), units[spoken]) if spoken else None,
            "false_accepts_per_hour": per_hour(len(wrong), hours) if hours else None,
            "hours": hours,
            "silent_hours": silent_hours(dataset, kinds)[0],
            "seen": len(kinds) if its_own else 0,
            "speakers": [{"speaker": name or "unknown", "words": n, "missed": silent[name]} for name, n in sorted(spoke.items())],
            "mistakes": [*(Mistake(dataset.sources[number], "missed") for number in missed), *wrong],
            "left_out": dataset.faults,
        }
    )
    return answer
