"""Events flow one way: the work says what happens to a sink (a progress bar, a file, nothing) and never asks back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: ``start`` and ``end`` of a stage, ``progress`` within it, ``note`` for something a person should read, ``forecast`` of the time that is left.
        stage: The stage's name: ``read``, ``activations``, ``probe``, ``tune``, ``scratch``, ``plain``, ``report``, …
        done: Units done (``progress``).
        total: Units in all (``start``, ``progress``); None when unknown.
        unit: What is counted: ``pictures``, ``steps``.
        text: A sentence (``note``).
        seconds: Wall-clock seconds of the stage (``end``), or that are left of all (``forecast``).
        data: Further plain values, kept in ``events.jsonl``.
    """

    kind: Literal["start", "progress", "end", "note", "forecast"]
    stage: str
    done: int = 0
    total: int | None = None
    unit: str = ""
    text: str = ""
    seconds: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)


Sink = Callable[[Event], None]


def silence(event: Event) -> None:
    """The sink that drops everything."""


def tee(*sinks: Sink) -> Sink:
    """Send every event to several sinks."""

    def send(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return send


@contextmanager
def stage(sink: Sink, name: str, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Announce a stage, yield a function that reports units done so far, and announce the end with its seconds."""
    started = time.perf_counter()
    sink(Event("start", name, total=total, unit=unit))

    def advance(done: int) -> None:
        sink(Event("progress", name, done=done, total=total, unit=unit))

    yield advance
    sink(Event("end", name, seconds=time.perf_counter() - started))
