"""What was fitted here: a folder of run folders in, one summary each out, the newest first."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from headstart.base.errors import InputError, IntegrityError
from headstart.base.records import from_plain
from headstart.evaluation import Measured, Verdict
from headstart.report.folder import KEYWORD, date_of, is_run, is_wake_word, read_verdict, stages_ended
from headstart.report.keyword import read_keyword
from headstart.training.run import ASKED, check_run, is_at_work

VERDICT = "verdict.json"
MISSED = "missed"  # share of a wake word that was not heard


@dataclass(frozen=True)
class RunSummary:
    """One line of ``headstart runs list``.

    Attributes:
        name: The run folder's name.
        folder: The run folder.
        date: When it was last written, UTC, ISO 8601.
        finished: Whether its manifest is there.
        helped: ``yes``, ``no``, ``cannot tell``; None before the verdict, and of a wake word.
        chosen: ``transfer``, ``scratch``, ``plain``; None before the verdict.
        model: Name of the pretrained model.
        metric: What ``value`` is.
        value: The chosen model's score on test, with its interval.
        seconds: Wall-clock seconds in all.
        resume: The line that goes on with it, where it was begun, is not finished and nobody is at work on it.
        at_work: Whether a process fills it now.
        false_accepts_per_hour: Of a wake word, whose ``metric`` is ``missed``.
        damaged: What differs from what the run wrote; then nothing of it is told.
    """

    name: str
    folder: Path
    date: str
    finished: bool
    helped: str | None = None
    chosen: str | None = None
    model: str | None = None
    metric: str | None = None
    value: Measured | None = None
    seconds: float | None = None
    resume: str | None = None
    at_work: bool = False
    false_accepts_per_hour: Measured | None = None
    damaged: str = ""


def list_runs(folder: Path) -> tuple[RunSummary, ...]:
    """Summarise the runs in a folder (or the folder itself if it is a run), the newest first; none if there is no such folder."""
    if is_run(folder):
        return (_summary(folder),)
    inside = folder.iterdir() if folder.is_dir() else ()
    found = [_summary(one) for one in inside if not one.name.startswith(".") and is_run(one)]
    return tuple(sorted(found, key=lambda summary: (summary.date, summary.name), reverse=True))


def chosen_score(verdict: Verdict) -> Measured:
    """The test score of the model that the user gets."""
    arms: Mapping[str, Measured | None] = {"transfer": verdict.test, "scratch": verdict.scratch, "plain": verdict.plain}
    return arms[verdict.chosen] or verdict.test


def _summary(folder: Path) -> RunSummary:
    date, finished = date_of(folder), (folder / "manifest.json").is_file()
    busy = not finished and is_at_work(folder)
    go_on = f"headstart resume {shlex.quote(str(folder))}" if not (finished or busy) and (folder / ASKED).is_file() else None
    if finished:
        try:
            check_run(folder, KEYWORD if is_wake_word(folder) else VERDICT)
        except IntegrityError as error:
            return RunSummary(folder.resolve().name, folder, date, finished, damaged=str(error))
    if is_wake_word(folder):
        return _wake_word(RunSummary(folder.resolve().name, folder, date, finished, metric=MISSED, resume=go_on, at_work=busy))
    try:
        verdict = read_verdict(folder / VERDICT)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, InputError):
        return RunSummary(folder.resolve().name, folder, date, finished, resume=go_on, at_work=busy)
    return RunSummary(
        name=folder.resolve().name,
        folder=folder,
        date=date,
        finished=finished,
        helped=verdict.helped,
        chosen=verdict.chosen,
        model=verdict.model,
        metric=verdict.metric,
        value=chosen_score(verdict),
        seconds=verdict.seconds.get("total"),
        resume=go_on,
        at_work=busy,
    )


def _wake_word(begun: RunSummary) -> RunSummary:
    """With what its run found, as far as that can be read."""
    try:
        kept = read_keyword(begun.folder)
        missed, wrong = (from_plain(Measured, kept["result"]["transfer"][name], name) for name in ("missed", "false_accepts_per_hour"))
        spent = stages_ended(begun.folder)
        return replace(begun, chosen="transfer", model=str(kept["card"]["name"]), value=missed, false_accepts_per_hour=wrong, seconds=spent)
    except (OSError, InputError, KeyError, TypeError):
        return begun
