"""Descriptions without a network: computed once per content, kept in the store, given back in the items' order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.activations.described import describe
from headstart.activations.store import Store
from headstart.base.events import Event
from headstart.base.hashing import digest_content

CONTENT = tuple(digest_content(bytes([number])) for number in (5, 2, 9, 2, 7))  # the second and fourth are the same picture


class Computer:
    """Describes an item by numbers of its content, and remembers whom it was asked for."""

    def __init__(self, content: tuple[str, ...] = CONTENT) -> None:
        self.content = content
        self.asked: list[int] = []

    def vector(self, index: int) -> NDArray[np.float32]:
        self.asked.append(index)
        return np.frombuffer(bytes.fromhex(self.content[index])[:4], np.uint8).astype(np.float32)


def expected(content: tuple[str, ...]) -> NDArray[np.float32]:
    return np.stack([Computer(content).vector(index) for index in range(len(content))])


def test_each_content_is_computed_once_and_rows_stand_in_the_order_of_items(tmp_path: Path) -> None:
    computer = Computer()
    found = describe("plain 1", CONTENT, computer.vector, Store(tmp_path))
    assert found.dtype == np.float32 and np.array_equal(found, expected(CONTENT)) and sorted(computer.asked) == [0, 1, 2, 4]


def test_what_is_kept_is_not_computed_again_and_only_new_items_are(tmp_path: Path) -> None:
    describe("plain 1", CONTENT, Computer().vector, Store(tmp_path))
    more = (*CONTENT[::-1], digest_content(b"new"))
    computer, heard = Computer(more), list[Event]()
    assert np.array_equal(describe("plain 1", more, computer.vector, Store(tmp_path), sink=heard.append), expected(more))
    assert computer.asked == [5] and [(event.kind, event.total) for event in heard if event.kind == "start"] == [("start", 1)]


def test_another_version_of_the_description_is_computed_anew(tmp_path: Path) -> None:
    describe("plain 1", CONTENT, Computer().vector, Store(tmp_path))
    computer = Computer()
    describe("plain 2", CONTENT, computer.vector, Store(tmp_path))
    assert len(computer.asked) == 4 and [stage.items for stage in Store(tmp_path).usage().stages] == [4, 4]


def test_a_damaged_row_is_computed_again(tmp_path: Path) -> None:
    describe("plain 1", CONTENT, Computer().vector, Store(tmp_path))
    (shard,) = tmp_path.rglob("*.safetensors")
    content = bytearray(shard.read_bytes())
    wanted = expected(CONTENT)[2].tobytes()
    content[content.rindex(wanted)] ^= 255
    shard.write_bytes(bytes(content))
    computer = Computer()
    assert np.array_equal(describe("plain 1", CONTENT, computer.vector, Store(tmp_path)), expected(CONTENT)) and computer.asked == [2]
