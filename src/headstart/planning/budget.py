"""Wall-clock time: how much is left of what the user gave, and what each part of a study may take of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from headstart.base.errors import InputError
from headstart.base.journal import Journal

CANDIDATES_SHARE = 0.35  # of what is left after reading, for the forward passes: evidence about models is what everything else rests on
RACE_SHARE = 0.4  # of what is left after that, with twins: the scratch twin then has at least as long as the transfer arm had
RACE_ALONE_SHARE = 0.9
VIEWS_SHARE = 0.25  # of the race's seconds that varied views may take
UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds_in(words: str) -> float:
    """Read a span of time as people write it.

    Raises:
        InputError: naming what is understood.

    Example:
        >>> seconds_in("120s"), seconds_in("2m"), seconds_in("90"), seconds_in("1.5h")
        (120.0, 120.0, 90.0, 5400.0)
    """
    text = words.strip().lower()
    unit = next((name for name in sorted(UNITS, key=len, reverse=True) if text.endswith(name)), "")
    try:
        seconds = float(text.removesuffix(unit)) * UNITS.get(unit, 1.0)
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds < float("inf"):
        raise InputError("this is no span of time", got=words, allowed=["120s", "2m", "1h"], fix="--budget 120s")
    return seconds


@dataclass(frozen=True)
class Budget:
    """The seconds that the user gave, and when they began; without any, there is always enough.

    Attributes:
        seconds: In all; None for no limit.
        started: Reading of ``time.perf_counter`` when they began.
    """

    seconds: float | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def left(self) -> float:
        """Seconds that are left, infinity without a limit."""
        return float("inf") if self.seconds is None else self.seconds - (time.perf_counter() - self.started)

    def until(self, share: float) -> Budget:
        """A smaller budget: a share of what is left now."""
        return self if self.seconds is None else Budget(max(0.0, self.left * share))

    def less(self, seconds: float) -> Budget:
        """The same, with some seconds set aside for what comes at the end."""
        return self if self.seconds is None else Budget(self.seconds - seconds, self.started)


NO_HURRY = Budget()


def kept(budget: Budget, journal: Journal, key: str) -> Budget:
    """A part of a budget as it was allotted when the run first came by, with what has been used of it since."""
    return budget if budget.seconds is None else Budget(journal.recall(key, lambda: budget.seconds), journal.instant(key))


def race_share(budget: Budget, n_races: int, number: int, *, twins: bool) -> float | None:
    """Seconds that race ``number`` of several may take, counted from 1; None without a limit.

    What is left before a race is parted so that all races together take their share, whatever the ones before it took.
    """
    if budget.seconds is None:
        return None
    share = RACE_SHARE if twins else RACE_ALONE_SHARE
    return max(0.0, budget.left) * share / (n_races - share * (number - 1))
