"""The page of a wake word: ``keyword.json`` of its run folder in, one self-contained ``report.html`` out (no network, no script)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from markupsafe import escape

from headstart.base.errors import InputError
from headstart.base.files import read_json, write
from headstart.report import values
from headstart.report.folder import KEYWORD
from headstart.report.sections import preview
from headstart.report.words import anything, as_number

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}"
    "figure{margin:.6rem 0}audio{display:block;width:100%}"
)
PROMISED = "yes: the interval ends below what was asked for"


def write_keyword_report(folder: Path) -> Path:
    """Write the page of a run.

    Raises:
        InputError: when the run is unfinished, or what it wrote is damaged.
    """
    kept = read_keyword(folder)
    result = kept["result"]
    rows = [_row("a new layer on the pretrained embedding", result["transfer"])]
    if result["random"] is not None:
        rows.append(_row("the same on a random embedding", result["random"]))
    card, items, point = kept["card"], kept["items"], result["transfer"]["point"]
    there = point["accepted"]
    facts = (
        ("threshold chosen for", f"{result['asked']:g} false accepts an hour, on {point['hours']:.2f} h that were not trained on"),
        ("there it accepts wrongly", f"{there['n']} times: {there['value']:.2f} an hour ({there['low']:.2f} to {there['high']:.2f})"),
        ("is that a promise?", PROMISED if point["promised"] else f"no: that takes {point['hours_to_promise']:.1f} h of other sound without one"),
        ("tested on", f"{result['test_hours']:.2f} h and {result['transfer']['missed']['n']} recordings of the word"),
        ("items", f"{items['train']} train, {items['validation']} validation, {items['test']} test"),
        ("division", kept["split"]),
        ("model", f"{card['title']} ({card['licence']})"),
        *(("beware", caution) for caution in result.get("cautions", ())),  # older runs know none
        ("intervals", "95 %; misses: Wilson 1927; false accepts: Garwood 1936"),
    )
    table = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    head = "<tr><th></th><th>missed</th><th>false accepts an hour</th></tr>"
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Wake word</title><style>{STYLE}</style>'
        f"<h1>Wake word</h1><p><strong>{escape(result['sentence'])}</strong></p><table>{head}{''.join(rows)}</table>{_mistakes(folder)}"
        f"<h2>How</h2><table>{table}</table>"
        f"<p>Listen: <code>headstart listen {escape(folder)} FILE</code></p></html>\n"
    )
    return write(folder / "report.html", page)


def _mistakes(folder: Path) -> str:
    """A few missed words and false accepts, to play; runs of old kept none."""
    try:
        rows = values.rows(read_json(folder / "mistakes.json"))
    except (OSError, ValueError):
        return ""
    shown = "".join(_clip(folder, row) for row in rows)
    told = "The words that it was furthest from hearing, and the surest of its false accepts." if shown else "In the test it got nothing wrong."
    return f"<h2>What it got wrong</h2><p>{told}</p>{shown}"


def _clip(folder: Path, row: dict[str, Any]) -> str:
    seen, seconds, sure = preview(folder, str(row.get("file") or "")), as_number(row.get("seconds")), as_number(row.get("probability"))
    told = f"{anything(row.get('kind'))}: {anything(row.get('source'))}" + (f" at {seconds:.1f} s" if seconds is not None else "")
    told += f" ({sure:.0%} sure that it was the word)" if sure is not None else ""
    player = f'<audio controls preload="none" src="{escape(seen["value"])}" aria-label="{escape(told)}"></audio>' if seen and seen["kind"] == "sound" else ""
    return f"<figure>{player}<figcaption>{escape(told)}</figcaption></figure>"


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


def _row(name: str, arm: dict[str, Any]) -> str:
    missed, wrong = arm["missed"], arm["false_accepts_per_hour"]
    cells = (
        name,
        f"{missed['value']:.1%} ({missed['low']:.1%} to {missed['high']:.1%}, n = {missed['n']})",
        f"{wrong['value']:.2f} ({wrong['low']:.2f} to {wrong['high']:.2f}, {wrong['n']} counted)",
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
