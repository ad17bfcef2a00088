"""The words that several verbs share: each option once, with the help that a newcomer reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import RenderableType

from headstart import Effort, Modality, Precision
from headstart.cli.show import answer, answer_json

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A folder of class folders (with or without train/validation/test), metadata.csv, CSV, TSV, JSONL, Parquet, Arrow, or a zip or tar of these.",
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder, as fit made it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output; talk goes to standard error.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Everything random is derived from it.")]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that holds the label, where the data has columns.")]
TextColumn = Annotated[str | None, typer.Option("--text", metavar="COLUMN", help="The column that holds the text, where the data has columns.")]
Kind = Annotated[Modality | None, typer.Option("--modality", help="What kind of data it is; found by what lies there when not given.", show_default=False)]
Group = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of what must stay on one side of the split: patient, site, ...")]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="One subscribed model; all subscribed ones compete when not given.")]
Cut = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE", help="How much to retrain: head, last, last2, half, all, a number of frozen blocks, or the name of the block where training starts."
    ),
]
EffortWord = Annotated[Effort, typer.Option(help="How much is tried; thorough gives the twin from scratch ten times the time.")]
Rate = Annotated[float | None, typer.Option(metavar="RATE", help="Peak learning rate of the fine-tuning; a rule decides when not given.")]
PrecisionWord = Annotated[Precision, typer.Option(help="fast: the machine's best engine, deviation measured; float32: equal bit for bit.")]
Twins = Annotated[
    bool, typer.Option("--twins/--no-twins", help="Train the twins that prove whether the transfer helped; without them the verdict is 'cannot tell'.")
]
TaskWord = Annotated[
    Literal["classification", "keyword"],
    typer.Option("--task", help="keyword: DATA holds positive/, negative/ and background/ (or such labels), and a wake word is taught."),
]
FalseAccepts = Annotated[float, typer.Option("--false-accepts", metavar="N", help="With --task keyword: how many an hour the threshold is chosen for.")]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept-licence", metavar="NAME", help="Accept the licence of the model NAME, having read it. May be given several times."),
]
MaxMb = Annotated[float | None, typer.Option(metavar="MB", help="Leave out models whose weight file is larger.")]
MaxMs = Annotated[float | None, typer.Option(metavar="MS", help="Leave out models that take longer for an item on this machine.")]
Licence = Annotated[str | None, typer.Option(metavar="NAMES", help="Only models under these licences: SPDX names separated by commas, or 'permissive'.")]
Budget = Annotated[
    str | None, typer.Option(metavar="TIME", help="Wall-clock time in all: 60s, 5m. The finished run is there by then; what did not fit is named.")
]
Memory = Annotated[str | None, typer.Option(metavar="SIZE", help="Memory that the process may hold: 2GB, 800MB. What does not fit is left out and named.")]
Out = Annotated[str | None, typer.Option(metavar="RUN", help="The run folder to make.  [default: runs/NAME-date-N]", show_default=False)]


def give(value: Any, parts: Callable[[], Sequence[RenderableType]], *, as_json: bool) -> None:
    """Answer with the value as JSON, or with what shows it to a person."""
    if as_json:
        answer_json(value)
    else:
        answer(*parts())
