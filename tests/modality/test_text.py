"""Texts fulfil the protocol: what they are, their tokens by the model's own tokenizer, their counts, their preview."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from headstart.base.errors import InputError, IntegrityError
from headstart.gallery.card import TextInput
from headstart.modality import Unreadable, Vocabulary, get
from headstart.modality.text import TextRecipe
from headstart.modality.words import COLUMNS

TEXT = get("text")
WORDS = ["[UNK]", "[CLS]", "[SEP]", "query", ":", "good", "room", "bad", "好"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with a small tokenizer: words, and a mark before and behind."""
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.enable_padding(length=20)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def recipe(folder: Path, **more: object) -> TextRecipe:
    return TEXT.recipe(TextInput(**{"max_tokens": 6, **more}), folder, np.zeros((0, 2), np.int64))  # type: ignore[arg-type,return-value]


def test_tokens_are_the_tokenizers_with_its_marks_and_without_padding(folder: Path) -> None:
    tokens = TEXT.prepare(b"good room", recipe(folder))
    assert tokens.tolist() == [1, 5, 6, 2] and tokens.dtype == np.int32


def test_a_prefix_comes_first_and_long_texts_keep_the_mark_at_the_end(folder: Path) -> None:
    tokens = TEXT.prepare(b"good room " * 50, recipe(folder, prefix="query: "))
    assert tokens.tolist() == [1, 3, 4, 5, 6, 2]


def test_how_a_vocabulary_fits_is_counted_over_what_the_network_sees_of_the_words(folder: Path) -> None:
    fit = TEXT.vocabulary([b"good room!", "坏 good".encode()], recipe(folder))
    assert fit == Vocabulary(pieces_a_word=1.0, unknown=0.25)
    assert TEXT.vocabulary([b"good " * 300], recipe(folder)) == Vocabulary(1.0, 0.0)  # six tokens of three hundred words
    assert TEXT.vocabulary([b"!?"], recipe(folder)) is None and get("image").vocabulary([b""], None) is None


def test_a_recipe_is_kept_as_plain_values_moves_with_its_file_and_knows_it(folder: Path, tmp_path: Path) -> None:
    made = recipe(folder)
    other = tmp_path / "run"
    other.mkdir()
    (other / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    moved = TEXT.restored(vars(made)).moved(other)
    assert moved.identity == made.identity and Path(moved.tokenizer).parent == other  # type: ignore[attr-defined]
    assert np.array_equal(TEXT.prepare(b"bad room", moved), TEXT.prepare(b"bad room", made))
    assert recipe(folder, max_tokens=5).identity != made.identity != recipe(folder, prefix="query: ").identity
    assert made.example().dtype == np.int32 and made.example().ndim == 1


def test_a_tokenizer_that_is_another_or_gone_is_not_used(folder: Path) -> None:
    made = recipe(folder)
    (folder / "other.json").write_text("{}")
    with pytest.raises(IntegrityError, match="not the tokenizer that was recorded"):
        TEXT.prepare(b"good", TextRecipe(str(folder / "other.json"), made.sha256, 6))
    with pytest.raises(IntegrityError, match="is no tokenizer"):
        TEXT.prepare(b"good", recipe(folder, tokenizer="other.json"))
    with pytest.raises(InputError, match="tokenizer is not there"):
        recipe(folder, tokenizer="gone.json")


def test_many_threads_get_the_same_tokens(folder: Path) -> None:
    made = recipe(folder)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: TEXT.prepare((b"good " if number % 2 else b"bad ") + b"room", made).tolist(), range(200)))
    assert found == [[1, 5 if number % 2 else 7, 6, 2] for number in range(200)]


def test_examining_counts_characters_and_words_and_names_script_and_encoding() -> None:
    seen = TEXT.examine("房间很好，服务也不错，下次还来这里住。".encode("gbk"))
    assert seen.size == (19, 16) and seen.mode == "Han, GB18030"
    assert TEXT.examine(b"  a room with a view \n").size == (18, 5)
    assert seen == TEXT.examine("房间很好，服务也不错，下次还来这里住。".encode("gbk"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t ", "empty"),
        ("\ufeff".encode(), "empty"),
        (b"a\0b", "binary"),
        (b"\x89PNG\r\n\x1a\n\0", "binary"),
        (b"x" * ((1 << 20) + 1), "longer than 1 MiB"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        TEXT.examine(content)


@pytest.mark.parametrize("write", [str.encode, lambda text: text.encode("gb18030")])
def test_counts_are_of_what_is_said_not_of_its_encoding(write: Callable[[str], bytes]) -> None:
    said = "房间很好，服务也不错，下次还来这里住。"
    pairs = TEXT.plain_features(write(said))
    assert pairs.dtype == np.float32 and pairs.shape[1] == 2 and (np.diff(pairs[:, 0]) > 0).all()
    assert pairs[:, 0].min() >= 0 and pairs[:, 0].max() < COLUMNS and (pairs[:, 1] >= 1).all()
    assert np.array_equal(pairs, TEXT.plain_features(said.encode()))


def test_a_text_is_never_varied_or_halved_and_its_preview_is_its_beginning() -> None:
    tokens = np.arange(4, dtype=np.int32)
    assert TEXT.augment(tokens, np.random.default_rng(0)) is tokens and not TEXT.varies and TEXT.halved(tokens[None]) is None
    seen = TEXT.preview(("很" * 5000).encode())
    assert seen.suffix == ".txt" and seen.content.decode() == "很" * 600 + "…"
