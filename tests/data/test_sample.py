"""A draw of a data set: about as many as were asked for, every class its share, the same whatever the order of files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.made import made, shuffled

from headstart.data import split
from headstart.data.dataset import MINIMUM_PER_CLASS
from headstart.data.sample import only, sampled

LEAST = 2 * MINIMUM_PER_CLASS
LABELS = [0] * 100 + [1] * 40 + [2] * 10


def contents(n: int, seed: int = 0) -> set[str]:
    return set(sampled(made(LABELS), n, seed).content)


@pytest.mark.parametrize("n", [30, 75, 149])
def test_every_class_keeps_its_share_and_never_falls_below_what_it_needs(n: int) -> None:
    counts = np.bincount(sampled(made(LABELS), n).labels)
    assert counts.tolist() == [max(LEAST, round(n * size / 150)) if size > LEAST else size for size in (100, 40, 10)]


@pytest.mark.parametrize("n", [150, 151, 10**9])
def test_who_asks_for_all_gets_the_data_set_itself(n: int) -> None:
    dataset = made(LABELS)
    assert sampled(dataset, n) is dataset


def test_a_class_with_fewer_items_than_it_needs_is_kept_whole() -> None:
    assert np.bincount(sampled(made([0] * 200 + [1] * 5), 20).labels).tolist() == [20, 5]


def test_given_parts_keep_their_shares_too() -> None:
    given = ["train", "train", "validation", "test"] * 50
    drawn = sampled(made([0, 1] * 100, given=given), 100)
    assert drawn.given_split is not None
    assert [drawn.given_split.count(part) for part in ("train", "validation", "test")] == [50, 25, 25]


def test_the_same_seed_draws_the_same_another_one_others_and_a_larger_draw_holds_the_smaller() -> None:
    assert contents(60) == contents(60) != contents(60, seed=1)
    assert contents(40) < contents(60) < contents(120)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(LABELS))))
def test_the_order_of_files_draws_nothing_else(order: list[int]) -> None:
    dataset = made(LABELS)
    assert set(sampled(shuffled(dataset, order), 60).content) == set(sampled(dataset, 60).content)


def test_every_column_follows_its_item_and_pairs_of_look_alikes_keep_both_or_go() -> None:
    dataset = made([0, 1] * 4, groups=list("aabbccdd"), near=[(0, 2), (2, 4), (6, 7)], given=["train", "test"] * 4)
    drawn = only(dataset, np.array([1, 2, 4, 7]))
    assert drawn.sources == ("1.png", "2.png", "4.png", "7.png") and drawn.content == tuple(dataset.content[n] for n in (1, 2, 4, 7))
    assert drawn.labels.tolist() == [1, 0, 0, 1] and drawn.groups == ("a", "b", "c", "d") and drawn.given_split == ("test", "train", "train", "test")
    assert drawn.near.tolist() == [[1, 2]] and len(drawn.sizes) == len(drawn.modes) == len(drawn) == 4
    assert drawn.digest not in {dataset.digest, only(dataset, np.array([0, 1, 2])).digest}


def test_without_any_look_alikes_there_are_no_pairs() -> None:
    assert only(made([0, 1, 0, 1]), np.array([0, 3])).near.shape == (0, 2)


def test_a_class_of_three_patients_keeps_all_of_them_however_few_items_are_drawn() -> None:
    groups = ["a"] * 90 + ["b"] * 5 + ["c"] * 5 + [f"p{n % 4}" for n in range(100)]
    for seed in range(20):
        drawn = sampled(made([0] * 100 + [1] * 100, groups=groups), 16, seed)
        assert {group for group, label in zip(drawn.groups or (), drawn.labels.tolist(), strict=True) if label == 0} == {"a", "b", "c"}
        split(drawn, seed=seed)  # every class in every part
