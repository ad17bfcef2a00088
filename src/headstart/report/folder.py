"""A run folder read with patience: what is there comes out as values, what is missing as nothing, what is damaged is named.

The report, the list of runs and whoever else looks at a run read only these files.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headstart.base.errors import InputError
from headstart.evaluation import Predictions, Verdict
from headstart.report.words import as_number
from headstart.training.run import ASKED

Plain = dict[str, Any]
ARMS = ("transfer", "scratch", "plain", "majority", "random")

TOLD_BY = ("manifest.json", "verdict.json", "events.jsonl", "plan.toml")  # the run's date is that of the first that is there
KEYWORD = "keyword.json"  # what a wake word's run ends with
TABLES = ("ranking", "race", "evidence", "history", "engine", "split", "model", "about")  # each is NAME.json


@dataclass(frozen=True)
class RunFiles:
    """What a run folder says.

    Attributes:
        folder: The run folder.
        verdict: ``verdict.json``; None when the run has not come so far.
        decisions: ``plan.toml``: name, value, unit, why, source of each.
        candidates: ``candidates.json``, one row per model and cut.
        history: ``history.json``, the learning curves.
        ranking: ``ranking.json``: every network of the gallery, prior and evidence.
        race: ``race.json``: cuts and settings, who ran how far.
        evidence: ``evidence.json``: evaluation, calibration, abstention, label errors, learning curve.
        engine: ``engine.json``, the race of engines and what it costs in exactness.
        mistakes: ``mistakes.json``, the worst mistakes, with pictures beside it.
        split: ``split.json``.
        model: ``model.json``.
        about: ``about.json``: data, machine, versions.
        events: ``events.jsonl``.
        arms: ``predictions/*.parquet`` by arm.
        unreadable: Files that are there and cannot be read, with the reason.
    """

    folder: Path
    verdict: Verdict | None = None
    decisions: tuple[Plain, ...] = ()
    candidates: tuple[Plain, ...] = ()
    history: Plain = field(default_factory=dict)
    ranking: Plain = field(default_factory=dict)
    race: Plain = field(default_factory=dict)
    evidence: Plain = field(default_factory=dict)
    engine: Plain = field(default_factory=dict)
    mistakes: tuple[Plain, ...] = ()
    split: Plain = field(default_factory=dict)
    model: Plain = field(default_factory=dict)
    about: Plain = field(default_factory=dict)
    events: tuple[Plain, ...] = ()
    arms: Mapping[str, Predictions] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def stage_seconds(self) -> dict[str, float]:
        """Seconds per stage: the verdict's, else what the events say so far."""
        if self.verdict:
            return self.verdict.seconds
        ends = [event for event in self.events if event.get("kind") == "end"]
        return {str(event.get("stage")): as_number(event.get("seconds")) or 0.0 for event in ends}


def read_run(folder: Path) -> RunFiles:
    """Read all of a run folder.

    Raises:
        InputError: when there is no such folder or nothing in it comes from a run.
    """
    if not is_run(folder):
        raise InputError("there is no run here", got=folder, fix="headstart runs list")
    unreadable: list[str] = []

    def attempt(name: str, read: Callable[[Path], Any], empty: Any) -> Any:
        path = folder / name
        if not path.is_file():
            return empty
        try:
            return read(path)
        except (InputError, ValueError, OSError, KeyError, TypeError) as error:
            unreadable.append(f"{name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
            return empty

    values = {name: attempt(f"{name}.json", _table, {}) for name in TABLES}
    rows = {name: attempt(f"{name}.json", _rows, ()) for name in ("candidates", "mistakes")}
    arms = {arm: attempt(f"predictions/{arm}.parquet", Predictions.from_parquet, None) for arm in ARMS}
    return RunFiles(
        folder=folder,
        verdict=attempt("verdict.json", read_verdict, None),
        decisions=attempt("plan.toml", _decisions, ()),
        events=attempt("events.jsonl", _events, ()),
        arms={arm: found for arm, found in arms.items() if found is not None},
        unreadable=tuple(unreadable),
        **values,
        **rows,
    )


def is_run(folder: Path) -> bool:
    """Whether something in the folder comes from a run, finished or not."""
    return any((folder / name).is_file() for name in ("plan.toml", "verdict.json", "manifest.json", "events.jsonl"))


def date_of(folder: Path, told_by: Sequence[str] = TOLD_BY) -> str:
    """When a run was last written to, UTC, to the second; the report itself does not count."""
    told = next(folder / name for name in told_by if (folder / name).is_file())
    return datetime.fromtimestamp(told.stat().st_mtime, UTC).isoformat(timespec="seconds")


def is_wake_word(folder: Path) -> bool:
    """Whether the run is one of a wake word, finished or not: it has a page, a summary and a way to be asked of its own."""
    if (folder / KEYWORD).is_file():
        return not (folder / "model.json").exists()
    try:
        return bool(_table(folder / ASKED).get("task") == "keyword")
    except (OSError, ValueError, InputError):
        return False


def read_verdict(path: Path) -> Verdict:
    """Read ``verdict.json``."""
    return Verdict.from_plain(_table(path), path.name)


def _table(path: Path) -> Plain:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise InputError("expected names and values")
    return found


def _rows(path: Path) -> tuple[Plain, ...]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise InputError("expected a list of rows")
    return tuple(found)


def _decisions(path: Path) -> tuple[Plain, ...]:
    lists = [value for value in tomllib.loads(path.read_text(encoding="utf-8")).values() if isinstance(value, list)]
    return tuple(row for rows in lists for row in rows if isinstance(row, dict) and "name" in row)


def stages_ended(folder: Path) -> float | None:
    """Seconds of all stages that ended, added up; None where no events were kept."""
    try:
        events = _events(folder / "events.jsonl")
    except OSError:
        return None
    found = [as_number(event.get("seconds")) or 0.0 for event in events if event.get("kind") == "end"]
    return sum(found) if found else None


def _events(path: Path) -> tuple[Plain, ...]:
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # a run that was killed may leave half a last line
            continue
        if isinstance(event, dict):
            found.append(event)
    return tuple(found)
