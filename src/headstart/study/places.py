"""Where a new run goes: a folder's name from the data's name and the day, and the refusal to write over what exists."""

from __future__ import annotations

import re
import shlex
from datetime import date
from itertools import count
from pathlib import Path

from headstart.base.errors import InputError
from headstart.training.run import ASKED, MANIFEST, unfinished

RUNS = Path("runs")


def new_run(data: Path, runs: Path = RUNS, day: date | None = None) -> Path:
    """The first free ``runs/NAME-date-N``; nothing is created yet.

    Example:
        >>> new_run(Path("my flowers/"), Path("nowhere"), date(2026, 3, 1)).as_posix()
        'nowhere/my-flowers-2026-03-01-1'
    """
    name = re.sub(r"[^\w.-]+", "-", data.absolute().resolve().name).strip("-.") or "data"
    stem = f"{name.removesuffix('.csv').removesuffix('.parquet')}-{(day or date.today()).isoformat()}"  # noqa: DTZ011 - the user's own day
    return next(folder for number in count(1) if not (folder := runs / f"{stem}-{number}").exists())


def free_run(out: str | Path) -> Path:
    """Refuse a folder that holds a finished run, one that can go on, or something else; an empty one may be used.

    Raises:
        InputError: naming what is there.
    """
    if not str(out).strip():  # as a path it would be the folder that one stands in
        raise InputError("--out is empty; a variable of the shell may be unset", fix=f"--out {RUNS}/NAME, or leave it out")
    out = Path(out)
    other = f"--out {shlex.quote(f'{out}-2' if out.name else f'{RUNS}/NAME')}"
    if out.exists() and not out.is_dir():
        raise InputError("--out is a file, a run needs a folder", got=out, fix=other)
    if (out / ASKED).is_file() and not (out / MANIFEST).is_file():
        raise unfinished(out)
    if out.is_dir() and any(out.iterdir()):
        what = "a finished run" if (out / MANIFEST).is_file() else "other files"
        raise InputError(f"the folder given with --out holds {what}; nothing is written over", got=out, fix=other)
    return out
