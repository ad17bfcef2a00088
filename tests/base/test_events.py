"""Events: a stage begins, says how far it is, and ends with its seconds; an error leaves it open."""

from __future__ import annotations

import pytest

from headstart.base.events import Event, silence, stage, tee


def test_a_stage_announces_begin_progress_and_end_in_order() -> None:
    heard: list[Event] = []
    with stage(heard.append, "read", 3, "pictures") as advance:
        advance(1)
        advance(3)
    assert [(event.kind, event.done) for event in heard] == [("start", 0), ("progress", 1), ("progress", 3), ("end", 0)]
    assert {event.stage for event in heard} == {"read"} and heard[1].unit == "pictures" and heard[1].total == 3
    assert heard[-1].seconds > 0


def test_a_stage_that_failed_is_not_said_to_have_ended() -> None:
    heard: list[Event] = []
    with pytest.raises(ZeroDivisionError), stage(heard.append, "read"):
        raise ZeroDivisionError
    assert [event.kind for event in heard] == ["start"]


def test_every_sink_hears_every_event_in_turn() -> None:
    first, second = [], []
    send = tee(first.append, silence, second.append)
    for text in ("a", "b"):
        send(Event("note", "x", text=text))
    assert first == second and [event.text for event in first] == ["a", "b"]
