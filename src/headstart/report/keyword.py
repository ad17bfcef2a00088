"""The page of a wake word: ``keyword.json`` of its run folder in, one self-contained ``report.html`` out (no network, no script)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from headstart.base.errors import InputError
from headstart.base.files import read_json, write
from headstart.report import values
from headstart.report.folder import KEYWORD
from headstart.report.paper import written
from headstart.report.sections import preview
from headstart.report.words import anything, as_number

ARMS = {"transfer": "a new layer on the pretrained embedding", "random": "the same on a random embedding"}
PROMISED = "yes: the interval ends below what was asked for"


def write_keyword_report(folder: Path) -> Path:
    """Write the page of a run.

    Raises:
        InputError: when the run is unfinished, or what it wrote is damaged.
    """
    kept = read_keyword(folder)
    result, card, items = kept["result"], kept["card"], kept["items"]
    point, there = result["transfer"]["point"], result["transfer"]["point"]["accepted"]
    facts = (
        ("threshold chosen for", f"{result['asked']:g} false accepts an hour, on {point['hours']:.2f} h that were not trained on"),
        ("there it accepts wrongly", f"{there['n']} times: {there['value']:.2f} an hour ({there['low']:.2f} to {there['high']:.2f})"),
        ("is that a promise?", PROMISED if point["promised"] else f"no: that takes {point['hours_to_promise']:.1f} h of other sound without one"),
        ("tested on", f"{result['test_hours']:.2f} h and {result['transfer']['missed']['n']} recordings of the word"),
        ("items", f"{items['train']} train, {items['validation']} validation, {items['test']} test"),
        ("division", kept["split"]),
        ("model", f"{card['title']} ({card['licence']})"),
        ("intervals", "95 %; misses: Wilson 1927; false accepts: Garwood 1936"),
    )
    arms = [(words, result[arm]["missed"], result[arm]["false_accepts_per_hour"]) for arm, words in ARMS.items() if result[arm] is not None]
    page = written(
        "keyword.html.jinja",
        name=folder.resolve().name,
        folder=shlex.quote(str(folder)),
        sentence=result["sentence"],
        promised=point["promised"],
        missed=result["transfer"]["missed"],
        wrong=result["transfer"]["false_accepts_per_hour"],
        asked=result["asked"],
        test_hours=result["test_hours"],
        title=card["title"],
        cautions=result.get("cautions", ()),  # older runs know none
        arms=arms,
        mistakes=_mistakes(folder),
        facts=facts,
    )
    return write(folder / "report.html", page)


def _mistakes(folder: Path) -> list[dict[str, Any]] | None:
    """A few missed words and false accepts, to play; None where a run of old kept none."""
    try:
        rows = values.rows(read_json(folder / "mistakes.json"))
    except (OSError, ValueError):
        return None
    return [_clip(folder, row) for row in rows]


def _clip(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    seen, seconds, sure = preview(folder, str(row.get("file") or "")), as_number(row.get("seconds")), as_number(row.get("probability"))
    told = f"{anything(row.get('kind'))}: {anything(row.get('source'))}" + (f" at {seconds:.1f} s" if seconds is not None else "")
    told += f" ({sure:.0%} sure that it was the word)" if sure is not None else ""
    return {"told": told, "sound": seen["value"] if seen and seen["kind"] == "sound" else None}


def read_keyword(folder: Path) -> dict[str, Any]:
    """What a wake word's run found.

    Raises:
        InputError: when the run is unfinished, or the file is damaged.
    """
    if not (folder / KEYWORD).is_file():
        raise InputError("this wake word's run is not finished: there is nothing to report yet", got=folder, fix=f"headstart resume {shlex.quote(str(folder))}")
    try:
        kept: dict[str, Any] = dict(read_json(folder / KEYWORD))
        if kept["result"]["transfer"]["missed"]["n"] and kept["card"]:
            return kept
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(f"{KEYWORD} is damaged: what this wake word's run found cannot be read", got=folder)
