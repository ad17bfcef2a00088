"""One forward pass: hits across data sets and cuts, a deeper cut from its stored ancestor, one per cent more costs one per cent."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL
import pytest
import torch
from torch import nn

from headstart.activations.collect import collect
from headstart.activations.cost import cost
from headstart.activations.store import Store
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import EXACT, engine_named
from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.base.hashing import digest_content
from headstart.modality.image import ImageRecipe


@dataclass
class Numbers:
    """Items that are arrays, and a record of which were asked for."""

    arrays: Sequence[np.ndarray]
    asked: list[int] = field(default_factory=list)

    @property
    def content(self) -> tuple[str, ...]:
        return tuple(digest_content(array.tobytes()) for array in self.arrays)

    def name(self, index: int) -> str:
        return f"number {index}"

    def prepare(self, index: int) -> np.ndarray:
        self.asked.append(index)
        return self.arrays[index]


def network() -> Backbone:
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 4, 3)]
    return Backbone(nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()), torch.rand(1, 3, 16, 16))


def pictures(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).random((count, 3, 16, 16), dtype=np.float32))


def test_what_is_stored_is_what_the_network_says(tmp_path: Path) -> None:
    backbone, items = network(), Numbers(pictures(50))
    kept = collect(backbone, [1, 3], items, EXACT, Store(tmp_path), label="tiny")
    with torch.no_grad():
        whole = backbone.network(torch.from_numpy(np.stack(items.arrays)))
        (ahead,) = backbone.part(1, 3)(torch.from_numpy(kept[1].rows(np.arange(50))[0]))
    assert np.allclose(kept[3].rows(np.arange(50))[0], whole.numpy(), atol=1e-6)
    assert torch.allclose(ahead, whole, atol=1e-6)


def test_a_second_pass_reads_nothing_and_computes_nothing(tmp_path: Path) -> None:
    backbone, items = network(), Numbers(pictures(40))
    first = collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny")[3]
    assert (first.hits, first.misses) == (0, 40)
    items.asked.clear()
    again = collect(network(), [3], items, EXACT, Store(tmp_path), label="tiny")[3]
    assert (again.hits, again.misses, again.written_bytes) == (40, 0, 0)
    assert items.asked == []
    assert again.empty_store_seconds > 0


def test_one_per_cent_more_items_cost_only_themselves_in_any_order(tmp_path: Path) -> None:
    backbone, known = network(), pictures(100)
    collect(backbone, [3], Numbers(known), EXACT, Store(tmp_path), label="tiny")
    grown = Numbers([pictures(1, seed=9)[0], *reversed(known)])
    kept = collect(backbone, [3], grown, EXACT, Store(tmp_path), label="tiny")[3]
    assert (kept.hits, kept.misses, grown.asked) == (100, 1, [0])


def test_a_deeper_cut_starts_from_the_stored_shallower_one(tmp_path: Path) -> None:
    backbone, items = network(), Numbers(pictures(40))
    collect(backbone, [1], items, EXACT, Store(tmp_path), label="tiny")
    items.asked.clear()
    deep = collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny")[3]
    assert (deep.misses, items.asked) == (40, [])
    fresh = collect(backbone, [3], items, EXACT, Store(tmp_path / "other"), label="tiny")[3]
    assert np.array_equal(deep.rows(np.arange(40))[0], fresh.rows(np.arange(40))[0])


@pytest.mark.parametrize("stored", [1, 3])  # what the run starts from, and what it wants itself
def test_what_a_run_has_just_read_is_not_what_is_pruned(tmp_path: Path, stored: int) -> None:
    backbone, known, others = network(), pictures(40), Numbers(pictures(90, seed=5))
    collect(backbone, [stored], Numbers(known), EXACT, Store(tmp_path), label="read")
    for path in tmp_path.glob("*/*.safetensors"):
        os.utime(path, (time.time() - 7200,) * 2)
    collect(backbone, [3], others, EXACT, Store(tmp_path), label="not read", view=1)
    for path in tmp_path.glob("*/*.safetensors"):
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)
    limit = Store(tmp_path).usage().bytes
    collect(backbone, [3], Numbers([*known, *pictures(2, seed=9)]), EXACT, Store(tmp_path, limit_bytes=limit), label="read")
    assert {stage.label.split(" · ")[0] for stage in Store(tmp_path).usage().stages} == {"read"}
    assert any(stage.items == 40 + 2 * (stored == 3) and f"cut {stored}" in stage.label for stage in Store(tmp_path).usage().stages)


def test_of_other_cuts_only_what_may_serve_as_a_start_is_read(tmp_path: Path) -> None:
    backbone, items = network(), Numbers(pictures(40))
    last = collect(backbone, [1, 3], items, EXACT, Store(tmp_path), label="tiny")[1].rows(np.array([39]))[0]
    early = max(tmp_path.rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    content = bytearray(early.read_bytes())
    content[content.index(last.tobytes())] ^= 1
    early.write_bytes(content)
    heard: list[Event] = []
    assert collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny", sink=heard.append)[3].hits == 40
    assert not [event for event in heard if "damaged" in event.text], "the early maps were not looked at"
    items.asked.clear()
    collect(backbone, [1], items, EXACT, Store(tmp_path), label="tiny", sink=heard.append)
    assert items.asked == [39] and any("damaged" in event.text for event in heard)


def test_equal_content_is_computed_once(tmp_path: Path) -> None:
    items = Numbers(pictures(5) * 4)
    kept = collect(network(), [3], items, EXACT, Store(tmp_path), label="tiny")[3]
    assert (kept.misses, len(items.asked)) == (5, 5)
    assert kept.rows(np.arange(20))[0].shape == (20, 4)


def test_numbers_do_not_depend_on_neighbours_in_the_batch(tmp_path: Path) -> None:
    backbone, many = network(), pictures(70)
    together = collect(backbone, [3], Numbers(many), EXACT, Store(tmp_path / "a"), label="tiny")[3].rows(np.arange(70))[0]
    alone = collect(backbone, [3], Numbers(many[65:66]), EXACT, Store(tmp_path / "b"), label="tiny")[3].rows(np.arange(1))[0]
    assert np.array_equal(together[65:66], alone)


def test_a_damaged_row_is_computed_anew(tmp_path: Path) -> None:
    backbone, items = network(), Numbers(pictures(40))
    before = collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny")[3].rows(np.arange(40))[0]
    path = next(tmp_path.rglob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[content.index(before[7].tobytes())] ^= 1
    path.write_bytes(content)
    items.asked.clear()
    kept = collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny")[3]
    assert (kept.misses, items.asked) == (1, [7])
    assert np.array_equal(kept.rows(np.arange(40))[0], before)


def test_early_maps_that_are_larger_than_what_they_save_are_not_kept(tmp_path: Path) -> None:
    backbone = network()
    early, late = (cost(backbone, cut, 1000, EXACT, 1e6, Store(tmp_path)) for cut in (1, 3))
    assert early.bytes == 1000 * 8 * 16 * 16 * 4
    assert not early.kept
    assert cost(backbone, 3, 1000, EXACT, 100.0, Store(tmp_path)).kept
    assert not cost(backbone, 3, 1000, EXACT, 100.0, Store(tmp_path, limit_bytes=1000)).kept
    assert late.keep_seconds < early.keep_seconds


def test_the_disk_is_asked_on_which_the_store_is_going_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[Path] = []
    real = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(Path(folder)) or real(folder))
    for folder in (Path("not/there"), tmp_path / "nor" / "there"):
        assert cost(network(), 3, 1000, EXACT, 100.0, Store(folder)).kept
    assert asked == [tmp_path, tmp_path]


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean: torch-float32"):
        engine_named("torch-float3")


def test_what_another_version_of_an_engine_or_a_decoder_computed_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, items = network(), Numbers(pictures(3))
    collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny")
    monkeypatch.setattr(torch, "__version__", "0.0")
    assert collect(backbone, [3], items, EXACT, Store(tmp_path), label="tiny")[3].misses == 3
    pillow = ImageRecipe(224).identity
    monkeypatch.setattr(PIL, "__version__", "0.0")
    assert ImageRecipe(224).identity != pillow
