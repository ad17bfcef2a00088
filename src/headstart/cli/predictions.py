"""How predictions and metrics look: JSON, CSV or a table; what could not be read is named, never dropped in silence."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import RenderableType

from headstart.base.errors import InputError
from headstart.cli.records import nested
from headstart.cli.show import answer, answer_json, plain, table, talk

if TYPE_CHECKING:
    from headstart.study.detections import Heard
    from headstart.study.predict import Prediction


WIDEST = 60  # columns of a text in a table


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
        raise InputError("none of the inputs could be read", details=[f"{one.source}: {one.fault}" for one in faults])
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
            f"{one.probability:.1%}",
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
        (one.source, str(len(one.detections)), ", ".join(f"{said.seconds:.2f} s ({said.probability:.0%})" for said in one.detections) or "not heard")
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
    return f"{others[0][1]} {others[0][0]:.0%}" if others else ""


def metrics_parts(metrics: Mapping[str, Any]) -> list[RenderableType]:
    """Metrics as lines, with their intervals where they have one; tables within them as tables."""
    return nested("Evaluation", plain(metrics))
