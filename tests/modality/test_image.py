"""What a network takes: the right size, the right part of the picture, the same numbers as resizing and cropping."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.modality.photos import encoded, photo, tile

from headstart import modality
from headstart.base.errors import InputError
from headstart.modality import get
from headstart.modality.image import FILTERS
from headstart.modality.image import ImageRecipe as Recipe

IMAGE = get("image")


def resized_then_cropped(picture: Image.Image, recipe: Recipe) -> np.ndarray:
    """The definition, step by step."""
    shorter = round(recipe.size / recipe.crop_fraction)
    scale = shorter / min(picture.size)
    whole = picture.resize((round(picture.width * scale), round(picture.height * scale)), FILTERS[recipe.interpolation])
    left, top = (whole.width - recipe.size) // 2, (whole.height - recipe.size) // 2
    return np.asarray(whole.crop((left, top, left + recipe.size, top + recipe.size))).transpose(2, 0, 1)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("size", "fraction"), [(224, 0.875), (224, 1.0), (96, 0.75)])
def test_preparing_equals_resizing_the_shorter_side_and_cropping_the_middle(interpolation: str, size: int, fraction: float) -> None:
    picture = photo().crop((0, 0, 576, 384))  # both sides and the margins come out in whole pixels: the definition has nothing to round
    recipe = Recipe(size, fraction, interpolation)
    prepared = IMAGE.prepare(encoded(picture), recipe)
    assert prepared.dtype == np.uint8 and prepared.shape == (3, size, size) and prepared.flags["C_CONTIGUOUS"]
    assert np.abs(prepared.astype(int) - resized_then_cropped(picture, recipe)).max() <= 1


def test_a_large_jpeg_is_decoded_at_a_fraction_and_hardly_differs() -> None:
    content = encoded(photo().resize((2560, 1708), Image.Resampling.BICUBIC), "JPEG", quality=90)
    with Image.open(io.BytesIO(content)) as whole:
        exact = IMAGE.prepare(encoded(whole.convert("RGB"), "PNG", compress_level=1), Recipe(224, 0.875))
    assert np.abs(IMAGE.prepare(content, Recipe(224, 0.875)).astype(int) - exact).mean() < 2


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 64), st.floats(0.3, 1.0))
def test_any_picture_gives_the_size_that_was_asked_for(width: int, height: int, size: int, fraction: float) -> None:
    assert IMAGE.prepare(encoded(Image.new("RGB", (width, height), (1, 2, 3))), Recipe(size, fraction)).shape == (3, size, size)


def test_a_strip_of_ten_thousand_pixels_costs_no_more_than_a_square() -> None:
    assert IMAGE.prepare(encoded(Image.new("RGB", (10_000, 1), (9, 8, 7))), Recipe(224, 0.875))[:, 5, 5].tolist() == [9, 8, 7]


def test_a_recipe_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="crop fraction"):
        Recipe(224, 1.5)
    with pytest.raises(InputError, match="at least 1 pixel"):
        Recipe(0)
    with pytest.raises(InputError, match="did you mean: bicubic"):
        IMAGE.prepare(encoded(tile(0)), Recipe(8, 1.0, "bicubc"))


def test_an_unknown_kind_of_data_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="allowed: audio, image, text"):
        modality.get("smell")
    assert modality.names() == ("audio", "image", "text")


def test_examining_tells_size_and_mode_and_is_a_pure_function() -> None:
    content = encoded(photo(), "JPEG")
    examined = IMAGE.examine(content)
    assert (*examined.size, examined.mode) == (640, 427, "RGB")
    assert examined == IMAGE.examine(content)
