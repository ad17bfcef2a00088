"""The ranking as the page shows it: the best first, ties and the published pick marked, prices in words, odd files survived."""

from typing import Any

from headstart.report.network import ranking


def row(model: str, value: float, **more: Any) -> dict[str, Any]:
    expected = {"value": value, "low": value - 0.02, "high": value + 0.02, "n": 100}
    return {"model": model, "title": model.upper(), "expected": expected, **more}


def shown(found: dict[str, Any]) -> dict[str, Any]:
    page = ranking(found)
    assert page is not None
    return page


def test_without_rows_there_is_no_ranking() -> None:
    assert [ranking(found) for found in ({}, {"rows": []}, {"rows": "none"}, {"rows": [1]})] == [None] * 4


def test_the_best_stands_first_and_what_has_no_score_last() -> None:
    page = shown({"rows": [row("a", 0.7), {"model": "unmeasured"}, row("b", 0.9)], "pick": "b"})
    assert [one["title"] for one in page["rows"]] == ["B", "A", "unmeasured"]
    assert [one["chosen"] for one in page["rows"]] == [True, False, False]
    assert page["rows"][2]["expected"] == ("–", "")


def test_with_log_loss_the_smallest_stands_first() -> None:
    page = shown({"rows": [row("a", 0.7), row("b", 0.9)], "metric": "log_loss"})
    assert [one["title"] for one in page["rows"]] == ["A", "B"]
    assert page["rows"][0]["expected"] == ("0.700", "0.68 to 0.72")
    assert page["benchmarks"] == []


def test_the_page_says_whether_the_data_changed_the_published_pick() -> None:
    rows = [row("a", 0.9, chosen=True), row("b", 0.8)]
    assert shown({"rows": rows, "prior_pick": "a"})["prior_words"] == "Published accuracy alone would have picked A too: your data confirmed it."
    assert shown({"rows": rows, "prior_pick": "b"})["prior_words"] == "Published accuracy alone would have picked B; your data says A."
    rows[1]["tied"] = True
    assert shown({"rows": rows, "prior_pick": "b"})["prior_words"].endswith("on your data it is tied with A.")
    assert shown({"rows": rows})["prior_words"] == ""


def test_data_that_cannot_tell_or_speaks_for_another_confirmed_nothing() -> None:
    """Found as a bug: "your data confirmed it" stood beside "another probed better by more than chance"."""
    for mark, said in (("tied", "; your data cannot tell it from others."), ("ahead", ", although on your data another probed better by more than chance.")):
        rows = [row("a", 0.9, chosen=True), row("b", 0.8, **{mark: True})]
        assert shown({"rows": rows, "prior_pick": "a"})["prior_words"] == f"Published accuracy alone would have picked A too{said}"


def test_a_single_network_was_compared_with_none() -> None:
    said = shown({"rows": [row("a", 0.9, chosen=True)], "prior_pick": "a"})["prior_words"]
    assert said == "It is the only network that was looked at: nothing was compared."


def test_price_and_time_are_said_in_words() -> None:
    costs = {"bytes": 18_700_000, "n_parameters": 4_652_008, "ms_per_item": 0.03, "price": "free", "licence": "MIT"}
    found = shown({"rows": [row("a", 0.9, **costs), row("b", 0.8, price="5 EUR a month"), row("c", 0.7, ms_per_item=25.2)]})["rows"]
    assert found[0]["costs"] == ["18.7 MB, 4.7 M weights", "under 0.1 ms an item"]
    assert (found[0]["price"], found[0]["licence"]) == ("", "MIT")
    assert (found[1]["price"], found[1]["licence"]) == ("5 EUR a month", "not recorded")
    assert found[2]["costs"] == ["25 ms an item"]


def test_the_figure_tells_its_numbers_to_those_who_cannot_see_it() -> None:
    figure = str(shown({"rows": [row("a", 0.9, chosen=True), row("b", 0.8)]})["figure"])
    assert 'aria-label="Expected of each network. A: 90.0 % (88.0 to 92.0), chosen; B: 80.0 % (78.0 to 82.0)"' in figure


def test_a_published_number_that_is_no_share_is_shown_as_it_is() -> None:
    found = shown({"rows": [row("a", 0.9, prior={"value": 63.2}), row("b", 0.8, prior={"value": 0.751}), row("c", 0.7, prior=None)]})["rows"]
    assert [one["published"] for one in found] == ["63.2", "75.1 %", "–"]
