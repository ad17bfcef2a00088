"""The content-addressed store of what a frozen prefix said, and the one forward pass that fills it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.activations.store import Usage


def usage() -> Usage:
    """What the store holds, stage by stage."""
    from headstart.activations.store import Store

    return Store().usage()


def prune(limit_bytes: int | None = None) -> int:
    """Remove the least recently used shards until the store fits; return the bytes freed."""
    from headstart.activations.store import Store

    return Store().prune(limit_bytes)
