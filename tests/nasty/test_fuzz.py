"""Fuzzing: every reader gets files that are sound but for a few changes, and refuses or reads them: no other error, no crash, no gigabyte, no write outside.

Here 25 inputs for each kind of file with strong changes and 25 with a gentle one (27 kinds: 1,350 inputs), the same at every run;
``python -m benchmarks.fuzz`` gives each reader thousands of new ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.nasty.gentle import GENTLE, changed
from tests.nasty.held import Reader, is_there, started
from tests.nasty.mutate import KINDS, SEEDS, Mutation, Seed, mutated, write

INPUTS = 25
BYTES_MAX = 1 << 30
MUTATIONS = st.lists(st.builds(Mutation, st.sampled_from(KINDS), st.floats(0, 1, exclude_max=True), st.integers(0, 1 << 20)), min_size=1, max_size=5)
ONE = st.builds(Mutation, st.sampled_from(GENTLE), st.floats(0, 1, exclude_max=True), st.integers(0, 1 << 20))


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, Reader]]:
    made: dict[str, Reader] = {}
    yield made
    for reader in made.values():
        reader.close()


@pytest.mark.parametrize("seed", SEEDS, ids=[f"{seed.reader}:{seed.name}" for seed in SEEDS])
def test_a_mutated_file_is_refused_or_read(seed: Seed, readers: dict[str, Reader], tmp_path: Path) -> None:
    if not is_there(seed.reader):
        pytest.skip("this reader has not been built yet")
    reader = readers.setdefault(seed.reader, readers.get(seed.reader) or started(seed.reader))
    numbers = count()

    @settings(max_examples=INPUTS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(mutations=MUTATIONS, other=st.sampled_from(SEEDS[:-3]))
    def refused_or_read(mutations: list[Mutation], other: Seed) -> None:
        work = tmp_path / str(next(numbers))
        work.mkdir()
        found = reader.read(write(seed, mutated(seed, mutations, other), work), work)
        assert found["outcome"] in ("refused", "survived") and found["outside"] == [] and found["bytes"] < BYTES_MAX, found
        shutil.rmtree(work)

    refused_or_read()


@pytest.mark.parametrize("seed", SEEDS, ids=[f"{seed.reader}:{seed.name}" for seed in SEEDS])
def test_a_file_that_is_nearly_right_is_refused_or_read(seed: Seed, readers: dict[str, Reader], tmp_path: Path) -> None:
    reader = readers.setdefault(seed.reader, readers.get(seed.reader) or started(seed.reader))
    numbers = count()

    @settings(max_examples=INPUTS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(one=ONE)
    def refused_or_read(one: Mutation) -> None:
        work = tmp_path / str(next(numbers))
        work.mkdir()
        found = reader.read(write(seed, changed(seed, one), work), work)
        assert found["outcome"] in ("refused", "survived") and found["outside"] == [] and found["bytes"] < BYTES_MAX, (one, found)
        shutil.rmtree(work)

    refused_or_read()
