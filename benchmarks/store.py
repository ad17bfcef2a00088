"""Which store for activations: safetensors shards, LMDB or SQLite? Same rows, same checksums, same run, interleaved.

    python -m benchmarks.store

Writes n rows (fsynced), opens anew, reads all rows in order, then shuffled batches of 32; prints median seconds of the repeats.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from headstart.activations.store import Stage, Store
from headstart.base.hashing import digest

N_ITEMS = 4000
SHAPES = {"head of EfficientNet-Lite0 (2.5 KB)": (1280,), "last two blocks (18.8 KB)": (192, 7, 7)}
BATCH = 32
REPEATS = 5
CHUNK = 1000


class Shards:
    name = "safetensors shards"

    def __init__(self, folder: Path) -> None:
        self.store, self.stage, self.folder = Store(folder, limit_bytes=1 << 40), Stage("0" * 32, "benchmark"), folder

    def write(self, items: list[str], rows: np.ndarray) -> None:
        shelf = self.store.shelf(self.stage)
        for begin in range(0, len(items), CHUNK):
            shelf.put(items[begin : begin + CHUNK], (rows[begin : begin + CHUNK],), 0.0)

    def open(self) -> None:
        self.shelf = self.store.shelf(self.stage)

    def read(self, items: list[str]) -> np.ndarray:
        return self.shelf.gather(items)[0]


class Lmdb:
    name = "LMDB"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def write(self, items: list[str], rows: np.ndarray) -> None:
        import lmdb

        self.shape, self.dtype = rows.shape[1:], rows.dtype
        with lmdb.open(str(self.folder), map_size=8 << 30) as environment:
            for begin in range(0, len(items), CHUNK):
                with environment.begin(write=True) as transaction:
                    for item, row in zip(items[begin : begin + CHUNK], rows[begin : begin + CHUNK], strict=True):
                        raw = row.tobytes()
                        transaction.put(bytes.fromhex(item), zlib.crc32(raw).to_bytes(4, "little") + raw)

    def open(self) -> None:
        import lmdb

        self.environment, self.checked = lmdb.open(str(self.folder), map_size=8 << 30, readonly=True), set()

    def read(self, items: list[str]) -> np.ndarray:
        out = np.empty((len(items), *self.shape), self.dtype)
        with self.environment.begin(buffers=True) as transaction:
            for n, item in enumerate(items):
                raw = transaction.get(bytes.fromhex(item))
                if item not in self.checked:
                    assert zlib.crc32(raw[4:]) == int.from_bytes(raw[:4], "little")
                    self.checked.add(item)
                out[n] = np.frombuffer(raw, self.dtype, offset=4).reshape(self.shape)
        return out


class Sqlite:
    name = "SQLite blobs"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "store.sqlite"

    def write(self, items: list[str], rows: np.ndarray) -> None:
        self.shape, self.dtype = rows.shape[1:], rows.dtype
        connection = sqlite3.connect(self.path)
        connection.execute("pragma journal_mode=wal")
        connection.execute("create table kept (item blob primary key, sum integer, row blob) without rowid")
        for begin in range(0, len(items), CHUNK):
            with connection:
                values = [
                    (bytes.fromhex(i), zlib.crc32(r.tobytes()), r.tobytes())
                    for i, r in zip(items[begin : begin + CHUNK], rows[begin : begin + CHUNK], strict=True)
                ]
                connection.executemany("insert into kept values (?, ?, ?)", values)
        connection.close()

    def open(self) -> None:
        self.connection, self.checked = sqlite3.connect(self.path), set()

    def read(self, items: list[str]) -> np.ndarray:
        out = np.empty((len(items), *self.shape), self.dtype)
        for n, item in enumerate(items):
            check, raw = self.connection.execute("select sum, row from kept where item = ?", (bytes.fromhex(item),)).fetchone()
            if item not in self.checked:
                assert zlib.crc32(raw) == check
                self.checked.add(item)
            out[n] = np.frombuffer(raw, self.dtype).reshape(self.shape)
        return out


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    items = [digest(str(n)) for n in range(N_ITEMS)]
    order = np.random.default_rng(0).permutation(N_ITEMS)
    batches = [[items[n] for n in order[begin : begin + BATCH]] for begin in range(0, N_ITEMS, BATCH)]
    for what, shape in SHAPES.items():
        rows = np.random.default_rng(1).normal(size=(N_ITEMS, *shape)).astype(np.float16)
        seconds: dict[str, list[list[float]]] = {}
        for _ in range(REPEATS):
            for kind in (Shards, Lmdb, Sqlite):
                folder = Path(tempfile.mkdtemp()) / "store"
                store = kind(folder)
                write = timed(lambda: store.write(items, rows))  # noqa: B023
                opened = timed(store.open)
                whole = timed(lambda: store.read(items))  # noqa: B023
                shuffled = timed(lambda: [store.read(batch) for batch in batches])  # noqa: B023
                assert np.array_equal(store.read(batches[0]), rows[order[:BATCH]])
                seconds.setdefault(kind.name, []).append([write, opened, whole, shuffled])
                shutil.rmtree(folder.parent)
        print(f"\n{what}, {N_ITEMS} items, {rows.nbytes / 1e6:.0f} MB, median of {REPEATS}")
        print(f"{'':20}{'write s':>10}{'open s':>10}{'all s':>10}{'shuffled s':>12}{'write MB/s':>12}{'read MB/s':>12}")
        for name, found in seconds.items():
            write, opened, whole, shuffled = (statistics.median(column) for column in zip(*found, strict=True))
            speeds = f"{rows.nbytes / write / 1e6:12.0f}{rows.nbytes / (opened + whole) / 1e6:12.0f}"
            print(f"{name:20}{write:10.3f}{opened:10.3f}{whole:10.3f}{shuffled:12.3f}{speeds}")


if __name__ == "__main__":
    main()
