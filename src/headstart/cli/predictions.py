"""How predictions and metrics look: JSON, CSV or a table; what could not be read is named, never dropped in silence."""

from __future__ import annotations

import csv
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import RenderableType

from headstart.base.amounts import hours, percent, several
from headstart.base.errors import InputError
from headstart.cli.show import answer, answer_json, facts, plain, table, talk

if TYPE_CHECKING:
    from headstart.study.detections import Heard
    from headstart.study.predict import Prediction


WIDEST = 60  # columns of a text in a table
FEW_CLASSES = 12  # the confusion of more is told by its worst pairs
SCORES = ("items", "found (recall)", "right (precision)", "F1")
TERMINAL = 80  # columns: what is wider has numbers for names above its columns


def one_form(*, as_csv: bool, as_json: bool) -> None:
    """Refuse two forms of one answer, before anything is predicted.

    Raises:
        InputError: when both are asked for.
    """
    if as_csv and as_json:
        raise InputError("--csv and --json exclude each other", fix="give one of them")


def give_predictions(run: Path, predictions: Sequence[Prediction] | Sequence[Heard], *, as_csv: bool, as_json: bool) -> None:
    """Answer in the form that was asked for.

    Raises:
        InputError: when not one input could be read.
    """
    faults = [one for one in predictions if one.fault is not None]
    if predictions and len(faults) == len(predictions) and not any(_is_begun(one) for one in faults):
        raise InputError("none of the inputs could be read", details=[f"{one.source}: {one.fault}" for one in faults], fix=_look_at(faults[0].source, run))
    from headstart.study.detections import Heard  # here already

    listened = any(isinstance(one, Heard) for one in predictions)
    as_rows: Any = heard_csv if listened else write_csv
    as_table: Any = heard_table if listened else predictions_table
    if as_json:
        answer_json({"run": run, "predictions": predictions})
    elif as_csv:
        as_rows(predictions)
    else:
        answer(as_table(predictions))
    for one in faults:
        talk().print(f"not read{' to its end' if _is_begun(one) else ''}: {one.source}: {one.fault}", markup=False, soft_wrap=True)


def _look_at(source: str, run: Path) -> str:
    """The line that shows what is wrong with an input: its file, or that of its row; of a text itself there is none, and others are asked for."""
    file = next((name for name in (source, source.rpartition("#")[0]) if name and os.path.isfile(name)), None)  # noqa: PTH113 - a text may be no path
    return f"ls -l {shlex.quote(file)}" if file else f"headstart predict {shlex.quote(str(run))} INPUT..."


def _is_begun(one: Prediction | Heard) -> bool:
    """Whether a recording was heard as far as it could be read."""
    return getattr(one, "seconds", 0.0) > 0


def write_csv(predictions: Sequence[Prediction]) -> None:
    """Write a header and one row an item; what could not be read has empty cells and its fault in the last one."""
    classes = next((list(one.probabilities) for one in predictions if one.probabilities), [])
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["source", "label", "probability", "unsure", "among", *classes, "fault"])
    for one in predictions:
        numbers = [f"{one.probabilities[name]:.6f}" if one.fault is None else "" for name in classes]
        said = [one.label, f"{one.probability:.6f}", "" if one.unsure is None else str(one.unsure).lower(), " | ".join(one.among)]
        rows.writerow([one.source, *(said if one.fault is None else [""] * len(said)), *numbers, one.fault or ""])


def predictions_table(predictions: Sequence[Prediction]) -> RenderableType:
    """A line an item: what it is, how sure, what it might be instead, and whether a person had better look."""
    read = [one for one in predictions if one.fault is None]
    sets, doubts = any(one.among for one in read), any(one.unsure for one in read)
    shown = any(one.shown for one in read)
    columns = ["item", *(["text"] if shown else []), "label", "sure", "one of" if sets else "or else", *(["ask a person"] if doubts else [])]
    rows = [
        (
            one.source,
            *([clipped(one.shown)] if shown else []),
            one.label,
            percent(one.probability),
            ", ".join(one.among) if sets else runner_up(one),
            *(["yes" if one.unsure else ""] if doubts else []),
        )
        for one in read
    ]
    return table("", columns, rows, numbers=["sure"])


def heard_csv(files: Sequence[Heard]) -> None:
    """Write a header and one row a detection; a file without one has a row with empty cells."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["source", "seconds", "probability", "fault"])
    for one in files:
        found = [(f"{said.seconds:.2f}", f"{said.probability:.6f}") for said in one.detections] or [("", "")]
        rows.writerows([one.source, *cells, one.fault or ""] for cells in found)


def heard_table(files: Sequence[Heard]) -> RenderableType:
    """A line a file: how often the word was heard, when, and how surely."""
    rows = [
        (one.source, str(len(one.detections)), ", ".join(f"{said.seconds:.2f} s ({percent(said.probability, 0)})" for said in one.detections) or "not heard")
        for one in files
        if one.fault is None or _is_begun(one)
    ]
    return table("", ["file", "times", "heard at"], rows, numbers=["times"])


def clipped(text: str) -> str:
    """A text on one line of a terminal, by the columns that it takes there: a Chinese character takes two."""
    kept = text
    while cell_len(kept) > WIDEST:
        kept = kept[:-1]
    return kept if kept == text else f"{kept}…"


def runner_up(one: Prediction) -> str:
    """The second most probable class."""
    others = sorted(((value, name) for name, value in one.probabilities.items() if name != one.label), reverse=True)
    return f"{others[0][1]} {percent(others[0][0], 0)}" if others else ""


def metrics_parts(metrics: Mapping[str, Any]) -> list[RenderableType]:
    """What ``evaluate`` found as people read it: per cent with their 95 % intervals, counts, and which class was taken for which."""
    found = plain(metrics)
    parts = class_parts(found["table"]) if "table" in found else wake_word_parts(found)
    left_out = [(one["source"], one["reason"]) for one in found["left_out"]]
    return [*parts, table("\nLeft out", ["source", "why"], left_out)] if left_out else parts


def class_parts(found: Mapping[str, Any]) -> list[RenderableType]:
    """Every metric once, each class, the confusion of classes, and whether it was right as often as it was sure."""
    from headstart.evaluation.sentence import METRIC_WORDS  # here already

    lines = [(METRIC_WORDS["en"][name].split(" (")[0], scored(one, name)) for name, one in found["metrics"].items()]
    gap = f"{100 * found['calibration_error']:.1f} points between how sure it is and how often it is right"
    classes = [(one["name"], one["n"], *(shared(one[name]) for name in ("recall", "precision", "f1"))) for one in found["classes"]]
    sure = [(f"{100 * one['low']:.0f} to {percent(one['high'], 0)}", one["accuracy"]["n"], scored(one["accuracy"])) for one in found["reliability"]]
    return [
        facts(f"Evaluation on {several(found['n'], 'item')}, with 95 % intervals", [*lines, ("calibration error", gap)]),
        table("\nClasses", ["class", *SCORES], classes, numbers=SCORES),
        confusion_part([one["name"] for one in found["classes"]], found["confusion"]),
        table("\nHow sure it was, and how often right", ["sure", "items", "right"], sure, numbers=["items"], whole=["sure"]),
    ]


def confusion_part(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> RenderableType:
    """Which class was taken for which: a row a true class; of many classes the pairs that were confused most often."""
    from headstart.report.words import shortened  # here already

    if len(classes) <= FEW_CLASSES:
        names = columns = [shortened(name) for name in classes]
        if sum(cell_len(name) + 2 for name in ["truth", *names, "all"]) + max(map(cell_len, names)) > TERMINAL:
            columns = [str(number) for number in range(1, len(names) + 1)]
            names = [f"{number} {name}" for number, name in zip(columns, names, strict=True)]
        rows = [(name, *row, sum(row)) for name, row in zip(names, confusion, strict=True)]
        return table("\nConfusion: row = truth, column = what it was called", ["truth", *columns, "all"], rows, numbers=[*columns, "all"], whole=["truth"])
    pairs = [(n, -truth, -called) for truth, row in enumerate(confusion) for called, n in enumerate(row) if n and called != truth]
    most = [(classes[-truth], classes[-called], n, sum(confusion[-truth])) for n, truth, called in sorted(pairs, reverse=True)[:FEW_CLASSES]]
    return table("\nMost often confused; --json has the whole matrix", ["truth", "called", "times", "of"], most, numbers=["times", "of"])


def wake_word_parts(found: Mapping[str, Any]) -> list[RenderableType]:
    """Words missed and sounds taken for the word, by whom and where."""
    missed, wrong, length = found["missed"], found["false_accepts_per_hour"], hours(found["hours"])
    lost = missed and f"{round(missed['value'] * missed['n'])} of {several(missed['n'], 'word')}: {scored(missed)}"
    rate = wrong and f"{wrong['n']} in {length} of other sound: {wrong['value']:.2f} an hour ({wrong['low']:.2f} to {wrong['high']:.2f})"
    lines = [("missed", lost or "cannot be told: the word is not among the recordings"), ("false accepts", rate or "cannot be told: there is no other sound")]
    speakers = [(one["speaker"], one["words"], one["missed"]) for one in found["speakers"]]
    mistakes = [(one["source"], one["kind"], *_heard(one)) for one in found["mistakes"]]
    parts = [facts("Evaluation, with 95 % intervals", lines)]
    parts += [table("\nSpeakers", ["speaker", "words", "missed"], speakers, numbers=["words", "missed"])] if speakers else []
    return [*parts, table("\nMistakes", ["recording", "what", "at", "sure"], mistakes, numbers=["at", "sure"], whole=["what"])] if mistakes else parts


def _heard(mistake: Mapping[str, Any]) -> tuple[str, str]:
    at, probability = mistake["seconds"], mistake["probability"]
    return "" if at is None else f"{at:.2f} s", "" if probability is None else percent(probability)


def scored(found: Mapping[str, Any], metric: str = "accuracy") -> str:
    """A score and its interval as the pages write them; a dash where nothing was measured."""
    from headstart.report.values import UNKNOWN, span_words  # here already

    value, ends = span_words(found, metric) if found["n"] else (UNKNOWN, "")
    return f"{value} ({ends})" if ends else value


def shared(found: Mapping[str, Any]) -> str:
    """A share and its interval in whole per cent, for where three stand beside each other."""
    return f"{percent(found['value'])} ({100 * found['low']:.0f} to {100 * found['high']:.0f})" if found["n"] else "–"
