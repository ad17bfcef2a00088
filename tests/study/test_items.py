"""Views of items: view 0 is the picture as it is, each other number one variation of it, always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.modality.photos import tile, write

from headstart.data import Dataset, load
from headstart.modality import get
from headstart.modality.image import ImageRecipe as Recipe
from headstart.study.items import PreparedItems, prepared

RECIPE = Recipe(size=32)
N = 8


@pytest.fixture
def items(tmp_path: Path, empty_home: Path) -> PreparedItems:
    return prepared(loaded(tmp_path / "photos"), RECIPE)


def loaded(root: Path, first: int = 0) -> Dataset:
    for number in range(first, first + N):
        write(root / ("even" if number % 2 == 0 else "odd") / f"{number}.png", tile(number))
    return load(root)


def pixels(items: PreparedItems, view: int) -> np.ndarray:
    return np.stack([items.seen_as(view).prepare(index) for index in range(N)])


def test_view_0_is_the_item_as_it_is(items: PreparedItems) -> None:
    modality = get("image")
    assert np.array_equal(pixels(items, 0), np.stack([modality.prepare(items.dataset.read(index), RECIPE) for index in range(N)]))


def test_the_same_view_has_the_same_pixels_and_another_view_others(items: PreparedItems) -> None:
    plain, one, two = (pixels(items, view) for view in (0, 1, 2))
    assert np.array_equal(one, pixels(items, 1)) and one.dtype == plain.dtype and one.shape == plain.shape
    assert not np.array_equal(one, plain) and not np.array_equal(one, two)


def test_a_view_belongs_to_the_content_not_to_its_place_or_neighbours(items: PreparedItems, tmp_path: Path) -> None:
    other = prepared(loaded(tmp_path / "others", first=2), RECIPE)
    shared = sorted(set(items.content) & set(other.content))
    assert len(shared) == N - 2
    for name in shared:
        here, there = list(items.content).index(name), list(other.content).index(name)
        assert np.array_equal(items.seen_as(1).prepare(here), other.seen_as(1).prepare(there))
    assert any(list(items.content).index(name) != list(other.content).index(name) for name in shared)


def test_views_share_the_preparations_name_and_another_size_has_another(items: PreparedItems) -> None:
    """The view's number stands in the store's key by itself."""
    assert items.seen_as(3).identity == items.identity != prepared(items.dataset, Recipe(size=48)).identity
    assert items.seen_as(3).seen_as(0) == items
