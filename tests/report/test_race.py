"""The race as the page shows it: entrants grouped, winners first, cuts and settings in words, a wall of entrants thinned out."""

import re
from typing import Any

import pytest

from headstart.report.race import cut_text, race, setting_words


def entrant(cut: str, n_blocks: int | None, score: float, outcome: str, n_folds: int = 1, **settings: float) -> dict[str, Any]:
    span = {"score": score, "low": score - 0.02, "high": score + 0.02}
    return {
        "title": "Net",
        "cut": cut,
        "n_blocks": n_blocks,
        "n_folds": n_folds,
        "outcome": outcome,
        "chosen": outcome == "won",
        "settings": settings,
        **span,
    }


def shown(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    page = race({"rows": list(rows), "folds": 5, **more})
    assert page is not None
    return page


def test_without_entrants_there_was_no_race() -> None:
    assert [race(found) for found in ({}, {"rows": []}, {"rows": {"a": 1}})] == [None] * 3


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"cut": "head"}, "new head only"),
        ({"cut": "blocks.6", "n_blocks": 1}, "last block"),
        ({"cut": "blocks.5", "n_blocks": 2}, "last 2 blocks"),
        ({"cut": "conv_stem", "n_blocks": None}, "everything"),
        ({"cut": "blocks.4"}, "from blocks.4"),
        ({}, "everything"),
    ],
)
def test_a_cut_is_said_in_words(row: dict[str, Any], text: str) -> None:
    assert cut_text(row) == text


def test_settings_that_are_not_used_are_not_said() -> None:
    assert setting_words({"learning_rate": 0.00002, "dropout": 0.0, "rate_decay": 1.0, "views": 4, "schedule": "cosine", "odd": None}) == (
        "rate 2e−5, views 4, schedule cosine"
    )
    assert setting_words({}) == ""


def test_the_group_of_the_winner_stands_first_and_the_winner_first_in_it() -> None:
    page = shown(
        entrant("head", 0, 0.9, "dropped after fold 1"),
        entrant("blocks.6", 1, 0.8, "finalist", 5),
        entrant("blocks.6", 1, 0.82, "won", 5),
        entrant("head", 0, 0.7, "dropped after fold 2", 2),
    )
    assert [(row["cut"], row["outcome"]) for row in page["rows"]] == [
        ("last block", "won"),
        ("last block", "finalist"),
        ("new head only", "dropped after fold 2"),
        ("new head only", "dropped after fold 1"),
    ]


def test_what_was_not_tried_is_told_apart_with_its_reason() -> None:
    page = shown(entrant("head", 0, 0.9, "won", 5), {"title": "Net", "cut": "all", "n_blocks": None, "outcome": "not tried: needs 120 s, 30 s were left"})
    assert [row["reason"] for row in page["not_tried"]] == ["needs 120 s, 30 s were left"]
    assert len(page["rows"]) == 1
    assert page["summary"] == "1 entrant over 1 network and 1 cut, up to 5 folds each."


def test_an_entrant_that_had_no_more_time_is_not_drawn_as_one_that_was_dropped() -> None:
    dropped, stopped = (
        shown(entrant("head", 0, 0.9, "won", 5), entrant("head", 0, 0.8, outcome)) for outcome in ("dropped after fold 1", "out of time after fold 1")
    )
    assert str(dropped["figure"]) != str(stopped["figure"]) and (dropped["any_stopped"], stopped["any_stopped"]) == (False, True)


def test_networks_and_cuts_are_counted_each_by_itself() -> None:
    page = shown(entrant("head", 0, 0.9, "won"), entrant("blocks.6", 1, 0.8, "finalist"), entrant("blocks.6", 1, 0.7, "finalist"), folds=1)
    assert page["summary"] == "3 entrants over 1 network and 2 cuts, up to 1 fold each."


def test_a_group_shows_only_the_settings_in_which_its_entrants_differ() -> None:
    page = shown(
        entrant("blocks.6", 1, 0.9, "won", 5, learning_rate=0.001, dropout=0.1),
        entrant("blocks.6", 1, 0.8, "dropped after fold 1", learning_rate=0.01, dropout=0.1),
    )
    texts = re.findall(r">([^<>]+)</text>", str(page["figure"]))
    assert {"rate 0.001", "rate 0.01"} <= set(texts)
    assert not [text for text in texts if "dropout" in text]
    assert page["rows"][0]["settings"] == "rate 0.001, dropout 0.1"


def test_many_entrants_are_thinned_out_in_the_figure_only() -> None:
    rows = [entrant("head", 0, 0.5 + n / 200, "dropped after fold 1", penalty=float(n + 1)) for n in range(60)]
    page = shown(entrant("blocks.6", 1, 0.4, "won", 5), *rows)
    assert (page["n_hidden"], len(page["rows"])) == (37, 61)
    assert "last block" in str(page["figure"])


def test_an_entrant_far_behind_is_an_arrow_so_that_the_finalists_can_be_told_apart() -> None:
    page = shown(entrant("head", 0, 0.12, "dropped after fold 1"), entrant("head", 0, 0.9, "won", 5), entrant("head", 0, 0.89, "finalist", 5))
    assert ">12</text>" in str(page["figure"])
    level = shown(entrant("head", 0, 0.873, "dropped after fold 1"), entrant("head", 0, 0.9, "won", 5))
    assert ">87.3</text>" not in str(level["figure"])
