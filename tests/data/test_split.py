"""Laws of splits and folds, for any labels, groups and look-alikes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.data.made import made, shuffled

from headstart.base.errors import InputError
from headstart.data import Dataset, Split, folds, split


def parts_of(parts: Split) -> list[NDArray[np.int64]]:
    return [parts.train, parts.validation, parts.test]


def contents(dataset: Dataset, parts: Split) -> list[list[str]]:
    return [sorted(dataset.content[index] for index in part) for part in parts_of(parts)]


@st.composite
def singles(draw: Any) -> Dataset:
    """Items of which none is bound to another."""
    counts = draw(st.lists(st.integers(4, 60), min_size=2, max_size=6))
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return made(draw(st.permutations(labels)))


@st.composite
def bound(draw: Any) -> Dataset:
    """Items bound together by groups and by likeness, across classes too."""
    n = draw(st.integers(20, 90))
    labels = [0, 1, *draw(st.lists(st.integers(0, draw(st.integers(1, 3))), min_size=n - 2, max_size=n - 2))]
    groups = draw(st.one_of(st.none(), st.lists(st.integers(0, draw(st.integers(3, n))).map(lambda g: f"p{g}" if g else ""), min_size=n, max_size=n)))
    near = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1]), max_size=n // 3))
    used = sorted(set(labels))
    return made([used.index(label) for label in labels], groups, near)


def split_or_pass(dataset: Dataset, seed: int = 0) -> Split:
    try:
        return split(dataset, seed=seed)
    except InputError:
        assume(False)
        raise


@settings(max_examples=150, deadline=None)
@given(singles(), st.integers(0, 5))
def test_free_items_are_split_within_one_item_of_the_exact_shares(dataset: Dataset, seed: int) -> None:
    parts = split(dataset, seed=seed)
    assert np.array_equal(np.sort(np.concatenate(parts_of(parts))), np.arange(len(dataset)))
    for label in range(len(dataset.classes)):
        n = int((dataset.labels == label).sum())
        counts = [int((dataset.labels[part] == label).sum()) for part in parts_of(parts)]
        assert min(counts) >= 1 and counts[0] >= 2
        assert all(abs(count - share * n) < 1 or n < 6 for count, share in zip(counts, (0.6, 0.2, 0.2), strict=True))


@settings(max_examples=200, deadline=None)
@given(bound(), st.integers(0, 3))
def test_no_unit_stands_on_two_sides_every_item_once_every_class_in_every_part(dataset: Dataset, seed: int) -> None:
    parts = split_or_pass(dataset, seed)
    assert np.array_equal(np.sort(np.concatenate(parts_of(parts))), np.arange(len(dataset)))
    sides = [set(parts.units[part].tolist()) for part in parts_of(parts)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    for left, right in dataset.near:
        assert parts.units[left] == parts.units[right]
    if dataset.groups is not None:
        named = [(group, unit) for group, unit in zip(dataset.groups, parts.units.tolist(), strict=True) if group]
        assert len({group for group, _ in named}) == len(set(named)), "one unit a group"
    for part in parts_of(parts):
        assert set(dataset.labels[part].tolist()) == set(range(len(dataset.classes)))
        assert (np.diff(part) > 0).all()


@settings(max_examples=150, deadline=None)
@given(bound())
def test_the_error_of_the_shares_is_bounded_by_the_largest_unit(dataset: Dataset) -> None:
    parts = split_or_pass(dataset)
    largest = int(np.bincount(parts.units).max())
    for label in range(len(dataset.classes)):
        n = int((dataset.labels == label).sum())
        for part, share in zip(parts_of(parts), (0.6, 0.2, 0.2), strict=True):
            assert abs(int((dataset.labels[part] == label).sum()) - share * n) <= 2 * largest + 2


@settings(max_examples=100, deadline=None)
@given(bound(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_a_split_depends_on_contents_and_seed_only_not_on_names_and_order(dataset: Dataset, random: Any, seed: int) -> None:
    parts = split_or_pass(dataset, seed)
    order = list(range(len(dataset)))
    random.shuffle(order)
    other = shuffled(dataset, order)
    again = split(other, seed=seed)
    assert contents(other, again) == contents(dataset, parts)
    assert again.digest == parts.digest and again.how == parts.how


@settings(max_examples=100, deadline=None)
@given(bound(), st.integers(2, 6), st.integers(0, 3))
def test_folds_hold_a_unit_out_at_most_once_and_always_fit_every_class(dataset: Dataset, n: int, seed: int) -> None:
    parts = split_or_pass(dataset)
    try:
        made_folds = folds(dataset, parts, n, seed)
    except InputError:
        assume(False)
        raise
    labels, units = dataset.labels[parts.train], parts.units[parts.train]
    out = np.concatenate([held for _, held in made_folds])
    assert len(np.unique(out)) == len(out) and len(made_folds) <= n
    for fitted, held in made_folds:
        assert len(held) and np.array_equal(np.sort(np.concatenate([fitted, held])), parts.train)
        assert not set(parts.units[fitted].tolist()) & set(parts.units[held].tolist())
        assert set(dataset.labels[fitted].tolist()) == set(labels.tolist())
    never = set(parts.units[np.setdiff1d(parts.train, out)].tolist())
    alone = [label for label in range(len(dataset.classes)) if len(np.unique(units[labels == label])) == 1]
    assert never >= {unit for unit, label in zip(units.tolist(), labels.tolist(), strict=True) if label in alone}
    few = [label for label in range(len(dataset.classes)) if len(np.unique(units[labels == label])) < 8]
    assert never <= {unit for unit, label in zip(units.tolist(), labels.tolist(), strict=True) if label in few}, "classes of many units spread by themselves"


def test_classes_that_two_folds_cannot_part_keep_a_unit_that_is_never_held_out() -> None:
    labels = [0, 1, 1, 2, 2, 0] * 3  # units of train: {0, 1}, {1, 2}, {2, 0}: two folds always hold all of some class
    groups = [f"{group}{part}" for part in "abc" for group in "xxyyzz"]
    dataset = made(labels, groups, given=["train"] * 6 + ["validation"] * 6 + ["test"] * 6)
    made_folds = folds(dataset, split(dataset), 2)
    assert [len(held) for _, held in made_folds] == [2, 2]
    assert all(set(dataset.labels[fitted].tolist()) == {0, 1, 2} for fitted, _ in made_folds)


def test_few_items_leave_no_fold_empty() -> None:
    dataset = made([number % 10 for number in range(40)])
    made_folds = folds(dataset, split(dataset), 5)
    assert len(made_folds) >= 2 and all(len(held) for _, held in made_folds)


def test_folds_of_free_items_are_stratified_and_another_seed_gives_others() -> None:
    dataset = made([0] * 100 + [1] * 50)
    parts = split(dataset)
    counts = [Counter(dataset.labels[held].tolist()) for _, held in folds(dataset, parts)]
    assert counts == [Counter({0: 12, 1: 6})] * 5
    assert any(not np.array_equal(a, b) for (_, a), (_, b) in zip(folds(dataset, parts), folds(dataset, parts, seed=1), strict=True))


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    dataset = made([0] * 30 + [1] * 30)
    assert split(dataset, seed=3).digest == split(dataset, seed=3).digest != split(dataset, seed=4).digest


def test_one_more_item_leaves_nearly_all_others_where_they_were() -> None:
    labels = [number % 3 for number in range(600)]
    before, after = split(made(labels)), split(made([*labels, 0]))
    moved = sum(len(np.setdiff1d(a, b)) for a, b in zip(parts_of(before), parts_of(after), strict=True))
    assert moved <= 6, "order is by hash, so a new item pushes at most one over each border"


def test_large_groups_of_unequal_size_come_near_the_shares() -> None:
    draw = np.random.default_rng(0)
    groups = [f"p{patient}" for patient in range(60) for _ in range(int(draw.integers(1, 40)))]
    labels = [int(group[1:]) % 2 for group in groups]
    parts = split(made(labels, groups))
    shares = np.array([len(part) for part in parts_of(parts)]) / len(labels)
    assert np.abs(shares - [0.6, 0.2, 0.2]).max() < 0.03


def test_three_patients_a_class_are_enough_and_the_largest_is_learnt_from() -> None:
    groups = ["a"] * 10 + ["b"] * 5 + ["c"] * 4 + ["d"] * 10 + ["e"] * 5 + ["f"] * 4
    parts = split(made([0] * 19 + [1] * 19, groups))
    assert len(parts.train) == 20 and {len(parts.validation), len(parts.test)} <= {8, 9, 10}


def test_a_class_that_belongs_to_two_patients_is_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match="class 1: its examples cannot be in 3 parts") as caught:
        split(made([0] * 12 + [1] * 12, [f"p{n}" for n in range(12)] + ["x"] * 6 + ["y"] * 6))
    assert "--group none" in str(caught.value) and "(different ones: 2 of 12)" in str(caught.value)


def test_given_parts_are_kept_and_what_is_missing_is_carved_out_of_train() -> None:
    labels = [number % 2 for number in range(60)]
    given = ["train"] * 40 + ["test"] * 20
    parts = split(made(labels, given=given))
    assert parts.test.tolist() == list(range(40, 60)) and [len(parts.train), len(parts.validation)] == [30, 10]
    assert "carved out of train (25 %)" in parts.how
    parts = split(made(labels, given=["train"] * 40 + ["validation"] * 20))
    assert parts.test.tolist() == list(range(40, 60)) and "given validation part is the test" in parts.how
    parts = split(made(labels, given=["train"] * 60))
    assert [len(part) for part in parts_of(parts)] == [36, 12, 12] and "only train was given" in parts.how
    parts = split(made(labels, given=["train"] * 30 + ["validation"] * 10 + ["test"] * 20))
    assert [len(part) for part in parts_of(parts)] == [30, 10, 20] and "as given" in parts.how


def test_fractions_that_are_none_are_refused() -> None:
    for fractions in ((0.5, 0.5, 0.5), (1.0, 0.0, 0.0), (0.8, 0.4, -0.2)):
        with pytest.raises(InputError, match="sum to 1"):
            split(made([0, 1] * 10), fractions=fractions)
    assert len(split(made([0, 1] * 50), fractions=(0.2, 0.2, 0.6)).test) == 60


def test_sixty_thousand_items_are_split_in_seconds() -> None:
    dataset = made([number % 10 for number in range(60_000)], near=[(number, number + 1) for number in range(0, 3000, 3)])
    assert [len(part) for part in parts_of(split(dataset))] == [36_000, 12_000, 12_000]
