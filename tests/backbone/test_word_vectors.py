"""A table of word vectors as a text network: means of real words only, the unknown one, and the one cut that it has."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from headstart.backbone.cut import Backbone
from headstart.backbone.networks.word_vectors import translate, word_vectors
from headstart.base.errors import InputError, IntegrityError
from headstart.modality.tokens import checksum, tokens_of

TABLE = torch.arange(12.0).reshape(4, 3)
IDS = torch.tensor([[0, 2, -1, -1], [4, 1, 1, 3], [-1, -1, -1, -1]], dtype=torch.int32)


def network() -> torch.nn.Module:
    made = word_vectors({"vocab_size": 4, "hidden_size": 3}, "mean").eval()
    made.load_state_dict(translate({"array": TABLE}))
    return made


def test_a_text_is_the_mean_of_its_words_whatever_stands_behind_its_end() -> None:
    with torch.no_grad():
        found = network()(IDS)
    assert torch.equal(found[0], (TABLE[0] + TABLE[2]) / 2)
    assert torch.allclose(found[1], (TABLE.mean(0) + 2 * TABLE[1] + TABLE[3]) / 4) and torch.equal(found[2], torch.zeros(3))


def test_it_is_cut_before_and_behind_its_table_without_a_difference() -> None:
    made = network()
    backbone = Backbone(made, IDS[:1].clamp(min=0))
    with torch.no_grad():
        assert backbone.cuts == (0, 1)
        assert all(torch.equal(backbone.part(cut, 1)(*backbone.part(0, cut)(IDS))[0], made(IDS)) for cut in backbone.cuts)
    made(IDS).square().sum().backward()
    gradient = next(made.parameters()).grad
    assert gradient is not None and gradient[2].abs().sum() > 0


@pytest.mark.parametrize("sizes", [{}, {"vocab_size": 4}, {"vocab_size": 0, "hidden_size": 3}, {"vocab_size": 10**12, "hidden_size": 3}])
def test_sizes_that_make_no_table_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(InputError, match="vocab_size and hidden_size"):
        word_vectors(sizes, "mean")


def test_words_are_lower_cased_split_at_marks_and_numbered_by_their_row(tmp_path: Path) -> None:
    path = tmp_path / "words.parquet"
    parquet.write_table(pa.table({"index": ["the", "king", ",", "caf\u00e9"]}), path)
    assert tokens_of("The KING, the caf\u00e9 unheard-of", str(path), checksum(path), 99).tolist() == [0, 1, 2, 0, 3, 4, 4, 4]
    assert tokens_of("The KING, the", str(path), checksum(path), 2).tolist() == [0, 1]
    (tmp_path / "none.parquet").write_bytes(b"no table")
    with pytest.raises(IntegrityError, match="no tokenizer"):
        tokens_of("the", str(tmp_path / "none.parquet"), checksum(tmp_path / "none.parquet"), 99)
