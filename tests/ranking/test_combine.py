"""Prior and evidence together: little data leans on what was published, much data on what was seen; ties are said to be ties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from headstart import gallery
from headstart.base.records import from_plain, to_plain
from headstart.evaluation.intervals import Measured, measure
from headstart.evaluation.predictions import Predictions
from headstart.gallery.card import Prior
from headstart.ranking.combine import LeftOut, Ranking, Scored, Scores, combine, expect
from headstart.ranking.relatedness import Relatedness

CLASSES = ("no", "yes")
SOURCE = Relatedness("natural images (1,281,167)", 0.4, "near")


def scores(n: int, n_right: int, start: int = 0) -> Scores:
    """A probe that answers ``n_right`` of n items rightly, from the item ``start`` on."""
    right = np.isin(np.arange(n), (start + np.arange(n_right)) % n)
    truth = np.arange(n) % 2
    said = np.where(right, truth, 1 - truth)
    probabilities = np.where(np.arange(2) == said[:, None], 0.9, 0.1)
    predictions = Predictions(tuple(map(str, range(n))), truth, probabilities, CLASSES, np.arange(n))
    return Scores(predictions, measure(predictions), 0.7, 0.1, 0.5)


def scored(name: str, head: Scores, *, published: float | None = None, ms: float = 3.0, middle: Scores | None = None) -> Scored:
    card = gallery.card("efficientnet_lite0")
    prior = None if published is None else Prior(published, "ImageNet-1k top-1", "a paper")
    return Scored(replace(card, name=name, title=name.title(), prior=prior), ms, SOURCE, head, middle, 1.0)


def around(value: float, n: int) -> Measured:
    half = 1.96 * (value * (1 - value) / n) ** 0.5
    return Measured(value, max(0.0, value - half), min(1.0, value + half), n)


def published(*values: float | None) -> list[Prior | None]:
    return [None if value is None else Prior(value, "top-1", "a paper") for value in values]


def test_little_data_leans_on_what_was_published_much_data_on_what_was_seen() -> None:
    few, many = (expect([around(0.75, n), around(0.72, n)], published(0.60, 0.80)) for n in (30, 10_000))
    assert few[0].value < few[1].value and many[0].value > many[1].value
    assert many[0].value == pytest.approx(0.75, abs=0.003)


def test_a_model_about_which_nothing_is_published_is_expected_below_the_others_until_much_data_speaks_for_it() -> None:
    """Of several noisy probes the luckiest is no reason to take a model of which nobody said how good it is."""
    few, many = (expect([around(0.84, n), around(0.80, n), around(0.80, n)], published(None, 0.75, 0.76)) for n in (50, 10_000))
    assert few[0].value < 0.80 and many[0].value == pytest.approx(0.84, abs=0.003)
    equal = expect([around(0.84, 50), around(0.80, 50)], published(None, None))
    assert equal[0].value > equal[1].value > 0.80  # nothing is published of any: only the probes are drawn together


def test_logme_speaks_for_few_items_and_the_probe_for_many() -> None:
    few, many = (expect([around(0.80, n), around(0.78, n), around(0.70, n)], published(0.7, 0.7, 0.7), 1.0, [-0.3, -0.1, -0.4]) for n in (100, 20_000))
    assert few[1].value > few[0].value > few[2].value and many[0].value > many[1].value
    unknown = expect([around(0.80, 100), around(0.78, 100)], published(0.7, 0.7), 1.0, [np.nan, -0.1])
    assert unknown == expect([around(0.80, 100), around(0.78, 100)], published(0.7, 0.7))


def test_one_candidate_alone_is_expected_to_do_what_it_did() -> None:
    alone = around(0.8, 50)
    assert expect([alone], published(0.7)) == [alone]


@given(some.lists(some.tuples(some.floats(0, 1), some.one_of(some.none(), some.floats(0, 1))), min_size=1, max_size=6), some.integers(1, 5000))
def test_every_expectation_is_a_share_within_its_interval_that_is_never_narrower_than_chance(given: list[tuple[float, float | None]], n: int) -> None:
    probes = [measured_share(value, n) for value, _ in given]
    for found, probe in zip(expect(probes, published(*(prior for _, prior in given))), probes, strict=True):
        assert 0 <= found.low <= found.value <= found.high <= 1 and found.n == probe.n


def measured_share(value: float, n: int) -> Measured:
    """Wilson's interval, which never has no width."""
    middle, half = (value + 1.92 / n) / (1 + 3.84 / n), 1.96 * (value * (1 - value) / n + 0.96 / n**2) ** 0.5 / (1 + 3.84 / n)
    return Measured(value, min(value, max(0.0, middle - half)), max(value, min(1.0, middle + half)), n)


def test_the_highest_expected_is_picked_and_equals_are_decided_by_cost() -> None:
    same = scores(100, 80)
    ranking = combine([scored("slow", same, ms=9.0), scored("quick", same, ms=2.0), scored("poor", scores(100, 50), ms=1.0)], "accuracy")
    assert ranking.pick == "quick" and [row.model for row in ranking.rows] == ["quick", "slow", "poor"]
    assert [row.chosen for row in ranking.rows] == [True, False, False]
    assert [row.tied for row in ranking.rows] == [False, True, False]


def test_a_tie_is_decided_item_by_item() -> None:
    best, nearly, elsewhere = scores(200, 180), scores(200, 172), scores(200, 172, start=100)
    ranking = combine([scored("best", best), scored("nearly", nearly), scored("elsewhere", elsewhere)], "accuracy")
    assert ranking.pick == "best" and not ranking.row("nearly").tied  # wrong where the best is right, never the other way round
    assert ranking.row("elsewhere").tied  # the same score, from other items


def test_the_cut_with_the_better_probe_speaks_for_a_model() -> None:
    ranking = combine([scored("one", scores(100, 50), middle=scores(100, 90)), scored("two", scores(100, 70), middle=scores(100, 40))], "accuracy")
    assert ranking.pick == "one" and ranking.rows[0].expected.value > 0.85 and ranking.rows[1].expected.value > 0.65
    assert "middle" in ranking.why and "at its middle" in ranking.rows[0].why and "middle" not in ranking.rows[1].why


def test_the_reason_names_evidence_ties_and_the_pick_of_published_accuracy() -> None:
    ranking = combine(
        [scored("newer", scores(400, 300), published=0.78, ms=9.0), scored("older", scores(400, 330), published=0.72, ms=9.0)],
        "balanced_accuracy",
        left_out=[LeftOut("huge", "--max-mb: too much")],
    )
    assert ranking.pick == "older" and ranking.prior_pick == "newer"
    assert "82.5 % balanced accuracy on 400 training items, each held out when it was asked" in ranking.why
    assert "(published: 72.0 % ImageNet-1k top-1)" in ranking.why and "by published accuracy alone it would have been Newer" in ranking.why
    assert "behind by more than chance, next Newer" in ranking.why and "\n" not in ranking.why
    tied = combine([scored("big", scores(100, 80), ms=9.0), scored("small", scores(100, 79, start=3), ms=2.0)], "accuracy")
    assert "cannot tell it from Small" in tied.why and "22 % of its time" in tied.why and "nothing is published about any of them" in tied.why


def test_a_ranking_is_read_back_as_it_was_written() -> None:
    ranking = combine([scored("a", scores(50, 40), published=0.7, middle=scores(50, 30)), scored("b", scores(50, 30))], "accuracy")
    plain = to_plain(ranking)
    assert from_plain(Ranking, plain) == ranking
    assert plain["rows"][0]["prior"] == {"value": 0.7, "metric": "ImageNet-1k top-1", "source": "a paper"} and plain["rows"][1]["prior"] is None
    assert set(plain["rows"][0]["expected"]) == {"value", "low", "high", "n"} and plain["left_out"] == []


def test_a_model_that_probed_better_than_the_pick_is_said_to_have_done_so() -> None:
    """Few items and much published: the pick is the well known one, which the probes of its rival beat by more than chance."""
    rival, well_known = scored("rival", scores(60, 52), published=0.45), scored("known", scores(60, 45), published=0.85)
    ranking = combine([rival, well_known, scored("poor", scores(60, 20), published=0.4)], "accuracy")
    assert ranking.pick == "known" and ranking.row("rival").ahead and not ranking.row("poor").ahead
    assert "Rival probed better by more than chance" in ranking.why and "behind by more than chance" not in ranking.why


def test_accuracies_published_on_other_benchmarks_say_nothing_beside_the_usual_ones() -> None:
    best, other = scored("best", scores(1000, 803), published=0.70), scored("other", scores(1000, 801), published=0.99)
    assert combine([best, other], "accuracy").pick == "other"
    assert other.card.prior is not None
    elsewhere = replace(other, card=replace(other.card, prior=replace(other.card.prior, metric="CIFAR-10")))
    ranking = combine([best, elsewhere, scored("third", scores(1000, 700), published=0.6)], "accuracy")
    assert ranking.pick == ranking.prior_pick == "best"
