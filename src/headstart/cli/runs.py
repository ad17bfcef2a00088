"""The verbs of runs: what was fitted here, and how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.base.errors import InputError
from headstart.cli import words
from headstart.cli.words import give

runs = typer.Typer(help="What was fitted, and how it ended.", no_args_is_help=True)


@runs.callback()
def several() -> None:
    """Room for further verbs: Typer drops the name of a verb that stands alone."""


@runs.command("list")
def list_them(
    folder: Annotated[Path, typer.Argument(help="The folder that holds run folders.")] = Path("runs"),
    as_json: words.Json = False,
) -> None:
    """List the runs in a folder, the newest first."""
    from headstart.cli.summaries import summary_parts
    from headstart.report import list_runs

    if not folder.is_dir():
        raise InputError("there is no such folder of runs", got=folder, fix="headstart runs list FOLDER")
    found = list_runs(folder)
    give({"runs": found}, lambda: summary_parts(folder, found), as_json=as_json)
