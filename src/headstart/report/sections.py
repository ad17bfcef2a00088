"""The parts of the page as plain rows: values from the run's files in, what the template shows out. Unknown names are shown, not dropped."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.evaluation import Measured, Table, Verdict
from headstart.report import words
from headstart.report.folder import Plain, RunFiles

SIDES = ("train", "validation", "test")
SHOWN_ELSEWHERE = (*SIDES, "classes", "counts", "content")
UNKNOWN = "–"
ENOUGH_EPOCHS = 5  # a network that saw its data less often cannot be said to have stopped improving
MOST_MISTAKES = 24
LARGEST_PICTURE = 400_000  # bytes: mistakes are thumbnails; anything larger is no thumbnail
MIME = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
MOST_CONFUSED = 6
LONGEST_LIST = 12


def meaning(verdict: Verdict, best: Measured) -> list[str]:
    """The verdict in everyday words: what to expect, what pretraining was worth, what is uncertain."""
    said = []
    if verdict.metric == "accuracy":
        low, high = (round(100 * end) for end in (best.low, best.high))
        said.append(f"Of 100 new items like these, expect about {round(100 * best.value)} to be right; between {low} and {high} is plausible.")
    said.append(_worth(verdict))
    if verdict.scratch is not None and verdict.scratch_epochs is not None:
        said.append(_scratch(verdict, verdict.scratch_epochs))
    if verdict.chosen != "transfer":
        name = {"plain": "The plain model", "scratch": "The network from scratch"}[verdict.chosen]
        said.append(f"{name} did best on validation, so that is the model in this folder.")
    return said


def _scratch(verdict: Verdict, n_epochs: int) -> str:
    reached = f"The network from scratch reached {n_epochs} epoch{'s' if n_epochs != 1 else ''} in the same time"
    if n_epochs < ENOUGH_EPOCHS:
        return f"{reached}: too few to say what it could learn with more. The gain is one of time as much as of accuracy."
    if not verdict.scratch_still_improving:
        return f"{reached} and had stopped improving."
    ahead = verdict.gain_over_scratch is not None and verdict.gain_over_scratch.points > 0
    return f"{reached} and was still improving, so with more time it may {'come closer' if ahead else 'be better still'}."


def _worth(verdict: Verdict) -> str:
    if verdict.gain_over_scratch is None:
        return "No twin was trained from scratch, so nobody can say whether the pretrained weights mattered."
    return {
        "yes": "The pretrained weights are worth having: the whole interval of the gain lies above zero.",
        "no": "The pretrained weights are not worth a point: the whole interval of the gain lies below +1.",
        "cannot tell": "The interval of the gain is too wide to decide; more test items would narrow it.",
    }[verdict.helped]


def most_confused(measured: Table) -> list[tuple[str, str, int, int]]:
    """Pairs (truth, prediction, how often, out of) that are confused most often."""
    counts = np.array(measured.confusion)
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [divmod(int(place), len(counts)) for place in order]
    names = [row.name for row in measured.classes]
    return [(names[truth], names[called], int(wrong[truth, called]), int(counts[truth].sum())) for truth, called in pairs if wrong[truth, called] > 0]


def mistakes(run: RunFiles) -> list[Plain]:
    """The worst mistakes with their pictures as data URIs; a picture outside the run folder is not read."""
    return [{**row, "picture": _picture(run.folder, str(row.get("file") or ""))} for row in run.mistakes[:MOST_MISTAKES]]


def _picture(folder: Path, name: str) -> str | None:
    places = [(folder / prefix / name).resolve() for prefix in ("", "mistakes")] if name else []
    for place in places:
        inside = place.is_relative_to(folder.resolve()) and place.is_file()
        if inside and place.suffix.lower() in MIME and place.stat().st_size <= LARGEST_PICTURE:
            return f"data:{MIME[place.suffix.lower()]};base64,{base64.b64encode(place.read_bytes()).decode()}"
    return None


def candidates(run: RunFiles) -> dict[str, list[Plain]]:
    """All candidates as texts; those that were probed, one row a model; and the cuts that were tried on validation."""
    rows = [_candidate(row) for row in run.candidates]
    probed: dict[str, Plain] = {}
    for row in rows:
        if row["probe"][0] != UNKNOWN and (row["model"] not in probed or row["chosen"]):
            probed[row["model"]] = row
    return {"candidates": rows, "networks": list(probed.values()), "cuts": [row for row in rows if row["validation"][0] != UNKNOWN]}


def _candidate(row: Plain) -> Plain:
    """One candidate with its prior and scores as texts."""
    prior, seconds = row.get("prior"), words.as_number(row.get("seconds"))
    value = words.as_number(prior.get("value") if isinstance(prior, dict) else prior)
    return {
        "model": words.anything(row.get("title") or row.get("model")),
        "cut": words.anything(row.get("cut")),
        "licence": words.anything(row.get("licence")),
        "bytes": words.size(words.as_number(row.get("bytes"))),
        "prior": UNKNOWN if value is None else words.percent(value),
        "probe": _measured(row.get("probe")),
        "validation": _measured(row.get("validation")),
        "seconds": UNKNOWN if seconds is None else words.seconds(seconds),
        "chosen": bool(row.get("chosen")),
        "why": row.get("why") or "",
    }


def _measured(found: Any) -> tuple[str, str]:
    """Value and interval as texts."""
    value, low, high = (words.as_number(found.get(name)) if isinstance(found, Mapping) else None for name in ("value", "low", "high"))
    if value is None:
        return UNKNOWN, ""
    return words.percent(value), f"{100 * low:.1f} to {100 * high:.1f}" if low is not None and high is not None else ""


def stages(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Stages with their seconds and their share of the longest, without the total."""
    parts = {name: value for name, value in seconds.items() if name != "total"}
    longest = max([*parts.values(), 1e-9])
    return [(name, value, value / longest) for name, value in parts.items()]


def engines(engine: Plain) -> list[Plain]:
    """The race of engines, the fastest first; the one that was used carries ``won``."""
    race = engine.get("race")
    rows = [(words.as_number(row.get("items_per_second")) or 0.0, row) for row in (race if isinstance(race, list) else []) if isinstance(row, dict)]
    top = max((speed for speed, _ in rows), default=0.0) or 1.0
    rows.sort(key=lambda one: -one[0])
    return [{**row, "won": row.get("engine") == engine.get("engine"), "share": speed / top} for speed, row in rows]


def split_rows(run: RunFiles) -> list[tuple[str, int]]:
    """How many items lie on each side: the verdict's counts, else the split's."""
    if run.verdict:
        return [(side, getattr(run.verdict.n, side)) for side in SIDES]
    found = {side: run.split.get(side) for side in SIDES}
    return [(side, len(value) if isinstance(value, list) else int(value)) for side, value in found.items() if isinstance(value, (list, int))]


def class_counts(split: Plain) -> list[tuple[str, list[int]]]:
    """Items of each class on each side, when the split tells them."""
    classes, counts = split.get("classes"), split.get("counts")
    sides = [side for side in (counts.get(name) for name in SIDES) if isinstance(side, list)] if isinstance(counts, dict) else []
    if not isinstance(classes, list) or len(sides) != len(SIDES) or any(len(side) != len(classes) for side in sides):
        return []
    if any(words.as_number(n) is None for side in sides for n in side):
        return []
    return [(str(name), list(row)) for name, *row in zip(classes, *sides, strict=True)]


def origins(model: Plain) -> list[tuple[str, str]]:
    """Where the pretrained weights come from, as far as their card tells."""
    card = model.get("card")
    if not isinstance(card, dict):
        return []
    taught = card.get("trained_on")
    taught_words = None
    if isinstance(taught, dict):
        n = words.as_number(taught.get("n"))
        taught_words = f"{words.anything(taught.get('what'))}, {words.NOT_RECORDED if n is None else words.count(n)} {words.anything(taught.get('kind'))}"
    named = {"licence note": card.get("licence_note"), "trained on": taught_words, "source": card.get("source"), "caveats": card.get("caveats")}
    return [(name, words.anything(value)) for name, value in named.items() if value]


def flat(plain: Mapping[str, Any], skip: Collection[str] = (), before: str = "") -> list[tuple[str, str]]:
    """Names and values of a nested table as rows, ``a.b.c`` for what lies deeper; long lists are counted."""
    rows: list[tuple[str, str]] = []
    for key, value in plain.items():
        name = f"{before}{key}"
        if key in skip:
            continue
        if isinstance(value, Mapping) and value:
            rows += flat(value, skip, f"{name}.")
        elif isinstance(value, (list, tuple)) and len(value) > LONGEST_LIST:
            rows.append((name, f"{words.count(len(value))} values"))
        else:
            rows.append((name, words.anything(value)))
    return rows
