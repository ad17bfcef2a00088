"""The verbs of the store: how much the kept activations take, and how to make room."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer
from rich.console import RenderableType

from headstart.base.errors import InputError
from headstart.cli import words
from headstart.cli.show import facts, in_bytes, in_seconds, table
from headstart.cli.words import give

cache = typer.Typer(help="What the frozen networks said, kept so that it is never computed twice.", no_args_is_help=True)
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@cache.command()
def show(as_json: words.Json = False) -> None:
    """Show what is kept, for which network and cut, and when it was last used."""
    from headstart import activations

    usage = activations.usage()
    give(usage, lambda: usage_parts(usage), as_json=as_json)


@cache.command()
def prune(
    to: Annotated[str, typer.Option("--to", metavar="SIZE", help="Keep at most this much, the least recently used goes first: 0, 500MB, 2GB.")] = "0",
    as_json: words.Json = False,
) -> None:
    """Free disk space; whatever is needed again will be computed again."""
    from headstart import activations

    limit = size(to)
    freed = activations.prune(limit)
    give({"freed_bytes": freed, "limit_bytes": limit}, lambda: [f"freed {in_bytes(freed)}"], as_json=as_json)


def size(text: str) -> int:
    """Bytes from words.

    Example:
        >>> size("1.5 GB"), size("0")
        (1500000000, 0)

    Raises:
        InputError: when it is not a number with a unit.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in UNITS:
        raise InputError("--to is not a size", got=text, allowed=["0", "500MB", "2GB"], fix="headstart cache prune --to 2GB")
    return int(float(match[1]) * UNITS[match[2].upper()])


def usage_parts(usage: object) -> list[RenderableType]:
    """The store's size, then a line for each network and cut."""
    stages = getattr(usage, "stages", ())
    limit = getattr(usage, "limit", None)
    rows = [(stage[0], f"{stage[1]:,}", in_bytes(stage[2]), ago(stage[3])) for stage in map(tuple, stages)]
    total = [("kept", in_bytes(getattr(usage, "bytes", 0))), ("items", f"{getattr(usage, 'items', 0):,}"), ("limit", in_bytes(limit) if limit else "none")]
    parts = [facts("Activations", total)]
    return [*parts, table("", ["network up to the cut", "items", "size", "last used"], rows, numbers=["items", "size", "last used"])] if rows else parts


def ago(moment: float) -> str:
    """How long ago a moment (seconds since 1970) was."""
    seconds = max(0.0, time.time() - moment)
    days = seconds / 86_400
    return f"{days:.0f} days ago" if days >= 2 else f"{seconds / 3600:.0f} h ago" if seconds > 7200 else f"{in_seconds(seconds)} ago"
