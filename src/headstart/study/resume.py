"""A run folder that was left unfinished in, the finished run out: the same way walked again, with what was decided and computed taken as it was.

What follows from data, seed and recorded values comes out bit for bit as it would have: the journal holds what the clock decided, the store the
activations, ``work`` the trainings that ended and the state of the one that was under way. The time in which the run did not exist is not counted.
"""

from __future__ import annotations

import time
from pathlib import Path

from headstart.base.events import Event, Sink, silence, tee
from headstart.base.journal import reopen
from headstart.study.asked import recorded
from headstart.study.fit import Run, Study
from headstart.study.keyword import TASK, Result, teach
from headstart.training.keeping import keeping
from headstart.training.run import RunWriter


def resume(folder: Path, data: Path | None = None, *, sink: Sink = silence, started: float | None = None) -> Run | Result:
    """Finish a run that was interrupted.

    Args:
        folder: The run folder.
        data: Where its data was moved to; where it was when not given. It must be the same in every item.
        sink: Hears of damage, and of how much of a budget is left.
        started: Reading of ``time.perf_counter`` from which a budget counts on; now when not given.

    Raises:
        InputError: when there is nothing to resume, another process is at work on it, or data, models, versions or machine are others than they were.
        IntegrityError: when what was asked is damaged.
    """
    asked = recorded(folder) if data is None else recorded(folder).moved(data)
    asked.check(folder)
    with RunWriter(folder, again=True) as run:
        heard = tee(sink, run.record)
        begins = time.perf_counter() if started is None else started
        journal = reopen(folder, begins, heard)
        heard(Event("note", "resume", text=_said(begins - journal.book.started, journal.seconds, asked.wishes.budget_seconds)))
        kept = keeping(journal, folder, heard)
        return teach(asked, run, kept, heard) if asked.task == TASK else Study(asked, heard, kept, run.folder).flow(run)


def _said(worked: float, spent: float, budget: float | None) -> str:
    """How long the run had worked when it stopped; of a budget, the start of this process is spent too."""
    text = f"resumed after {worked:.0f} s of work"
    return text if budget is None else f"{text}; of the budget of {budget:.0f} s, {max(0.0, budget - spent):.0f} s are left"
