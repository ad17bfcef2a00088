"""Items of different lengths: what is kept is what the network says of each alone, without padding, whatever stood beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.activations.test_collect import Numbers
from torch import Tensor, nn

from headstart.activations.batch import bucket, end_to_end, side_by_side
from headstart.activations.collect import collect
from headstart.activations.store import Store
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import EXACT
from headstart.ranking.pool import pooled

WORDS, WIDTH = 50, 6


class Mask(nn.Module):
    """Which tokens are no padding."""

    def forward(self, ids: Tensor) -> Tensor:
        return (ids >= 0).float()


class Embed(nn.Module):
    """Tokens to vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, WIDTH)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.table(ids.clamp(min=0).long()) * mask[..., None]


class Mix(nn.Module):
    """Each token looks at the mean of all."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.others = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return torch.tanh(self.own(x) + self.others(mean)[:, None]) * mask[..., None]


class Pool(nn.Module):
    """The mean of the tokens."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class Reader(nn.Module):
    """A small network of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.mask, self.embed, self.first, self.second, self.pool = Mask(), Embed(), Mix(), Mix(), Pool()

    def forward(self, ids: Tensor) -> Tensor:
        mask = self.mask(ids)
        x = self.embed(ids, mask)
        x = self.first(x, mask)
        x = self.second(x, mask)
        return self.pool(x, mask)


def backbone() -> Backbone:
    torch.manual_seed(0)
    return Backbone(Reader(), torch.zeros((1, 13), dtype=torch.int32))


def texts(count: int, seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, WORDS, generator.integers(1, 70)).astype(np.int32) for _ in range(count)]


def test_a_network_of_tokens_is_cut_behind_every_layer_and_the_mask_crosses_too() -> None:
    cut = backbone()
    assert cut.varies and cut.cuts == (0, 1, 2, 3)
    assert [cut.varying(one) for one in cut.cuts] == [(True,), (True, True), (True, True), (False,)]


@pytest.mark.parametrize("at", [1, 2])
def test_what_is_kept_of_a_text_does_not_depend_on_its_neighbours(tmp_path: Path, at: int) -> None:
    network, items = backbone(), Numbers(texts(80))
    kept = collect(network, [at, 3], items, EXACT, Store(tmp_path), label="tiny")
    order = np.random.default_rng(1).permutation(80)
    rows = kept[at].rows(order)
    assert rows[1].shape == (80, max(len(one) for one in items.arrays), WIDTH) and rows[0].sum(1).tolist() == [len(items.arrays[n]) for n in order]
    with torch.no_grad():
        alone = torch.cat([network.network(torch.from_numpy(one[None])) for one in items.arrays]).numpy()
        (ahead,) = network.part(at, 3)(*(torch.from_numpy(array) for array in rows))
    assert np.allclose(kept[3].rows(np.arange(80))[0], alone, atol=1e-6)
    assert np.allclose(ahead.numpy(), alone[order], atol=1e-6)


def test_padding_takes_no_place_on_the_disk(tmp_path: Path) -> None:
    items = Numbers(texts(64))
    kept = collect(backbone(), [1], items, EXACT, Store(tmp_path), label="tiny")[1]
    tokens = sum(len(one) for one in items.arrays)
    assert kept.written_bytes < 4 * tokens * (WIDTH + 1) + 64 * 50 + 1000


def test_a_deeper_cut_starts_from_what_is_kept_of_the_shallower_one(tmp_path: Path) -> None:
    items = Numbers(texts(40))
    collect(backbone(), [1], items, EXACT, Store(tmp_path), label="tiny")
    items.asked.clear()
    deeper = collect(backbone(), [2], items, EXACT, Store(tmp_path), label="tiny")[2].rows(np.arange(40))
    assert items.asked == []
    fresh = collect(backbone(), [2], items, EXACT, Store(tmp_path / "other"), label="tiny")[2].rows(np.arange(40))
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(deeper, fresh, strict=True))


def test_rows_of_several_shards_are_padded_to_the_longest_of_all(tmp_path: Path) -> None:
    short, long = [np.arange(3, dtype=np.int32)], [np.arange(40, dtype=np.int32)]
    collect(backbone(), [1], Numbers(short), EXACT, Store(tmp_path), label="tiny")
    collect(backbone(), [1], Numbers(long), EXACT, Store(tmp_path), label="tiny")
    both = collect(backbone(), [1], Numbers([*short, *long]), EXACT, Store(tmp_path), label="tiny")[1]
    assert both.misses == 0
    for order in ([0, 1], [1, 0]):
        mask, x = both.rows(np.array(order))
        assert x.shape == (2, 40, WIDTH) and mask.sum(1).tolist() == [(3.0, 40.0)[n] for n in order]


def test_the_mean_over_tokens_leaves_padding_out() -> None:
    x = np.array([[[1.0], [3.0], [0.0]]])
    assert pooled((np.array([[1.0, 1.0, 0.0]]), x)).tolist() == [[2.0]]


def test_side_by_side_and_end_to_end_undo_each_other() -> None:
    items = texts(9)
    lengths = np.array([len(one) for one in items])
    assert np.array_equal(end_to_end(side_by_side(items, bucket(max(lengths))), lengths), np.concatenate(items))
    assert side_by_side([np.ones((2, 3), np.float32), np.ones((1, 3), np.float32)])[1].tolist() == [[1.0] * 3, [0.0] * 3]
