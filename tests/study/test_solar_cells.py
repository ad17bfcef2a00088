"""The demo's pictures: balanced, deterministic, their two kinds of crystal in their own shares."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.study.solar_cells import choose, draw, solar_cells

TABLE = "\n".join(
    [f"images/w{n}.png 0.0 {'mono' if n % 3 else 'poly'}" for n in range(60)]
    + [f"images/d{n}.png 1.0 {'mono' if n % 2 else 'poly'}" for n in range(40)]
    + [f"images/u{n}.png 0.3333 mono" for n in range(20)]
)


def test_the_classes_are_equally_large_and_the_doubtful_cases_are_left_out() -> None:
    chosen = choose(TABLE, 30, seed=0)
    assert {name: len(set(pictures)) for name, pictures in chosen.items()} == {"whole": 15, "defective": 15}
    assert not any(picture.startswith("images/u") for pictures in chosen.values() for picture in pictures)


def test_the_crystals_keep_their_shares() -> None:
    poly = [picture for picture in choose(TABLE, 60, seed=1)["whole"] if int(picture[8:-4]) % 3 == 0]
    assert len(poly) == 10


def test_the_same_seed_draws_the_same_cells_and_another_seed_others() -> None:
    assert choose(TABLE, 30, seed=0) == choose(TABLE, 30, seed=0) != choose(TABLE, 30, seed=1)


@pytest.mark.parametrize("n", [0, 3, 82])
def test_a_number_that_cannot_be_is_refused(n: int) -> None:
    with pytest.raises(InputError, match="even numbers"):
        choose(TABLE, n, seed=0)


@given(sizes=st.lists(st.integers(0, 30), min_size=1, max_size=6).filter(sum), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_draw_has_exactly_n_and_each_stratum_its_share_within_one(sizes: list[int], share: float, seed: int) -> None:
    strata = [[f"{number}-{item}" for item in range(size)] for number, size in enumerate(sizes)]
    n = int(share * sum(sizes))
    counts = Counter(picture.split("-")[0] for picture in draw(strata, n, seed))
    assert sum(counts.values()) == n
    assert all(abs(counts[str(number)] - n * size / sum(sizes)) < 1 for number, size in enumerate(sizes))


@pytest.mark.network
def test_the_fetched_cells_are_the_pinned_ones_and_are_laid_out_once(gallery_home: Path) -> None:
    first = solar_cells(40, seed=0)
    pictures = sorted(first.rglob("*.png"))
    assert [folder.name for folder in sorted(first.iterdir())] == ["defective", "whole"] and len(pictures) == 40
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert "CC BY-NC-SA 4.0" in (first.parent / "LICENCE.txt").read_text()
    before = first.stat().st_mtime_ns
    assert solar_cells(40, seed=0) == first and first.stat().st_mtime_ns == before


@pytest.mark.network
def test_the_licence_is_said_before_anything_is_fetched(gallery_home: Path) -> None:
    heard: list[Event] = []
    solar_cells(40, seed=0, sink=heard.append)
    assert heard[0].kind == "note" and "CC BY-NC-SA 4.0" in heard[0].text
