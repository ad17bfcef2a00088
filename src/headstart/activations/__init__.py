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
    """Make room: unpacked archives and converted networks go first, for they are soon made again, then the least recently used shards.

    Args:
        limit_bytes: What all of them together may take afterwards; the store's own limit when not given.

    Returns:
        The bytes freed.
    """
    from headstart.activations.store import Store
    from headstart.backbone.engines.conversions import KEPT_BYTES, converted_bytes, prune_converted
    from headstart.data.unneeded import prune_unpacked, unpacked_bytes

    store = Store()
    limit = store.limit_bytes if limit_bytes is None else limit_bytes
    freed = prune_unpacked(max(0, limit - store.usage().bytes - converted_bytes()))
    freed += prune_converted(max(0, min(KEPT_BYTES, limit - store.usage().bytes - unpacked_bytes())))
    return freed + store.prune(max(0, limit - unpacked_bytes() - converted_bytes()))
