"""What a network takes of a clip, what a plain model takes, and that a recording saved again is found."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from tests.modality.sounds import RATE, encoded, word

from headstart.base.errors import InputError
from headstart.gallery.card import AudioInput
from headstart.modality import cepstra, get
from headstart.modality.audio import LOUDNESS, AudioRecipe, loudest
from headstart.modality.sound import decode

AUDIO = get("audio")
RECIPE = AudioRecipe(RATE, 1.5)


def test_examining_tells_length_rate_and_channels_and_is_a_pure_function() -> None:
    content = encoded(np.stack([word(1), word(1)], axis=1), kind="FLAC")
    examined = AUDIO.examine(content)
    assert (*examined.size, examined.mode) == (700, 16_000, "stereo")
    assert examined == AUDIO.examine(content)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_a_short_clip_stands_in_the_middle_of_its_window_at_one_loudness(rate: int) -> None:
    prepared = AUDIO.prepare(encoded(0.1 * word(1, 0.7, rate), rate), RECIPE)
    assert prepared.shape == (24_000,) and prepared.dtype == np.float32
    assert not prepared[:6_000].any() and not prepared[-6_000:].any()
    louder = AUDIO.prepare(encoded(0.8 * word(1, 0.7, rate), rate), RECIPE)
    assert np.abs(prepared - louder).max() < 2e-2
    squares = np.square(prepared)
    assert np.sqrt(squares[squares >= squares.mean()].mean()) == pytest.approx(LOUDNESS, rel=0.05)


def test_a_long_clip_shows_its_loudest_window() -> None:
    long = np.concatenate([0.05 * word(1, 3.0), word(2, 1.0), 0.05 * word(3, 3.0)])
    window = loudest(long, RATE, RATE)
    assert len(window) == RATE and np.square(window).sum() > 0.95 * np.square(word(2, 1.0)).sum()


def test_the_window_holds_nearly_all_clips_with_a_margin_and_few_windows_exist() -> None:
    given = AudioInput(RATE, 0.8, 10.0)
    seconds = {AUDIO.recipe(given, Path(), np.array([[length, RATE]] * 20)).seconds for length in range(100, 30_000, 50)}
    assert seconds <= {0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0}
    sizes = np.array([[700, RATE]] * 96 + [[9_000, RATE]] * 4)
    assert AUDIO.recipe(given, Path(), sizes) == AudioRecipe(RATE, 1.5)


def test_a_recipe_comes_back_from_json_and_nonsense_is_refused() -> None:
    assert AUDIO.restored(json.loads(json.dumps(asdict(RECIPE)))) == RECIPE
    assert RECIPE.moved(Path("elsewhere")) == RECIPE and RECIPE.example().shape == (24_000,)
    assert AudioRecipe(RATE, 2.0).identity != RECIPE.identity
    with pytest.raises(InputError, match="at least one sample"):
        AudioRecipe(RATE, 0.0)


def test_a_view_is_another_hearing_of_the_same_clip_and_follows_from_its_seed() -> None:
    prepared = AUDIO.prepare(encoded(word(1)), RECIPE)
    views = [AUDIO.augment(prepared, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(views[0], views[1]) and not np.array_equal(views[0], views[2])
    assert all(view.shape == prepared.shape and view.dtype == np.float32 and np.isfinite(view).all() for view in views)
    assert AUDIO.halved(prepared[None]) is None


def test_plain_features_tell_words_apart_and_do_not_mind_gain() -> None:
    one, quiet, other = (AUDIO.plain_features(encoded(samples, subtype="FLOAT")) for samples in (word(1), 0.1 * word(1), word(2)))
    assert one.shape == (cepstra.N_FEATURES,)
    shape = np.r_[1:20, 20:80]  # the first cepstrum is the loudness itself
    assert np.abs(one[shape] - quiet[shape]).max() < 0.2 < np.abs(one[shape] - other[shape]).max()


def test_a_slope_of_a_line_is_its_slope() -> None:
    assert np.allclose(cepstra.slope(np.arange(10, dtype=np.float32)[:, None])[2:-2], 1)


def test_a_preview_is_a_wav_of_at_most_four_seconds() -> None:
    preview = AUDIO.preview(encoded(word(1, 9.0), kind="OGG", subtype="VORBIS"))
    heard = decode(preview.content)
    assert preview.suffix == ".wav" and heard.rate == 16_000 and heard.seconds == pytest.approx(4, abs=0.01)


def thumbnails(*contents: bytes) -> np.ndarray:
    return np.stack([np.frombuffer(AUDIO.examine(content).thumbnail, np.uint8) for content in contents])


def test_the_same_recording_saved_again_is_alike_and_other_words_are_not() -> None:
    copies = [
        encoded(word(1), kind="FLAC"),
        encoded(word(1), kind="OGG", subtype="VORBIS"),
        encoded(word(1), kind="OGG", subtype="OPUS"),
        encoded(word(1), kind="MP3"),
        encoded(word(1, 0.7, 44_100), 44_100),
        encoded(0.2 * word(1)),
        encoded(np.pad(word(1), (800, 300))),
    ]
    first = thumbnails(*[encoded(word(1))] * len(copies))
    assert AUDIO.alike(first, thumbnails(*copies)).all()
    others = thumbnails(*(encoded(word(seed)) for seed in range(2, 22)))
    assert not AUDIO.alike(np.repeat(first[:1], 20, axis=0), others).any()
    for left, right in ((first, thumbnails(*copies)),):
        distances = np.linalg.norm(AUDIO.sketch(left) - AUDIO.sketch(right), axis=1)
        assert (distances <= AUDIO.reach).all()
