"""Who teaches a wake word, who chooses its threshold and who is tested: a Dataset in, a Split and what a person should beware of, out.

The word is divided by recordings, other sound by its hours. A speaker, look-alikes and the blocks of one recording stay on one side. Where a kind of other
sound is so few recordings that a part would get less than half of its hours, each long one is cut in order, with a gap: that is said, since both sides then
hear the same room. Silence (half a minute of zeros in an evening) counts as hours, and nothing is learnt from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.data import Dataset, Split
from headstart.data.allot import quotas
from headstart.data.blocks import BLOCK_SECONDS, LONG_BLOCKS, BlockRows
from headstart.data.duplicates import units_of
from headstart.data.listing import PARTS, plain
from headstart.data.split import FRACTIONS
from headstart.evaluation.rates import HOUR_SECONDS
from headstart.modality.sound import SILENT

WORDS = {"positive": ("positive", "wake", "keyword"), "negative": ("negative", "other", "unknown"), "background": ("background", "noise")}
KINDS = tuple(WORDS)
IN_NO_PART = -1
GAP_BLOCKS = 1  # between two parts of one recording: what was said is over by then
SILENCE_TOLD = 0.1  # share of the hours from which on it is said that they are silent
STARVED_FRACTION = 0.5  # of the hours that a part should have
MILLISECONDS = 1000
SAME_SPEAKERS = (
    "who speaks is not known, so the same voices may be on both sides and new speakers may be missed more often than this says; "
    "put each speaker's recordings into a folder of their own (positive/ANNA/001.wav), or give metadata.csv a column speaker"
)
Places = NDArray[np.int64]
Amounts = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sides:
    """How a wake word's recordings were divided.

    Attributes:
        split: Who is on which side; a gap between two parts of one recording is on none.
        cautions: What the division cannot ensure.
    """

    split: Split
    cautions: tuple[str, ...]


def kind_of(label: str) -> str:
    """``positive``, ``negative`` or ``background``.

    Raises:
        InputError: when a label is none of a wake word's.
    """
    kind = next((kind for kind, words in WORDS.items() if label.lower() in words), None)
    if kind is None:
        fix = "name the folders positive/, negative/ and background/; to tell classes apart leave --task keyword out"
        raise InputError("this label is none of a wake word's", got=label, allowed=[word for words in WORDS.values() for word in words], fix=fix)
    return kind


def kinds_of(dataset: Dataset) -> Places:
    """The place in `KINDS` of each item.

    Raises:
        InputError: as `kind_of`.
    """
    return np.array([KINDS.index(kind_of(dataset.classes[label])) for label in dataset.labels.tolist()], np.int64)


def sides(dataset: Dataset, seed: int) -> Sides:
    """Divide recordings among train, validation (which chooses the threshold) and test; parts that the data set gives are kept.

    Raises:
        InputError: when the word, or what is not the word, cannot be in every part.
    """
    kinds = kinds_of(dataset)
    heard = np.where(are_silent(dataset), IN_NO_PART, kinds)  # silence is hours, and stands for none of what must be in every part
    speakers, told_by = speakers_of(dataset, kinds)
    units = _units(dataset, speakers)
    given = np.array([PARTS.index(part) for part in dataset.given_split or ()], np.int64)
    parts, cautions = np.zeros(len(dataset), np.int64), list[str]()
    if set(given.tolist()) == set(range(len(PARTS))):
        parts, how = given, "train, validation and test as given"
    else:
        tested = given != 0 if len(given) else np.zeros(len(dataset), bool)
        shares = np.array(FRACTIONS[:2] if tested.any() else FRACTIONS)
        shares = shares / shares.sum()
        parts[tested] = PARTS.index("test")
        parts[~tested], cautions = _drawn(dataset, np.flatnonzero(~tested), heard, units, shares, seed)
        together = [*([told_by] if speakers else []), *([] if cautions else ["what was cut from one recording"]), "look-alikes"]
        how = f"{' / '.join(f'{share:.0%}' for share in shares)} for {' / '.join(PARTS[: len(shares)])}{', the test as given' if tested.any() else ''}: "
        how += (
            f"the word by recordings, other sound by hours; {', '.join(together)} kept on one side{'' if speakers else '; no speakers are known'}, seed {seed}"
        )
        cautions += [] if tested.any() else _unknown(speakers, kinds)
    _refuse_empty(parts, heard, units)
    cautions += silence_told(dataset, kinds)
    places = [np.flatnonzero(parts == part) for part in range(len(PARTS))]
    named = digest(*(",".join(sorted(dataset.content[place] for place in part)) for part in places))
    return Sides(Split(places[0], places[1], places[2], how, named, seed, units), tuple(cautions))


def are_silent(dataset: Dataset) -> NDArray[np.bool_]:
    """``(n,)`` which items hold nothing at all."""
    return np.array([mode == SILENT for mode in dataset.modes], np.bool_)


def silent_hours(dataset: Dataset, kinds: Places) -> tuple[float, float]:
    """How much of what is not the word is silence, and how much it is in all, in hours."""
    hours = np.where(kinds == KINDS.index("positive"), 0, dataset.sizes[:, 0]) / (MILLISECONDS * HOUR_SECONDS)
    return float(hours[are_silent(dataset)].sum()), float(hours.sum())


def silence_told(dataset: Dataset, kinds: Places) -> list[str]:
    """What to beware of where much of the other sound is silence: nothing in it could be taken for the word."""
    silent, all_hours = silent_hours(dataset, kinds)
    if not silent or silent < SILENCE_TOLD * all_hours:
        return []
    told = f"{silent:.2f} of {all_hours:.2f} h of other sound are digital silence, which nothing takes for the word"
    return [f"{told}: where it is never silent there are more false accepts"]


def speakers_of(dataset: Dataset, kinds: Places, least: int = len(PARTS)) -> tuple[Sequence[str] | None, str]:
    """Who speaks in each recording ("" where that is not known), and what told it: a column, or folders inside those of the classes.

    Folders are taken for speakers where every recording of the kind lies in one and there are so many of them: enough to divide, unless told otherwise.
    """
    if dataset.groups is not None:
        return dataset.groups, f"{len(set(dataset.groups) - {''}):,} groups ({dataset.group_name})"
    inside = np.array([_folder_inside(source, dataset.classes[label]) for source, label in zip(dataset.sources, dataset.labels.tolist(), strict=True)])
    voices = set(inside[kinds == KINDS.index("positive")].tolist())
    if "" in voices or len(voices) < least:
        return None, ""
    others = set(inside[kinds == KINDS.index("negative")].tolist())
    known = voices | others if "" not in others and len(others) >= least else voices
    speakers = [name if name in known and kind != KINDS.index("background") else "" for name, kind in zip(inside.tolist(), kinds.tolist(), strict=True)]
    return speakers, f"{len(set(speakers) - {''}):,} speakers (told by their folders)"


def _folder_inside(source: str, label: str) -> str:
    folders = source.split("/")[:-1]
    depth = next((n + 1 for n, name in enumerate(folders) if plain(name) == label), len(folders))
    return folders[depth] if depth < len(folders) else ""


def _unknown(speakers: Sequence[str] | None, kinds: Places) -> list[str]:
    """What must be said where nobody told who speaks."""
    words = kinds == KINDS.index("positive")
    unnamed = len(kinds[words]) if speakers is None else sum(not name for name, word in zip(speakers, words.tolist(), strict=True) if word)
    return [SAME_SPEAKERS if unnamed == words.sum() else f"of {unnamed} recordings of the word {SAME_SPEAKERS}"] if unnamed else []


def _units(dataset: Dataset, speakers: Sequence[str] | None) -> Places:
    """What stays on one side. Blocks that look alike do not bind their recordings: half a minute of one fan is like that of another; silence binds nothing."""
    near, rows = dataset.near, dataset.rows
    silent = are_silent(dataset)
    content, speakers = _unless(silent, dataset.content), None if speakers is None else _unless(silent, speakers)
    if isinstance(rows, BlockRows):
        near = near[~rows.are_blocks[near].all(axis=1)]
        heard = np.flatnonzero(~silent)
        follows = np.flatnonzero(np.diff(rows.recordings[heard]) == 0)
        near = np.concatenate([near, np.stack([heard[follows], heard[follows + 1]], axis=1)])
    return units_of(content, near, speakers)


def _unless(silent: NDArray[np.bool_], names: Sequence[str]) -> list[str]:
    return ["" if one else name for name, one in zip(names, silent.tolist(), strict=True)]


def _drawn(dataset: Dataset, places: Places, kinds: Places, units: Places, shares: Amounts, seed: int) -> tuple[Places, list[str]]:
    """The part of each item at these places, and which recordings had to be cut; hours of silence are divided as a kind of their own."""
    kinds = np.where(kinds == IN_NO_PART, len(KINDS), kinds)[places]
    seconds = dataset.sizes[places, 0] / MILLISECONDS
    amounts = np.where(kinds == KINDS.index("positive"), 1.0, seconds)
    _, units = np.unique(units[places], return_inverse=True)
    table = np.zeros((int(units.max()) + 1, len(KINDS) + 1))
    np.add.at(table, (units, kinds), amounts)
    names: dict[int, str] = {}  # each unit by the smallest of its contents, whatever the names of files
    for unit, place in zip(units.tolist(), places.tolist(), strict=True):
        names[unit] = min(names.get(unit, dataset.content[place]), dataset.content[place])
    rank = np.argsort(np.argsort(np.array([digest(str(seed_for(seed, "split")), names[unit]) for unit in range(len(table))])))
    parts = _allotted(table, rank, shares)[units]
    cautions = []
    for kind in (KINDS.index("negative"), KINDS.index("background")):
        have = np.array([amounts[(kinds == kind) & (parts == part)].sum() for part in range(len(shares))])
        if (have < STARVED_FRACTION * shares * have.sum()).any():
            cautions += _cut_in_order(dataset, places, (kinds == kind) & (table[units, KINDS.index("positive")] == 0), parts, shares, KINDS[kind])
    return parts, cautions


def _allotted(table: Amounts, rank: Places, shares: Amounts) -> Places:
    """The part of each unit: those with the word first, the large before the small, each to the part that is filled least.

    Within a factor of two the seed decides which is first: else there would be but one division. A part is over its share by one unit at most, for it
    was filled least when it took that one.
    """
    wanted = np.maximum(table.sum(axis=0), 1e-9)[:, None] * shares
    have, parts = np.zeros_like(wanted), np.zeros(len(table), np.int64)
    first = (table > 0).argmax(axis=1)
    size = np.floor(np.log2(table[np.arange(len(table)), first] / table.sum(axis=0)[first]))
    for unit in np.lexsort((rank, -size, first)).tolist():
        held = np.flatnonzero(table[unit])
        filled = have[held] / wanted[held]
        parts[unit] = min(range(len(shares)), key=lambda part: (*filled[:, part].tolist(), -shares[part]))
        have[:, parts[unit]] += table[unit]
    return parts


def _cut_in_order(dataset: Dataset, places: Places, allowed: NDArray[np.bool_], parts: Places, shares: Amounts, kind: str) -> list[str]:
    """Give the blocks of each long recording to the parts in their order in time; what is said of that."""
    if not isinstance(dataset.rows, BlockRows):
        return []
    rows, cut = dataset.rows.take(places), 0
    for recording in np.unique(rows.recordings[allowed & rows.are_blocks]).tolist():
        blocks = np.flatnonzero(allowed & (rows.recordings == recording))
        inner = len(blocks) - GAP_BLOCKS * (len(shares) - 1)
        if inner < len(shares):
            continue
        counts = quotas(inner, shares, cover=True).tolist()
        order = [part for number, n in enumerate(counts) for part in [*([IN_NO_PART] * GAP_BLOCKS if number else []), *[number] * n]]
        parts[blocks] = order
        cut += 1
    if not cut:
        return []
    told = f"{kind} is one recording" if cut == 1 else f"{kind} is few recordings"
    how = "cut in order (first what trains, after a gap what chooses the threshold, then what is tested)"
    return [f"{told}, {how}: elsewhere there may be more false accepts; add recordings of other places to {kind}/"]


def _refuse_empty(parts: Places, kinds: Places, units: Places) -> None:
    """Every kind that is there must be in every part.

    Raises:
        InputError: naming all that are not.
    """
    wrong = []
    for number, kind in enumerate(KINDS):
        of_kind = kinds == number
        if len(set(parts[of_kind].tolist()) - {IN_NO_PART}) == len(PARTS) or (kind != "positive" and not of_kind.any()):
            continue
        said = f"{kind}: {len(np.unique(units[of_kind])):,} that can stand on different sides (a speaker, look-alikes and one recording stay together)"
        wrong.append(
            f"{said}, at least {len(PARTS)} are needed" + ("" if kind == "positive" else f", or one recording of {LONG_BLOCKS * BLOCK_SECONDS} seconds")
        )
    if not (kinds > KINDS.index("positive")).any():
        wrong.append("nothing is heard that is not the word: add negative/ (other words) and background/ (hours of other sound)")
    if wrong:
        raise InputError("a wake word needs recordings for three parts: to learn from, to choose its threshold by, to be tested on", details=wrong)
