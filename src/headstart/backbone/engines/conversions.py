"""Networks that OpenVINO has converted, kept as files: how much they take, and the least recently used ones out; they are converted again when needed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from headstart.base.folders import measured

KEPT_BYTES = 2 << 30  # more than that goes by itself when another network is converted
IN_USE_SECONDS = 600.0  # files used since then stay: another process may be about to read them
STALE_SECONDS = 3600.0  # a file still being written is younger than that
DESCRIPTION, WEIGHTS = ".xml", ".bin"


def used(description: Path) -> None:
    """Say that a converted network is needed now."""
    for path in (description, description.with_suffix(WEIGHTS)):
        try:
            os.utime(path)
        except OSError:
            continue  # a read-only folder: only the order of pruning suffers


def converted_bytes() -> int:
    """What converted networks take on the disk."""
    return sum(size for _, size, _ in _kept()) + sum(size for _, size, _ in _half_written())


def prune_converted(limit_bytes: int = KEPT_BYTES) -> int:
    """Remove the converted networks that were used the longest ago until the others fit into a limit, and what a kill left half-written.

    Networks that were used in the last ten minutes stay, and files that were written in the last hour.

    Returns:
        The bytes freed.
    """
    found, freed = sorted(_kept()), _sweep_half_written()
    excess = sum(size for _, size, _ in found) - limit_bytes
    for last_used, size, description in found:
        if excess <= 0 or time.time() - last_used < IN_USE_SECONDS:
            break
        description.unlink(missing_ok=True)  # first: weights without a description are as good as none
        description.with_suffix(WEIGHTS).unlink(missing_ok=True)
        freed, excess = freed + size, excess - size
    return freed


def _sweep_half_written() -> int:
    stale = [(path, size) for at, size, path in _half_written() if time.time() - at > STALE_SECONDS]
    for path, _ in stale:
        path.unlink(missing_ok=True)
    return sum(size for _, size in stale)


def _half_written() -> list[tuple[float, int, Path]]:
    """Of files that a process is writing, or was when it was killed: when, bytes, path."""
    found = []
    for path in (path for ending in (DESCRIPTION, WEIGHTS) for path in measured().glob(f".*{ending}")):
        try:
            found.append((path.stat().st_mtime, path.stat().st_size, path))
        except FileNotFoundError:
            continue  # it is finished now
    return found


def _kept() -> list[tuple[float, int, Path]]:
    """When each was last used, its bytes, its description."""
    kept = []
    for path in measured().glob(f"[!.]*{WEIGHTS}"):
        try:
            stat, description = path.stat(), path.with_suffix(DESCRIPTION)
            kept.append((stat.st_mtime, stat.st_size + (description.stat().st_size if description.exists() else 0), description))
        except FileNotFoundError:
            continue  # another process prunes
    return kept
