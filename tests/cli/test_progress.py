"""What a person sees while the work goes on: bars on a terminal, plain lines in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headstart.base.events import Event, stage
from headstart.cli.progress import Lines, counted, title, watching


def lines(*events: Event) -> str:
    told = io.StringIO()
    with watching(Console(file=told, force_terminal=False, width=80)) as sink:
        for event in events:
            sink(event)
    return told.getvalue()


def test_a_log_gets_a_line_at_the_start_and_one_at_the_end() -> None:
    told = lines(Event("start", "read", total=800, unit="pictures"), Event("progress", "read", 400, 800, "pictures"), Event("end", "read", seconds=1.234))
    assert told == "Reading the data: 800 pictures ...\nReading the data: done in 1.2 s\n"


def test_a_log_hears_of_progress_every_ten_seconds_with_the_time_left() -> None:
    log = Lines(Console(file=io.StringIO()))
    log.line(Event("start", "tune", total=100, unit="steps"), now=0.0)
    assert log.line(Event("progress", "tune", 10, 100, "steps"), now=5.0) == ""
    assert log.line(Event("progress", "tune", 25, 100, "steps"), now=11.0) == "Fine-tuning: 25/100 steps, about 33 s left"


def test_one_of_something_is_counted_as_one_and_a_second_keeps_its_unit() -> None:
    told = [
        counted(Event("progress", "predict", done, total, unit)) for done, total, unit in ((0, 1, "texts"), (1, 2, "texts"), (1, 1, "s"), (1, None, "items"))
    ]
    assert told == ["0/1 text", "1/2 texts", "1/1 s", "1 item"]


def test_a_note_is_shown_as_it_is_even_with_brackets() -> None:
    assert lines(Event("note", "read", text="left out: [a].png")) == "left out: [a].png\n"


def test_a_terminal_shows_a_bar_and_keeps_one_line_a_stage() -> None:
    told = io.StringIO()
    with watching(Console(file=told, force_terminal=True, width=80, highlight=False)) as sink, stage(sink, "activations", 2, "pictures") as advance:
        advance(1)
        sink(Event("note", "activations", text="engine: [fast]"))
        advance(2)
    assert "✓ Frozen part" in told.getvalue().replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "engine: [fast]" in told.getvalue()


def test_stages_within_stages_show_a_bar_and_leave_no_line_and_ends_without_a_start_are_shown() -> None:
    told = io.StringIO()
    with watching(Console(file=told, force_terminal=True, width=80, highlight=False)) as sink:
        with stage(sink, "outer"), stage(sink, "inner", 3) as advance:
            advance(1)
        sink(Event("end", "never started", seconds=2.0))
    assert all(name in told.getvalue() for name in ("Outer", "Inner", "Never started"))
    left = [line for line in told.getvalue().splitlines() if "✓" in line]
    assert len(left) == 2 and not any("Inner" in line for line in left)


def test_a_log_names_only_the_outermost_stages() -> None:
    told = io.StringIO()
    with watching(Console(file=told, width=80)) as sink, stage(sink, "outer"), stage(sink, "inner", 3):
        pass
    assert "Outer: done" in told.getvalue() and "Inner" not in told.getvalue()


def test_the_cursor_is_given_back_when_the_work_breaks() -> None:
    told = io.StringIO()
    with pytest.raises(ZeroDivisionError), watching(Console(file=told, force_terminal=True)) as sink, stage(sink, "read", 10):
        raise ZeroDivisionError
    assert told.getvalue().rindex("\x1b[?25h") > told.getvalue().rindex("\x1b[?25l")


@pytest.mark.parametrize(
    ("stage_name", "shown"), [("read", "Reading the data"), ("activations: mobilenet_v2", "Frozen part: mobilenet_v2"), ("new thing", "New thing")]
)
def test_a_stage_has_a_name_for_people(stage_name: str, shown: str) -> None:
    assert title(stage_name) == shown


def forecast(left: float, at: float = 60.0) -> Event:
    return Event("forecast", "run", seconds=left, data={"at": at, "total": at + left, "part": "race"})


def test_a_log_hears_of_the_whole_runs_time_left_every_half_minute() -> None:
    log = Lines(Console(file=io.StringIO()))
    assert log.line(forecast(200), now=0.0) == "about 3 min 20 s left in all"
    assert log.line(forecast(190), now=10.0) == "" and log.line(forecast(165), now=35.0) == "about 2 min 45 s left in all"


def test_a_terminal_shows_one_bar_for_the_whole_run_that_says_what_is_left_and_leaves_no_line() -> None:
    told = io.StringIO()
    with watching(Console(file=told, force_terminal=True, width=100, highlight=False)) as sink:
        for left in (200.0, 100.0):
            sink(forecast(left))
        with stage(sink, "read"):
            sink(forecast(50.0))
    assert "The whole run" in told.getvalue() and "about 50 s left" in told.getvalue()
    assert [line for line in told.getvalue().splitlines() if "✓" in line and "whole run" in line] == []
