"""Stages in, their wall-clock seconds out; of a run that was interrupted, without the time in which it did not exist."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headstart.base.journal import Journal
from headstart.study.forecast import Forecast


@dataclass
class Clock:
    """Adds up wall-clock seconds by stage."""

    journal: Journal
    forecast: Forecast | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time one stage."""
        begun = self.journal.instant(f"stage {name}")
        if self.forecast is not None:
            self.forecast.enters(name)
        yield
        took = self.journal.recall(f"stage {name} took", lambda: time.perf_counter() - begun)
        self.seconds[name] = self.seconds.get(name, 0.0) + took
        if self.forecast is not None:
            self.forecast.leaves(name, took)

    @property
    def so_far(self) -> dict[str, float]:
        """Seconds by stage, and in all since the start."""
        return {name: round(value, 3) for name, value in {**self.seconds, "total": self.journal.seconds}.items()}
