"""What is left of a limit, what fits into it, and what is said where something does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.base.errors import InputError
from headstart.base.resident import give_back, peak_bytes, resident_bytes
from headstart.planning.memory import LEAST_AT_ONCE, NO_LIMIT, SAFE_SHARE, SPARE_BYTES, Memory, at_once, memory_in


def test_without_a_limit_there_is_always_enough_and_nothing_is_said_of_the_store() -> None:
    assert NO_LIMIT.left == NO_LIMIT.pixels_bytes == NO_LIMIT.weights_bytes == float("inf")
    assert NO_LIMIT.lacks(1e15, "anything") == "" and NO_LIMIT.store == {} and not NO_LIMIT.is_limited


def test_what_is_left_falls_by_what_the_process_takes_and_rises_when_it_is_given_back() -> None:
    memory = Memory(resident_bytes() + 3 * 10**9)
    before, block = memory.left, np.ones(200 << 20, dtype=np.uint8)
    assert before - memory.left == pytest.approx(block.nbytes, rel=0.1)
    del block
    give_back()
    assert memory.left == pytest.approx(before, abs=40 << 20) and peak_bytes() >= resident_bytes()


def test_less_than_the_limit_is_planned_with() -> None:
    limit = resident_bytes() + 10**10
    give_back()
    assert Memory(limit).left <= SAFE_SHARE * limit - SPARE_BYTES - resident_bytes() + (40 << 20) < limit - resident_bytes()


def test_what_does_not_fit_says_what_is_left_what_it_takes_and_what_would_do() -> None:
    memory = Memory(resident_bytes() + 10**9)
    assert memory.lacks(0.5e9, "opening it") == ""
    said = memory.lacks(5e9, "opening it")
    assert said.startswith("--memory: ") and "opening it takes about 5,000 MB" in said
    advised = memory_in(said.rsplit("--memory ", 1)[1].removesuffix(" would do"))
    assert Memory(advised).lacks(4.8e9, "opening it") == ""


def test_the_advice_counts_the_steps_to_come_or_says_that_they_are_not_counted() -> None:
    memory = Memory(resident_bytes() + 10**9)
    said = memory.lacks(3e9, "its forward pass", later=2e9)
    assert "its forward pass takes about 3,000 MB" in said
    assert Memory(memory_in(said.rsplit("--memory ", 1)[1].removesuffix(" would do"))).lacks(4.8e9, "both") == ""
    assert memory.lacks(3e9, "opening it", later=None).endswith("MB at least, and more for what comes after that")
    assert memory.lacks(0.5e9, "opening it", later=5e9) == "", "only the step itself decides"


def test_the_limit_that_a_refusal_advises_is_not_refused() -> None:
    with pytest.raises(InputError) as refusal:
        Memory(10**7)
    assert refusal.value.fix is not None
    assert Memory(memory_in(refusal.value.fix.removeprefix("--memory ").split(",")[0])).lacks(0.0, "opening it") == ""


@given(left=st.floats(0, 1e10), fixed=st.floats(0, 1e9), each=st.floats(1, 1e9), most=st.integers(1, 64))
def test_as_many_go_at_once_as_fit_or_none(left: float, fixed: float, each: float, most: int) -> None:
    items = at_once(left, fixed, each, most)
    assert items == 0 or (fixed + each * items <= left and items >= min(LEAST_AT_ONCE, most))
    if items == 0:
        assert fixed + each * min(LEAST_AT_ONCE, most) > left
    elif items < most:
        assert items.bit_count() == 1 and fixed + each * min(2 * items, most) > left


def test_words_are_read_as_sizes_and_others_refused() -> None:
    assert memory_in("1.5GB") == 1_500_000_000
    with pytest.raises(InputError, match="--memory is not a size"):
        memory_in("plenty")
