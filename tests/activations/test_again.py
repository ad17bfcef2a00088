"""A pass that a kill broke off, or whose shards were lost, is done again as it was planned: in the same batches, from the same cut, to the same cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.activations.test_collect import Numbers, network, pictures

from headstart.activations.collect import collect
from headstart.activations.store import Store
from headstart.backbone.engines.protocol import BATCH_ITEMS
from headstart.backbone.engines.race import EXACT
from headstart.base.events import Event
from headstart.base.journal import begin

N = 3 * BATCH_ITEMS - 6


def shards(store: Path, cut: int) -> list[Path]:
    return [file for label in store.rglob("label.txt") if f"cut {cut}/" in label.read_text(encoding="utf-8") for file in label.parent.glob("*.safetensors")]


@pytest.mark.parametrize("planned_full", [False, True], ids=["planned from an empty store", "planned from a full one"])
def test_one_row_that_is_lost_brings_its_whole_batch_to_all_cuts(planned_full: bool, tmp_path: Path) -> None:
    items, notes, store = Numbers(pictures(N)), list[str](), Store(tmp_path / "store")
    journal = begin(tmp_path, 0.0)
    if planned_full:
        collect(network(), [1, 3], items, EXACT, store, label="tiny")
    first = collect(network(), [1, 3], items, EXACT, store, label="tiny", recall=journal.recall)
    before = [first[cut].rows(np.arange(N))[0] for cut in (1, 3)]
    (shard,) = shards(store.folder, 1)
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1  # of the last row
    shard.write_bytes(bytes(content))
    items.asked.clear()

    def sink(event: Event) -> None:
        notes.append(event.text)

    again = collect(network(), [1, 3], items, EXACT, store, label="tiny", sink=sink, recall=journal.recall)
    assert sorted(items.asked) == list(range(2 * BATCH_ITEMS, N)), "the batch of the lost row, whole"
    assert [len(shards(store.folder, cut)) for cut in (1, 3)] == [2, 2], "to all cuts"
    assert any("1 of 90 items are not in the store, or damaged" in note for note in notes)
    assert all(np.array_equal(rows, again[cut].rows(np.arange(N))[0]) for cut, rows in zip((1, 3), before, strict=True))
    items.asked.clear()
    collect(network(), [1, 3], items, EXACT, store, label="tiny", recall=journal.recall)
    assert items.asked == [], "beside the damaged row lies a whole one, and that is found"


def test_where_the_shallow_cut_was_lost_it_is_not_the_start_of_the_deep_one(tmp_path: Path) -> None:
    """It was planned from the shallow cut; that is gone with its ancestor's shards, so the pass begins at the beginning."""
    items, store, journal = Numbers(pictures(N)), Store(tmp_path / "store"), begin(tmp_path, 0.0)
    collect(network(), [1], items, EXACT, store, label="tiny")
    collect(network(), [3], items, EXACT, store, label="tiny", recall=journal.recall)
    for cut in (1, 3):
        shards(store.folder, cut)[0].unlink()
    items.asked.clear()
    found = collect(network(), [3], items, EXACT, store, label="tiny", recall=journal.recall)[3]
    assert len(items.asked) == N and found.misses == N and len(found.rows(np.arange(N))[0]) == N
