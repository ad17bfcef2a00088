"""What keeping a cut's activations costs and saves; early maps are larger than the picture, and there recomputing wins."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np

from headstart.activations.store import Store
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.protocol import Engine, stored_type

WRITE_BYTES_PER_SECOND = 300e6  # checksum, write and fsync of a shard; measured in benchmarks/store.py
READ_BYTES_PER_SECOND = 0.9e9  # checksum and copy out of the page cache; measured in benchmarks/store.py
LARGEST_FRACTION = 0.5  # of the store's limit and of the free disk that one stage may take


@dataclass(frozen=True)
class Cost:
    """The price of one cut for a data set.

    Attributes:
        bytes: What keeping all items takes.
        keep_seconds: Writing and reading them once.
        compute_seconds: Computing them once more.
        kept: Is keeping cheaper than one recomputation, and does it fit?
    """

    bytes: int
    keep_seconds: float
    compute_seconds: float
    kept: bool


def cost(backbone: Backbone, cut: int, n_items: int, engine: Engine, items_per_second: float, store: Store) -> Cost:
    """Estimate what keeping a cut's activations of ``n_items`` costs and saves.

    Args:
        backbone: The network.
        cut: Number of frozen blocks.
        n_items: Number of items.
        engine: The engine, which decides the number format.
        items_per_second: Speed of the whole network on that engine (from the race).
        store: For its limit and its disk.
    """
    numbers = sum(int(np.prod(shape)) for shape in backbone.crossing_shapes(cut))
    size = numbers * stored_type(engine).itemsize * n_items
    keep = size / WRITE_BYTES_PER_SECOND + size / READ_BYTES_PER_SECOND
    compute = n_items * (1.0 - backbone.trainable_share(cut)) / items_per_second
    folder = next(one for one in (store.folder.absolute(), *store.folder.absolute().parents) if one.exists())
    room = LARGEST_FRACTION * min(store.limit_bytes, shutil.disk_usage(folder).free)
    return Cost(size, keep, compute, keep < compute and size < room)
