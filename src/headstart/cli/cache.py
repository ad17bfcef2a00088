"""The verbs of the store: how much the kept activations take, and how to make room."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from headstart.base.sizes import bytes_in
from headstart.cli import words
from headstart.cli.show import facts, in_bytes, in_seconds, plain, table
from headstart.cli.words import give

if TYPE_CHECKING:
    from headstart.activations.store import Usage

cache = typer.Typer(help="What the frozen networks said, kept so that it is never computed twice.", no_args_is_help=True)


@cache.command()
def show(as_json: words.Json = False) -> None:
    """Show what is kept, for which network and cut, and when it was last used."""
    from headstart import activations
    from headstart.backbone.engines.conversions import converted_bytes
    from headstart.data.unneeded import unpacked_bytes

    usage, beside = activations.usage(), {"unpacked_bytes": unpacked_bytes(), "converted_bytes": converted_bytes()}
    give({**plain(usage), **beside}, lambda: usage_parts(usage, **beside), as_json=as_json)


@cache.command()
def prune(
    to: Annotated[str | None, typer.Option("--to", metavar="SIZE", help="Keep at most this much: 0, 500MB, 2GB. The store's own limit when not given.")] = None,
    as_json: words.Json = False,
) -> None:
    """Free disk space: unpacked archives and tables, converted networks, then activations, the oldest first; whatever is needed again is made again."""
    from headstart import activations

    limit = None if to is None else bytes_in(to, option="--to", fix="headstart cache prune --to 2GB")
    freed = activations.prune(limit)
    give({"freed_bytes": freed, "limit_bytes": limit}, lambda: [f"freed {in_bytes(freed)}"], as_json=as_json)


def usage_parts(usage: Usage, unpacked_bytes: int, converted_bytes: int) -> list[RenderableType]:
    """The store's size, then a line for each network and cut."""
    total = [
        ("kept", in_bytes(usage.bytes)),
        ("items", f"{usage.items:,}"),
        ("limit", in_bytes(usage.limit)),
        ("unpacked archives and tables", in_bytes(unpacked_bytes)),
        ("networks converted for OpenVINO", in_bytes(converted_bytes)),
        ("folder", usage.folder),
    ]
    rows = [(stage.label, f"{stage.items:,}", in_bytes(stage.bytes), ago(stage.last_used)) for stage in usage.stages]
    columns = ["network · cut · engine", "items", "size", "last used"]
    return [facts("Activations", total), *([table("", columns, rows, numbers=columns[1:])] if rows else [])]


def ago(moment: float) -> str:
    """How long ago a moment (seconds since 1970) was.

    Example:
        >>> ago(time.time() - 7_300)
        '2 hours ago'
    """
    seconds = max(0.0, time.time() - moment)
    for name, span in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 2 * span:
            return f"{seconds / span:.0f} {name} ago"
    return f"{in_seconds(seconds)} ago"
