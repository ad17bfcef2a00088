"""The command line as a person meets it, in a process of its own."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from tests.cli.conftest import Typed

from headstart.cli.app import cautions
from headstart.evaluation import Measured

VERBS = ["demo", "inspect", "plan", "fit", "predict", "evaluate", "report", "gallery", "cache", "runs"]
LEAVES = ["demo", "inspect", "plan", "fit", "predict", "evaluate", "report", "cache show", "cache prune", "runs list"]
SHELF = ["gallery list", "gallery search", "gallery show", "gallery subscribe", "gallery verify", "gallery remove"]


def test_help_names_every_verb_in_80_columns(typed: Typed) -> None:
    told = typed("--help")
    assert told.returncode == 0 and all(f"│ {verb} " in told.stdout for verb in VERBS)
    assert max(map(len, told.stdout.splitlines())) <= 80


@pytest.mark.parametrize("verb", LEAVES + SHELF)
def test_every_verb_has_help_and_speaks_json(typed: Typed, verb: str) -> None:
    told = typed(*verb.split(), "--help")
    assert told.returncode == 0 and "--json" in told.stdout


def test_no_words_at_all_show_the_help(typed: Typed) -> None:
    told = typed()
    assert told.returncode == 2 and "Commands" in told.stdout + told.stderr


def test_the_version_is_told(typed: Typed) -> None:
    assert typed("--version").stdout.startswith("headstart 0.")


@pytest.mark.parametrize("words", [["fitt", "x"], ["fit"], ["fit", "x", "--effort", "huge"], ["fit", "x", "--seed", "-1"], ["fit", "x", "--nonsense"]])
def test_words_that_are_not_understood_leave_with_2_and_a_fix(typed: Typed, words: list[str]) -> None:
    told = typed(*words)
    assert told.returncode == 2 and told.stderr.startswith("error: ") and "--help" in told.stderr and told.stdout == ""


def test_words_that_are_not_understood_are_one_json_object_too(typed: Typed) -> None:
    assert json.loads(typed("fit", "--json").stdout)["error"]["kind"] == "input"


@pytest.mark.parametrize("verb", ["inspect", "plan", "fit"])
def test_a_path_that_does_not_exist_is_wrong_input(typed: Typed, verb: str) -> None:
    told = typed(verb, "nowhere/")
    assert told.returncode == 2 and "nowhere" in told.stderr and "Traceback" not in told.stderr


def test_an_empty_store_and_no_runs_are_answers_not_errors(typed: Typed, tmp_path: object) -> None:
    assert json.loads(typed("cache", "show", "--json").stdout)["items"] == 0
    assert typed("cache", "prune", "--to", "1GB").returncode == 0
    told = typed("runs", "list")
    assert told.returncode == 2 and "no such folder" in told.stderr


def test_the_gallery_lists_cards_and_suggests_the_name_that_was_meant(typed: Typed) -> None:
    listed = typed("gallery", "list", "--json")
    names = {entry["card"]["name"] for entry in json.loads(listed.stdout)["cards"]}
    assert listed.stderr == "" and {"efficientnet_lite0", "mobilenet_v2"} <= names
    told = typed("gallery", "show", "eficientnet_lite0")
    assert told.returncode == 2 and "did you mean: efficientnet_lite0" in told.stderr


def test_the_gallerys_table_shows_every_name_whole(typed: Typed) -> None:
    told = typed("gallery", "list").stdout
    assert all(name in told for name in ("efficientnet_lite0", "vit_s14_focus", "Apache-2.0"))


def test_a_card_shows_licence_hash_and_how_to_get_it(typed: Typed) -> None:
    told = typed("gallery", "show", "efficientnet_lite0").stdout
    assert all(word in told for word in ("Apache-2.0", "579344248a93e230", "headstart gallery subscribe efficientnet_lite0"))


def test_a_twin_that_learned_nothing_is_said_to_have_learned_nothing() -> None:
    chance, better = Measured(0.5, 0.42, 0.58, 160), Measured(0.7, 0.6, 0.8, 160)
    usual = {"test": better, "majority": chance, "scratch_epochs": 2.0, "scratch_still_improving": True, "scratch_frozen": False, "scratch_rounds": (5, 0)}

    def said(*, budget: bool = False, **changes: object) -> list[str]:
        return list(cautions(SimpleNamespace(**{**usual, **changes}), budget=budget))

    assert said(scratch=chance) == [
        "the twin from scratch reached 2 epochs and was still improving; --effort thorough gives it ten times the time",
        "the twin from scratch did no better than always naming the largest class; the gain over the plain model is the harder test",
    ]
    assert said(scratch=better, scratch_epochs=90.0, scratch_still_improving=False) == said(scratch=None, scratch_epochs=None) == []
    (frozen,) = said(scratch=better, scratch_frozen=True, scratch_rounds=(5, 2), budget=True)
    told = "2 epochs from scratch did no better than a head on random features in 2 of 5 rounds, so that head is the twin there"
    assert frozen == f"{told}; a larger --budget gives it more time"
    (no_time,) = said(scratch=better, scratch_frozen=True, scratch_epochs=0.0, scratch_rounds=(1, 1))
    assert no_time.startswith("there was no time to train from scratch, so a head on random features is the twin; ")
    (some,) = said(scratch=Measured(0.6, 0.3, 0.9, 15), scratch_still_improving=False)
    assert some.startswith("the twin answered 15 of 160 test items")
