"""The library's verbs stand beside the stages of the same name."""

from __future__ import annotations

import importlib

import headstart


def test_importing_the_stage_does_not_hide_the_verb_of_its_name() -> None:
    stage = importlib.import_module("headstart.report")
    assert callable(headstart.report) and hasattr(stage, "write_report")


def test_every_verb_takes_what_the_command_line_offers() -> None:
    assert set(headstart.__all__) == {"demo", "evaluate", "fit", "inspect", "keyword", "plan", "predict", "rank", "report", "resume"}
