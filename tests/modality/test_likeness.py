"""The same picture saved again is found; different pictures, however alike in kind, are not called the same."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits
from tests.modality.photos import encoded, photo, tile

from headstart.modality import get

IMAGE = get("image")


def thumbnail(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(IMAGE.examine(content).thumbnail, np.uint8)[None]


def same(left: bytes, right: bytes) -> bool:
    return bool(IMAGE.alike(thumbnail(left), thumbnail(right))[0])


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_a_photo_is_known_again_after_saving_resizing_and_a_little_light(name: str) -> None:
    picture = photo(name)
    original = encoded(picture)
    again = {
        "jpeg 90": encoded(picture, "JPEG", quality=90),
        "jpeg 50": encoded(picture, "JPEG", quality=50),
        "webp": encoded(picture, "WEBP"),
        "half": encoded(picture.resize((320, 213))),
        "twice": encoded(picture.resize((1280, 854)), "JPEG"),
        "thumbnail": encoded(picture.resize((160, 107)), "JPEG", quality=75),
        "darker": encoded(ImageEnhance.Brightness(picture).enhance(0.87)),
        "more contrast": encoded(ImageEnhance.Contrast(picture).enhance(1.1)),
    }
    assert [how for how, content in again.items() if not same(original, content)] == []


def test_different_pieces_of_photographs_are_not_called_the_same() -> None:
    thumbnails = np.concatenate([thumbnail(encoded(tile(number))) for number in range(120)])
    left, right = np.array(list(combinations(range(120), 2))).T
    assert IMAGE.alike(thumbnails[left], thumbnails[right]).sum() == 0


def test_tiny_grey_digits_written_by_different_hands_are_not_called_the_same() -> None:
    digits = (load_digits().images[:300] * 15).astype(np.uint8)
    thumbnails = np.concatenate([thumbnail(encoded(Image.fromarray(digit))) for digit in digits])
    left, right = np.array(list(combinations(range(300), 2))).T
    assert IMAGE.alike(thumbnails[left], thumbnails[right]).sum() <= 2, "of 44,850 pairs"


def test_plain_colours_are_told_apart_and_so_are_black_and_white() -> None:
    plain = [encoded(Image.new("RGB", (40, 40), colour)) for colour in ("red", "green", "blue", "black", "white", "gray")]
    assert not any(same(left, right) for left, right in combinations(plain, 2))
    assert same(plain[0], encoded(Image.new("RGB", (80, 80), (250, 2, 2))))


def test_the_same_drawing_in_two_colours_is_two_pictures() -> None:
    def heart(colour: tuple[int, int, int]) -> bytes:
        picture = Image.new("RGB", (64, 64), "white")
        picture.paste(colour, (16, 16, 48, 48))
        return encoded(picture)

    assert not same(heart((255, 0, 0)), heart((0, 90, 255)))
    assert same(heart((255, 0, 0)), heart((248, 4, 4)))


def test_pictures_that_are_alike_lie_within_reach_in_the_sketch_whatever_part_of_it_is_used() -> None:
    pictures = [tile(number) for number in range(60)]
    left = np.concatenate([thumbnail(encoded(one)) for one in pictures])
    right = np.concatenate([thumbnail(encoded(one, "JPEG", quality=70)) for one in pictures])
    alike = IMAGE.alike(left, right)
    apart = IMAGE.sketch(left) - IMAGE.sketch(right)
    assert alike.mean() > 0.8
    for used in (4, 25, 64):
        assert (np.linalg.norm(apart[alike, :used], axis=1) <= IMAGE.reach * 1.0001).all()
