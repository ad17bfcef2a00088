"""Progress for people: events in, one bar a stage with the time left on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from headstart.base.events import Event, Sink
from headstart.cli.show import in_bytes, in_seconds

SECONDS_BETWEEN_LINES = 10.0  # in a log file: often enough to see it lives, seldom enough to read
SECONDS_BETWEEN_FORECASTS = 30.0
WHOLE = "The whole run"
BAR_WIDTH = 20
NAMES = {
    "read": "Reading the data",
    "fetch": "Fetching",
    "convert": "Converting the weights",
    "activations": "Frozen part",
    "describe": "Features of the plain model",
    "tune": "Fine-tuning",
    "scratch": "Twin from scratch",
    "predict": "Predicting",
    "evaluate": "Evaluating",
}


@contextmanager
def watching(console: Console) -> Iterator[Sink]:
    """Yield a sink that shows a person what happens; however the block ends, the terminal is left clean."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=BAR_WIDTH),
        TextColumn("{task.fields[counted]}", table_column=Column(no_wrap=True)),
        Clock(table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        yield Bars(progress)


def title(stage: str) -> str:
    """A stage's name as a person reads it; what stands after a colon (a model's name) is kept."""
    name, colon, rest = stage.partition(":")
    return f"{NAMES.get(name.strip(), name.strip().capitalize())}{': ' if colon else ''}{rest.strip()}"


def counted(event: Event) -> str:
    """Units done of units in all: ``240/800 pictures``."""
    if event.unit == "bytes":
        return " of ".join(in_bytes(count) for count in (event.done, event.total) if count)
    total, whole = f"/{event.total:,}" if event.total else "", event.total or event.done
    unit = event.unit[:-1] if whole == 1 and event.unit[1:].endswith("s") else event.unit  # of a second, s, nothing is left out
    return f"{event.done:,}{total} {unit}".strip() if whole else ""


class Clock(ProgressColumn):
    """The time left, where it can be known; else the time spent."""

    def render(self, task: Task) -> Text:
        """What the clock says of one stage, or of the whole run."""
        if "left" in task.fields:
            return Text(f"about {in_seconds(task.fields['left'])} left", style="cyan")
        if task.time_remaining is not None:
            return Text(f"{in_seconds(task.time_remaining)} left", style="cyan")
        return Text(in_seconds(task.elapsed or 0.0), style="dim")


@dataclass
class Bars:
    """One bar for each stage under way; a stage that ends leaves one line, unless it was part of another."""

    progress: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)
    whole: TaskID | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __call__(self, event: Event) -> None:
        """Show one event; safe from several threads."""
        with self.lock:
            if event.kind == "note":
                self.progress.console.print(f"  {event.text}", markup=False)
            elif event.kind == "forecast":
                self.forecast(event)
            elif event.kind == "end":
                self.end(event)
            else:
                self.move(event)

    def move(self, event: Event) -> None:
        """Make or move the stage's bar."""
        if event.stage not in self.tasks:
            self.tasks[event.stage] = self.progress.add_task(escape(title(event.stage)), total=event.total, counted=counted(event))
        self.progress.update(self.tasks[event.stage], completed=event.done, total=event.total, counted=counted(event))

    def forecast(self, event: Event) -> None:
        """Make or move the bar of the whole run, the first one made and so the uppermost."""
        at, total = float(event.data["at"]), float(event.data["total"])
        if self.whole is None:
            self.whole = self.progress.add_task(WHOLE, total=total, counted="", left=event.seconds)
        self.progress.update(self.whole, completed=at, total=total, left=event.seconds)

    def end(self, event: Event) -> None:
        """Replace the stage's bar by a line."""
        number = self.tasks.pop(event.stage, None)
        if number is not None:
            self.progress.remove_task(number)
            self.progress.refresh()  # else the line below is printed above the bar that has just gone
        if not self.tasks:
            self.progress.console.print(f"[green]✓[/] {escape(title(event.stage))} [dim]{in_seconds(event.seconds)}[/]")


@dataclass
class Lines:
    """Plain lines for a log file: a stage's start and end, and every ten seconds how far it is; of stages within a stage only the latter."""

    console: Console
    started: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __call__(self, event: Event) -> None:
        """Print a line when there is something new to say; safe from several threads."""
        with self.lock:
            line = self.line(event, time.monotonic())
            if line:
                self.console.print(line, markup=False, soft_wrap=True)

    def line(self, event: Event, now: float) -> str:
        """The line for an event, or nothing."""
        name = title(event.stage)
        if event.kind == "note":
            return event.text
        if event.kind == "forecast":
            if now - self.told.setdefault(WHOLE, now - SECONDS_BETWEEN_FORECASTS) < SECONDS_BETWEEN_FORECASTS:
                return ""
            self.told[WHOLE] = now
            return f"about {in_seconds(event.seconds)} left in all"
        if event.kind == "end":
            self.started.pop(event.stage, None)
            return "" if self.started else f"{name}: done in {in_seconds(event.seconds)}"
        if event.kind == "start":
            within = bool(self.started)
            self.started[event.stage] = self.told[event.stage] = now
            return "" if within else f"{name}{': ' + counted(event).removeprefix('0/') if counted(event) else ''} ..."
        if now - self.told.setdefault(event.stage, now) < SECONDS_BETWEEN_LINES:
            return ""
        self.told[event.stage] = now
        return f"{name}: {counted(event)}{self.left(event, now)}"

    def left(self, event: Event, now: float) -> str:
        """The time left if the rest goes as fast as what is done."""
        if not event.total or not event.done:
            return ""
        spent = now - self.started.get(event.stage, now)
        return f", about {in_seconds(spent * (event.total - event.done) / event.done)} left"
