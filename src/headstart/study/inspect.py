"""A data set in, its profile out: what lies there, and how a fit would divide it; nothing is trained, and no network is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headstart.base.amounts import hours, several
from headstart.base.events import Sink, silence
from headstart.data import Dataset, Profile, load, profile, split
from headstart.data.labels import is_wake_word, teach
from headstart.data.profile import SAME
from headstart.planning.rules import judged_in
from headstart.study.keyword_sides import KINDS, MILLISECONDS, kinds_of, sides, speakers_of

SECONDS_AN_HOUR = 3600


def inspect(
    data: Path,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    sink: Sink = silence,
) -> Profile:
    """Describe a data set as the task that it is laid out for takes it: classes, or a wake word.

    Raises:
        InputError: when it cannot be learnt from; the message lists every fault and the fix.
    """
    dataset = load(data, text=text, label=label, group=group, modality=modality, sink=sink, to_look=True)
    if dataset.modality == "audio" and is_wake_word(dataset.classes):
        return _wake_word(dataset, seed)
    made = profile(dataset, split(dataset, seed=seed))
    rounds = judged_in(sum(one.test for one in made.classes), set(dataset.given_split or ()))
    if rounds.value == 1:
        return made
    return replace(made, split=rounds.why, rounds=int(str(rounds.value)))


def _wake_word(dataset: Dataset, seed: int) -> Profile:
    """What classes are told (are they even, are they many) is no matter of a wake word: words, voices and hours are."""
    divided, kinds = sides(dataset, seed), kinds_of(dataset)
    made = profile(dataset, divided.split)
    speakers, _ = speakers_of(dataset, kinds)
    words = kinds == KINDS.index("positive")
    voices = {name for name, word in zip(speakers or (), words.tolist(), strict=False) if word} - {""}
    length = {kind: hours(float(dataset.sizes[kinds == n, 0].sum()) / MILLISECONDS / SECONDS_AN_HOUR) for n, kind in enumerate(KINDS)}
    said = f"the word {several(int(words.sum()), 'time')} by {several(len(voices), 'speaker') if voices else 'nobody knows how many speakers'}"
    advice = f"{said}, {length['negative']} of other words, {length['background']} of background; this is how a wake word is laid out: {teach(dataset.root)}"
    kept = [note for note in made.notes if SAME["audio"] in note or "byte for byte" in note or "left out" in note]
    return replace(made, size="a wake word", advice=advice, notes=(*divided.cautions, *kept), groups=len(voices) or made.groups)
