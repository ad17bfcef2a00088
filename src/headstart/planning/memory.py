"""Memory: how much of what the user gave is left, and what each part of a study may take of it.

The limit is on what the process holds, as the system counts it. Nothing can take it back once it is exceeded, so every decision looks at what is held
now and at what the next step is expected to need: which models compete, how many items there are, how many go through a network at once while it trains,
which cuts race, how much of the store and of the prepared items is kept at hand. The numbers below were measured (LOG.md; ``benchmarks/memory.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from headstart.base.errors import InputError
from headstart.base.resident import give_back, hold_little, hold_on, resident_bytes
from headstart.base.sizes import bytes_in, megabytes

LIBRARIES_BYTES = 550 * 10**6  # torch, transformers, OpenVINO and one small network, before anything is computed
LEAST_BYTES = 800 * 10**6  # with the smallest model, one round of training on a few items at once, and the report's figures
ADVISED_BYTES = 1200 * 10**6  # to who asked for less than that: small networks and a few hundred items pass (mobilenet_v2, 160 pictures: 1,050 MB)
SAFE_SHARE = 0.95  # of the limit that is planned with: an estimate may be a little too low
SPARE_BYTES = 60 * 10**6  # what Python, the events and the figures take beside what is reckoned with
STORE_BYTES = 32 << 20  # of mapped activations that stay looked at
SHARD_BYTES = 8 << 20  # of new activations that wait to be written; a shard is held three times while it is
STEP_BYTES = 50 * 10**6  # in which a limit is advised
PIXELS_SHARE = 0.25  # of what is left that prepared items may take
WEIGHTS_SHARE = 0.1
OPEN_TIMES = 3  # times a network's weights: itself, the copy that is converted, and what is compiled of it
OPEN_BYTES = 40 * 10**6  # beside the weights: the race of engines on eight items, and the converter
TAP_BYTES = 16  # a number that crosses a cut: as the engine gives it, copied, narrowed, and put together into a shard
ITEM_BYTES = 20_000  # beside its features: its name, its place in tables, its answers by every arm
FEATURE_TIMES = 7  # times an item's features in single precision: standardised, multiplied, and in the probe's folds
TRAIN_TIMES = 6  # times what trains: a copy, gradients, two moments, the best so far, and what a piece that is kept for a kill takes beyond a step's items
LEAST_AT_ONCE = 4  # items: batch normalisation from fewer is noise
WORKING = 1.1  # times what a training step saves for its way back: what it computes on the way


@dataclass(frozen=True)
class Memory:
    """The bytes that the user gave; without any, there is always enough.

    Attributes:
        limit_bytes: That this process may hold; None for no limit.
    """

    limit_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse what not even the libraries fit into.

        Raises:
            InputError: naming the least that works.
        """
        if self.limit_bytes is not None and self.limit_bytes < LEAST_BYTES:
            details = [f"the libraries alone take {megabytes(LIBRARIES_BYTES)}; the smallest of models begins to fit at {megabytes(LEAST_BYTES)}"]
            fix = f"--memory {ADVISED_BYTES // 10**6}MB, or leave it out"
            raise InputError("so little memory does not hold a fit", got=megabytes(self.limit_bytes), details=details, fix=fix)

    @property
    def is_limited(self) -> bool:
        """Did the user give a limit?"""
        return self.limit_bytes is not None

    @property
    def left(self) -> float:
        """Bytes that may still be taken, infinity without a limit."""
        if self.limit_bytes is None:
            return float("inf")
        give_back()
        return max(0.0, SAFE_SHARE * self.limit_bytes - SPARE_BYTES - resident_bytes())

    @property
    def pixels_bytes(self) -> float:
        """What prepared items may take."""
        return PIXELS_SHARE * self.left

    @property
    def weights_bytes(self) -> float:
        """What trained weights that wait for one another may take in a race: a share of the limit itself, so that it is the same at every resume."""
        return float("inf") if self.limit_bytes is None else WEIGHTS_SHARE * self.limit_bytes

    @property
    def store(self) -> dict[str, Any]:
        """How the store is held: nothing said without a limit."""
        return {"resident_bytes": STORE_BYTES, "shard_bytes": SHARD_BYTES} if self.is_limited else {}

    def begin(self) -> None:
        """Make the allocator return what is freed where there is a limit, and keep it for the next step where there is none."""
        if self.is_limited:
            hold_little()
        else:
            hold_on()

    def lacks(self, needed: float, what: str, *, later: float | None = 0.0) -> str:
        """Why something does not fit, and the limit that would do; empty where it fits.

        Args:
            needed: Bytes.
            what: Needs them.
            later: Bytes that the steps behind it need beside it: the advice counts them too. None where nobody can know them yet.

        Example:
            >>> Memory().lacks(1e12, "to open it")
            ''
        """
        left = self.left
        if needed <= left:
            return ""
        advised = self._holding(needed + (later or 0.0))
        advice = f"{advised} would do" if later is not None else f"{advised} at least, and more for what comes after that"
        return f"--memory: {megabytes(left)} are left, {what} takes about {megabytes(needed)}; {advice}"

    def _holding(self, needed: float) -> str:
        """The limit under which so many bytes could be taken now."""
        missing = max(0.0, needed - self.left)
        return f"--memory {math.ceil((float(self.limit_bytes or 0) + missing / SAFE_SHARE) / STEP_BYTES) * STEP_BYTES // 10**6}MB"


NO_LIMIT = Memory()


def memory_in(words: str) -> int:
    """Read what follows ``--memory``.

    Example:
        >>> memory_in("2GB")
        2000000000
    """
    return bytes_in(words, option="--memory", fix="--memory 2GB")


def opening_bytes(weights_bytes: float, batch_bytes: float) -> float:
    """What opening a network takes, and its frozen pass.

    Args:
        weights_bytes: Of its parameters in single precision.
        batch_bytes: Of what it computes for a batch of the pass at its widest place, and of what is taken from it at the cuts.
    """
    return OPEN_BYTES + OPEN_TIMES * weights_bytes + batch_bytes


def item_bytes(width: int) -> float:
    """What one more item takes, by the number of its features."""
    return ITEM_BYTES + FEATURE_TIMES * 4.0 * width


def at_once(left: float, fixed: float, each: float, most: int) -> int:
    """How many items may train at once: all of a batch, or the largest power of two that fits; 0 when too few would.

    Args:
        left: Bytes that may be taken.
        fixed: Bytes for what trains, whatever the number.
        each: Bytes an item.
        most: Items of a batch.

    Example:
        >>> at_once(1000, 200, 50, 32), at_once(1000, 200, 20, 32), at_once(300, 200, 50, 32)
        (16, 32, 0)
    """
    items = most
    while items >= max(1, min(LEAST_AT_ONCE, most)):
        if fixed + each * items <= left:
            return items
        items = 1 << (items - 1).bit_length() - 1 if items > 1 else 0
    return 0
