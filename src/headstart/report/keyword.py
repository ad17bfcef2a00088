"""The page of a wake word: ``keyword.json`` of its run folder in, one self-contained ``report.html`` out (no network, no script)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from headstart.base.amounts import hours, percent, several
from headstart.base.errors import InputError
from headstart.base.files import read_json, write
from headstart.report import values
from headstart.report.folder import KEYWORD, date_of, stages_ended
from headstart.report.paper import written
from headstart.report.sections import preview
from headstart.report.values import Plain
from headstart.report.words import anything, as_number, moment

ARMS = {"transfer": "a new layer on the pretrained embedding", "random": "the same on a random embedding"}
MISSES = "Wilson 1927, or where several words are of one speaker, whole speakers drawn: the words of one speaker alone tell next to nothing"
PROMISED = "yes: the interval ends below what was asked for"
USABLE = 0.5  # share of the words: what misses more is of no use
NEARLY_SURE = 0.999  # from which one decimal of a per cent tells nothing


def write_keyword_report(folder: Path) -> Path:
    """Write the page of a run.

    Raises:
        InputError: when the run is unfinished, or what it wrote is damaged.
    """
    from scipy.special import expit

    kept = read_keyword(folder)
    result, card, items = kept["result"], kept["card"], kept["items"]
    point, missed = result["transfer"]["point"], result["transfer"]["missed"]
    there, spent = point["accepted"], stages_ended(folder)
    facts = (
        ("threshold", f"{sure(float(expit(point['threshold'])))} sure"),
        ("chosen for", f"{result['asked']:g} false accepts an hour, on {hours(point['hours'])} that were not trained on"),
        ("there it accepts wrongly", f"{several(there['n'], 'time')}: {there['value']:.2f} an hour ({there['low']:.2f} to {there['high']:.2f})"),
        ("is that a promise?", PROMISED if point["promised"] else f"no: {_needed(result)}"),
        ("tested on", f"{hours(result['test_hours'])} and {several(missed['n'], 'recording')} of the word"),
        ("items", f"{items['train']} train, {items['validation']} validation, {items['test']} test"),
        ("division", kept["split"]),
        ("model", f"{card['title']} ({card['licence']})"),
        ("intervals", f"95 %; misses: {MISSES}; false accepts: Garwood 1936"),
    )
    arms = [(words, result[arm]["missed"], result[arm]["false_accepts_per_hour"]) for arm, words in ARMS.items() if result[arm] is not None]
    page = written(
        "keyword.html.jinja",
        name=folder.resolve().name,
        date=moment(date_of(folder, (KEYWORD,))),
        seconds=spent,
        folder=shlex.quote(str(folder)),
        sentence=result["sentence"],
        **_conclusion(result),
        promised=point["promised"],
        missed=missed,
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


def _conclusion(result: Plain) -> Plain:
    """What stands at the top: whether it is of use, in one plain sentence what it does, what is uncertain; and the same in Chinese."""
    point, missed, wrong = result["transfer"]["point"], result["transfer"]["missed"], result["transfer"]["false_accepts_per_hour"]
    n_missed, heard = round(missed["value"] * missed["n"]), hours(result["test_hours"])
    usable = missed["value"] <= USABLE
    said = f"It misses {n_missed} of {several(missed['n'], 'word')} at {wrong['value']:.2f} false accepts an hour ({wrong['n'] or 'none'} in {heard})."
    rest = [f"Plausible are {percent(missed['low'], 0)} to {percent(missed['high'], 0)} missed and {wrong['low']:.2f} to {wrong['high']:.2f} an hour."]
    if not point["promised"]:
        needed = _needed(result)
        rest.append(f"{needed[0].upper()}{needed[1:]}; there were {hours(point['hours'])} to choose the threshold by.")
    if result["random"] is not None:
        other, falsely = result["random"]["missed"], result["random"]["false_accepts_per_hour"]
        rest.append(f"On a random embedding it misses {round(other['value'] * other['n'])} of {other['n']} at {falsely['value']:.2f}.")
    opening = "Not usable yet" if not usable else "Hears its word" if point["promised"] else "Hears its word, but promises nothing"
    mood, symbol = ("no", "✕") if not usable else ("yes", "✓") if point["promised"] else ("cannot-tell", "?")
    verdict = "还不能用" if not usable else "可以使用" if point["promised"] else "误唤醒率还不能保证"
    chinese = f"唤醒词：{missed['n']} 次中漏掉 {n_missed} 次，每小时误唤醒 {wrong['value']:.2f} 次；{verdict}。"
    return {"opening": opening, "mood": mood, "symbol": symbol, "said": said, "rest": rest, "chinese": chinese}


def _needed(result: Plain) -> str:
    needed = result["transfer"]["point"]["hours_to_promise"]
    return f"to promise at most {result['asked']:g} false accepts an hour, {needed:.1f} h of background without any would be needed"


def sure(probability: float) -> str:
    """How sure it is; more decimals where it is nearly certain.

    Example:
        >>> sure(0.9883), sure(0.99988)
        ('98.8 %', '99.988 %')
    """
    return percent(probability, 1 if probability < NEARLY_SURE else 3)


def _mistakes(folder: Path) -> list[dict[str, Any]] | None:
    """A few missed words and false accepts, to play; None where a run of old kept none."""
    try:
        rows = values.rows(read_json(folder / "mistakes.json"))
    except (OSError, ValueError):
        return None
    return [_clip(folder, row) for row in rows]


def _clip(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    seen, seconds, probability = preview(folder, str(row.get("file") or "")), as_number(row.get("seconds")), as_number(row.get("probability"))
    told = f"{anything(row.get('kind'))}: {anything(row.get('source'))}" + (f" at {seconds:.1f} s" if seconds is not None else "")
    told += f" ({sure(probability)} sure that it was the word)" if probability is not None else ""
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
