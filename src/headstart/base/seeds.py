"""Seeds derived from (seed, purpose): adding a draw for one purpose never moves the numbers of another."""

from __future__ import annotations

import hashlib

SEED_BITS = 63  # torch and numpy both accept a non-negative signed 64-bit seed


def seed_for(seed: int, purpose: str) -> int:
    """Derive the seed of one purpose.

    Example:
        >>> seed_for(0, "split") == seed_for(0, "split"), seed_for(0, "split") == seed_for(0, "order")
        (True, False)
    """
    raw = hashlib.blake2b(f"{seed}:{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(raw, "little") >> (64 - SEED_BITS)
