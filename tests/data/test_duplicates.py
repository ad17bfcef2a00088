"""Look-alikes are found among many, and units bind whatever must stay together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from tests.modality.photos import photo, tile, write

from headstart.data import load, split
from headstart.data.duplicates import near_duplicates, units_of
from headstart.data.remembered import Remembered
from headstart.modality import get

Make = Callable[..., Path]
IMAGE = get("image")


def test_pictures_saved_again_are_found_whatever_their_format_and_size(flowers: Make) -> None:
    root = flowers(rose=30, daisy=30)
    again = {3: ".jpg", 40: ".webp", 41: ".bmp"}
    for number, suffix in again.items():
        write(root / "daisy" / f"again{number}{suffix}", tile(number).resize((96, 96), Image.Resampling.BICUBIC))
    dataset = load(root)
    found = {frozenset((dataset.sources[left], dataset.sources[right])) for left, right in dataset.near}
    wanted = {("rose/3.png", "daisy/again3.jpg"), ("daisy/10.png", "daisy/again40.webp"), ("daisy/11.png", "daisy/again41.bmp")}
    assert found == {frozenset(pair) for pair in wanted}
    parts = split(dataset)
    assert len(np.unique(parts.units)) == 60 and "3 families of look-alikes" in parts.how


def test_of_hundreds_of_digits_of_eight_pixels_hardly_any_are_called_the_same(tmp_path: Path) -> None:
    digits = load_digits()
    for number in range(600):
        write(tmp_path / "digits" / str(digits.target[number]) / f"{number}.png", Image.fromarray((digits.images[number] * 15).astype(np.uint8)))
    dataset = load(tmp_path / "digits")
    assert len(dataset.near) <= 4, "of 179,700 pairs"


def test_the_search_tree_finds_every_pair_that_comparing_all_finds() -> None:
    store = Remembered("test", "1")
    pieces = [photo().crop((x, y, x + 380, y + 380)) for x in range(40) for y in (0, 40)]  # windows that slide by a twelfth of a thumbnail's pixel
    thumbnails = np.stack([np.frombuffer(IMAGE.examine(_png(piece)).thumbnail, np.uint8) for piece in pieces])
    left, right = np.triu_indices(len(pieces), 1)
    alike = IMAGE.alike(thumbnails[left], thumbnails[right])
    contents = [f"{number:05d}" for number in range(len(pieces))]
    found = near_duplicates(contents, thumbnails, IMAGE, store)
    assert set(map(tuple, found.tolist())) == set(zip(left[alike].tolist(), right[alike].tolist(), strict=True))
    assert len(found) > 100
    assert np.array_equal(near_duplicates(contents, thumbnails * 0, IMAGE, store), found), "remembered under the contents"
    store.close()


def _png(picture: Image.Image) -> bytes:
    from tests.modality.photos import encoded

    return encoded(picture)


def test_a_crowd_of_equal_looks_holds_together() -> None:
    store = Remembered("test", "1")
    thumbnails = np.repeat(np.frombuffer(IMAGE.examine(_png(tile(0))).thumbnail, np.uint8)[None], 300, axis=0)
    contents = [f"{number:05d}" for number in range(300)]
    pairs = near_duplicates(contents, thumbnails, IMAGE, store)
    assert len(np.unique(units_of(contents, pairs, None))) == 1
    store.close()


def test_units_chain_equal_contents_look_alikes_and_groups() -> None:
    contents, groups = ["a", "b", "a", "c", "d", "e", "f"], ["", "x", "", "x", "y", "", ""]
    assert units_of(contents, np.array([[2, 3]]), groups).tolist() == [0, 0, 0, 0, 1, 2, 3]
    assert units_of(contents, np.zeros((0, 2), np.int64), None).tolist() == [0, 1, 0, 2, 3, 4, 5]


def test_flat_pictures_of_different_colours_are_not_one_family(tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path / "colours" / "warm" / f"{number}.png", Image.new("RGB", (20, 20), (255, number * 30, 0)))
        write(tmp_path / "colours" / "cold" / f"{number}.png", Image.new("RGB", (20, 20), (0, number * 30, 255)))
    parts = split(load(tmp_path / "colours"))
    assert len(np.unique(parts.units)) == 16
