"""Tasks of the benchmarks: parts share no unit, sizes are kept, the test part does not depend on how much is fitted on."""

from __future__ import annotations

from collections import Counter

import pytest
from benchmarks.emoji import identity
from benchmarks.tasks import Pool, digits_arrays, divide, of_arrays, quotas
from hypothesis import given
from hypothesis import strategies as some


def pool(labels: list[str], units: list[str] | None = None) -> Pool:
    return Pool(labels, units or [str(n) for n in range(len(labels))], lambda index, file: None)


@given(some.integers(2, 60), some.integers(10, 60), some.integers(0, 5))
def test_parts_have_their_sizes_and_no_picture_in_common(n: int, test: int, seed: int) -> None:
    parts = divide(pool(["a"] * 70 + ["b"] * 60), n, test, seed, "example")
    assert len(parts["train"]) == n and len(parts["test"]) == test
    assert not set(parts["train"]) & set(parts["test"])


def test_the_test_part_is_the_same_however_many_are_fitted_on() -> None:
    one = pool(["a"] * 50 + ["b"] * 50)
    assert divide(one, 10, 40, 3, "example")["test"] == divide(one, 60, 40, 3, "example")["test"]
    assert divide(one, 10, 40, 3, "example")["test"] != divide(one, 10, 40, 4, "example")["test"]


def test_pictures_of_one_unit_stay_on_one_side() -> None:
    units = [str(n // 2) for n in range(100)]
    parts = divide(pool(["left", "right"] * 50, units), 40, 40, 0, "example")
    assert not {units[n] for n in parts["train"]} & {units[n] for n in parts["test"]}


def test_classes_are_drawn_in_their_shares_or_equally_often() -> None:
    labels = ["rare"] * 30 + ["common"] * 270
    shares = divide(pool(labels), 100, 50, 0, "example")
    assert Counter(labels[n] for n in shares["train"]) == {"rare": 10, "common": 90}
    equal = divide(pool(labels), 20, 20, 0, "example", balanced=True)
    assert Counter(labels[n] for n in equal["test"]) == {"rare": 10, "common": 10}


def test_more_pictures_than_there_are_is_refused_with_the_count() -> None:
    with pytest.raises(SystemExit, match="more than there are"):
        divide(pool(["a", "b"] * 10), 15, 10, 0, "example", balanced=True)


@given(some.dictionaries(some.text("abc", min_size=1, max_size=2), some.integers(1, 500), min_size=1, max_size=6), some.integers(6, 300))
def test_quotas_sum_to_what_was_asked(shares: dict[str, int], n: int) -> None:
    plenty = dict.fromkeys(shares, 1000)
    counts = quotas(shares, n, plenty)
    assert sum(counts.values()) == n and min(counts.values()) >= min(4, n // len(shares))


def test_no_more_is_asked_of_a_rare_class_than_there_is() -> None:
    parts = divide(pool(["rare"] * 4 + ["common"] * 96), 50, 50, 0, "example")
    assert sorted(parts["train"] + parts["test"]) == list(range(100))


def test_digits_are_written_as_pictures(tmp_path: object) -> None:
    assert len(of_arrays(digits_arrays).labels) == 1797


def test_man_and_woman_of_one_profession_are_one_identity() -> None:
    assert identity("1f469-200d-1f680") == identity("1f468-200d-1f680")
    assert identity("1f3c3-200d-2642") == identity("1f3c3")
