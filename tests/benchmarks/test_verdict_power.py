"""The verdict's benchmark: draws are what they say, arms change places, shares and intervals are the textbook's, equal arms never differ in truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from benchmarks.verdict_power import Row, bisect, mixed, share, summary, wilson
from benchmarks.verdict_repeats import LEAST_PER_CLASS, Arms, draw, light, problems, repeat, rightness
from benchmarks.verdict_sources import shuffle
from benchmarks.verdict_tries import RULES, alone, corrected, product
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from headstart.backbone.build import Network, Normalise
from headstart.gallery.card import InputRecipe
from headstart.study.arms import head_on


def arms(n: int = 600, strength: float = 0.6) -> Arms:
    generator = np.random.default_rng(0)
    labels = np.arange(n, dtype=np.int64) % 3
    centres = generator.normal(size=(3, 8))
    weak, strong = (generator.normal(size=(n, 8)) + by * centres[labels] for by in (strength, 3 * strength))
    return Arms(strong.astype(np.float32), weak.astype(np.float32), labels, ((10.0, 1.0), (10.0, 1.0)))


@given(some.integers(0, 50), some.sampled_from([30, 60]))
def test_a_draw_holds_every_class_often_enough_and_follows_from_its_seed(seed: int, n: int) -> None:
    labels = arms().labels
    drawn = draw(labels, n, seed)
    assert len(set(drawn.tolist())) == n
    assert np.bincount(labels[drawn]).min() >= LEAST_PER_CLASS
    assert np.array_equal(drawn, draw(labels, n, seed))


def test_nested_rounds_test_every_item_once_and_the_held_out_test_a_fifth() -> None:
    dataset = light(np.arange(100, dtype=np.int64) % 4, seed=0)
    nested = problems(dataset, 0, "nested")
    assert sorted(np.concatenate([one.split.test for one in nested]).tolist()) == list(range(100))
    assert all(len(np.intersect1d(one.pool, one.split.test)) == 0 for one in nested)
    (held,) = problems(dataset, 0, "held-out")
    assert (len(held.pool), len(held.split.test)) == (80, 20)


@pytest.mark.parametrize("how", ["nested", "held-out"])
def test_a_better_arm_is_truly_better_and_places_can_be_exchanged(how: str) -> None:
    there, back = repeat(arms(), 90, 1, how), repeat(arms().swapped, 90, 1, how)  # type: ignore[arg-type]
    assert there.truth > 5
    assert there.truth == pytest.approx(-back.truth)
    assert (there.points, there.low, there.high) == (-back.points, -back.high, -back.low)


def test_an_arm_beside_itself_is_neither_better_nor_said_to_be() -> None:
    same = Arms(arms().twin, arms().twin, arms().labels, ((10.0, 1.0), (10.0, 1.0)))
    found = repeat(same, 90, 1, "nested", "balanced_accuracy")
    assert (found.points, found.truth) == (0, 0) and found.low <= 0


def test_heads_are_right_as_often_as_counted_by_hand() -> None:
    one = arms()
    heads = [head_on(one.transfer[:60], one.labels[:60], 3, strength, balance=False) for strength in (1.0, 100.0)]
    places = np.arange(60, 600)
    by_hand = [(head.probabilities(one.transfer[places]).argmax(axis=1) == one.labels[places]).mean() for head in heads]
    assert rightness(heads, one.transfer, one.labels, places) == pytest.approx(np.mean(by_hand))


def test_bisection_finds_the_nearest_of_all_whole_numbers() -> None:
    assert [bisect(lambda n: n / 10, wanted, 50) for wanted in (-1.0, 0.0, 2.34, 2.36, 9.0)] == [0, 0, 23, 24, 50]


def test_mixed_features_take_their_first_coordinates_from_the_other_network() -> None:
    zeros, ones = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    assert mixed(zeros, ones, 2).tolist() == [[1, 1, 0]] * 2


@given(some.integers(1, 400), some.floats(0, 1))
def test_wilson_intervals_hold_the_share_and_stay_within_0_and_1(n: int, part: float) -> None:
    value, low, high = wilson(round(part * n), n)
    assert 0 <= low <= value + 1e-12 and value - 1e-12 <= high <= 1
    assert low < high


def test_a_summary_counts_what_was_said_and_what_was_true() -> None:
    values = {"points": [3.0, 4.0, 1.0, 0.0], "low": [1.0, 2.0, -2.0, -3.0], "high": [5.0, 6.0, 4.0, 0.5], "truth": [2.0, -1.0, 0.0, 1.0]}
    fields = summary([{"values": values | {"rounds": [[(0, 0, 100)]] * 4}}], 1000, 100)
    assert fields[0] == "4"
    assert fields[2:7] == [share(2, 4), share(1, 2), share(1, 4), share(1, 4), share(2, 4)]


def test_shuffling_keeps_the_numbers_of_each_tensor_and_moves_them() -> None:
    recipe = InputRecipe(8, 1.0, "bilinear", mean=(0.5,) * 3, std=(0.5,) * 3)
    network = Network(Normalise(recipe), nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    before = {name: tensor.clone() for name, tensor in network.net.state_dict().items()}
    shuffle(network, 1)
    after = network.net.state_dict()
    assert all(torch.equal(before[name].flatten().sort().values, after[name].flatten().sort().values) for name in before)
    assert not torch.equal(before["0.weight"], after["0.weight"])


def test_wider_rules_are_wider_and_leave_a_held_out_test_alone() -> None:
    nested, held = [(3, 1, 20), (2, 2, 20), (4, 0, 20), (1, 1, 20), (2, 1, 20)], [(3, 1, 20)]
    ends = [rule(7.0, 1.0, nested) for rule in (alone, product, corrected)]
    assert ends == sorted(ends, reverse=True) and ends[0] == 1.0
    assert {rule(10.0, -5.0, held) for rule in RULES.values()} == {-5.0}


def test_rows_of_different_blocks_have_different_keys() -> None:
    row = Row("fashion", "random", 100, "nested")
    assert row.key(0) != row.key(1)
    assert row.key(0) == Row("fashion", "random", 100, "nested").key(0)
