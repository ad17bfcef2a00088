"""The parts of the page as plain rows: values from the run's files in, what the template shows out. Unknown names are shown, not dropped."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.evaluation import Table
from headstart.report import values, words
from headstart.report.folder import Plain, RunFiles
from headstart.report.race import cut_text

SIDES = ("train", "validation", "test")
SHOWN_ELSEWHERE = (*SIDES, "classes", "counts", "content", "faults")
MOST_MISTAKES = 24
LARGEST_PICTURE = 400_000  # bytes: mistakes are thumbnails; anything larger is no thumbnail
LARGEST_SOUND = 1_000_000  # bytes: 30 seconds at 16 kHz
LARGEST_TEXT = 8_000  # bytes
LONGEST_TEXT = 280  # characters: what is longer is for the file itself
_PICTURES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
PREVIEWS = {suffix: ("picture", mime, LARGEST_PICTURE) for suffix, mime in _PICTURES.items()}
PREVIEWS |= {".wav": ("sound", "audio/wav", LARGEST_SOUND), ".txt": ("text", "", LARGEST_TEXT)}
MOST_CONFUSED = 6
LONGEST_LIST = 12
FEW_FAULTS = 5  # that are named; `headstart inspect` names them all
STAGES = {"plain": "plain model", "random": "frozen random weights", "look": "test items", "scratch": "twin from scratch"}  # whose names say too little


def most_confused(measured: Table) -> list[tuple[str, str, int, int]]:
    """Pairs (truth, prediction, how often, out of) that are confused most often."""
    counts = np.array(measured.confusion)
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [divmod(int(place), len(counts)) for place in order]
    names = [row.name for row in measured.classes]
    return [(names[truth], names[called], int(wrong[truth, called]), int(counts[truth].sum())) for truth, called in pairs if wrong[truth, called] > 0]


def mistakes(run: RunFiles) -> list[Plain]:
    """The worst mistakes with what is shown of them; what lies outside the run folder is not read."""
    return [{**row, "seen": preview(run.folder, str(row.get("file") or ""))} for row in run.mistakes[:MOST_MISTAKES]]


def preview(folder: Path, name: str) -> Plain | None:
    """What a page shows of an item: its kind (``picture``, ``text`` or ``sound``), and a data URI or the words; None where there is nothing to show.

    What lies outside the folder, or is larger than any preview, is not read.
    """
    try:
        places = [(folder / prefix / name).resolve() for prefix in ("", "mistakes")] if name else []
        for place in places:
            kind, mime, limit = PREVIEWS.get(place.suffix.lower(), ("", "", 0))
            if kind and place.is_relative_to(folder.resolve()) and place.is_file() and place.stat().st_size <= limit:
                return {"kind": kind, "value": _said(place) if kind == "text" else f"data:{mime};base64,{base64.b64encode(place.read_bytes()).decode()}"}
    except (OSError, ValueError):  # no name of a file at all: too long, or with a NUL
        return None
    return None


def _said(place: Path) -> str:
    """The beginning of a text; letters that are none are shown as such."""
    said = " ".join(place.read_text(encoding="utf-8", errors="replace").split())
    return said if len(said) <= LONGEST_TEXT else f"{said[:LONGEST_TEXT].rstrip('…')}…"


def candidates(run: RunFiles) -> dict[str, list[Plain]]:
    """All candidates as texts; those that were probed, one row a model; and the cuts that were tried on validation."""
    rows = [_candidate(row) for row in run.candidates]
    probed: dict[str, Plain] = {}
    for row in rows:
        if row["probe"][0] != values.UNKNOWN and (row["model"] not in probed or row["chosen"]):
            probed[row["model"]] = row
    return {"candidates": rows, "networks": list(probed.values()), "cuts": [row for row in rows if row["validation"][0] != values.UNKNOWN]}


def _candidate(row: Plain) -> Plain:
    """One candidate with its prior and scores as texts."""
    prior, seconds = row.get("prior"), words.as_number(row.get("seconds"))
    value = words.as_number(prior.get("value") if isinstance(prior, dict) else prior)
    return {
        "model": words.anything(row.get("title") or row.get("model")),
        "cut": words.anything(row.get("cut")),
        "licence": words.anything(row.get("licence")),
        "bytes": words.size(words.as_number(row.get("bytes"))),
        "prior": values.UNKNOWN if value is None else words.percent(value),
        "probe": values.span_words(row.get("probe")),
        "validation": values.span_words(row.get("validation")),
        "seconds": values.UNKNOWN if seconds is None else words.seconds(seconds),
        "chosen": bool(row.get("chosen")),
        "why": row.get("why") or "",
    }


def stages(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Stages with their seconds and their share of the longest, without the total."""
    parts = {name: value for name, value in seconds.items() if name != "total"}
    longest = max([*parts.values(), 1e-9])
    return [(STAGES.get(name, name), value, value / longest) for name, value in parts.items()]


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


def answered(run: RunFiles) -> tuple[int, int] | None:
    """Of a nested cross-validation: how many items were test items in one of its rounds, and how many there are; None where the split does not tell."""
    rows = [counts for _, counts in class_counts(run.split)]
    learnt, _, tested = (sum(row[side] for row in rows) for side in range(len(SIDES)))
    return (tested, max(learnt, tested)) if rows else None


def class_counts(split: Plain) -> list[tuple[str, list[int]]]:
    """Items of each class on each side, when the split tells them."""
    classes, counts = split.get("classes"), split.get("counts")
    sides = [side for side in (counts.get(name) for name in SIDES) if isinstance(side, list)] if isinstance(counts, dict) else []
    if not isinstance(classes, list) or len(sides) != len(SIDES) or any(len(side) != len(classes) for side in sides):
        return []
    if any(words.as_number(n) is None for side in sides for n in side):
        return []
    return [(str(name), list(row)) for name, *row in zip(classes, *sides, strict=True)]


def split_facts(split: Plain) -> list[tuple[str, str]]:
    """How it was split, then what was left out: how much, and the first few by name."""
    faults = [f"{values.text(one.get('source'))}: {values.text(one.get('reason'))}" for one in values.rows(split.get("faults"))]
    more = [("", f"and {words.count(len(faults) - FEW_FAULTS)} more; headstart inspect names them all")] if len(faults) > FEW_FAULTS else []
    told = [("left out", words.count(len(faults))), *(("", one) for one in faults[:FEW_FAULTS]), *more] if faults else []
    return [*flat({key: value for key, value in split.items() if key not in SHOWN_ELSEWHERE}), *told]


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


def evaluation(found: Any) -> Plain | None:
    """How the result was judged: held out or in rounds, why, and what each round chose; None when it is not told."""
    table = values.table(found)
    how = values.text(table.get("how"))
    if not how:
        return None
    choices = [
        {"round": values.text(row.get("round")), "model": values.text(row.get("model")), "cut": cut_text(row), "chosen": values.text(row.get("chosen"))}
        for row in values.rows(table.get("choices"))
    ]
    nested, n_rounds = how.startswith("nested"), words.as_number(table.get("rounds"))
    return {"how": how, "nested": nested, "why": values.text(table.get("why")), "choices": choices, "n_rounds": int(n_rounds or len(choices))}
