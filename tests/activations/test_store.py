"""The store keeps what it was given, notices damage, survives kill -9 and neighbours, and stays below its limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import headstart
from headstart.activations.shard import open_shard
from headstart.activations.store import Stage, Store
from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Event
from headstart.base.hashing import digest

SOURCE = Path(headstart.__file__).parents[1]
STAGE = Stage("a" * 32, "some network · head")


def named(count: int, start: int = 0) -> list[str]:
    return [digest(str(n)) for n in range(start, start + count)]


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, 3, 2)).astype(np.float16), generator.normal(size=(count, 5)).astype(np.float32)


def filled(folder: Path, count: int = 10) -> Store:
    store = Store(folder, limit_bytes=1 << 30)
    store.shelf(STAGE).put(named(count), rows(count), 1.0)
    return store


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(12)), split=st.integers(1, 11))
def test_rows_come_back_in_any_order_from_any_shards(tmp_path_factory: pytest.TempPathFactory, order: list[int], split: int) -> None:
    store = Store(tmp_path_factory.mktemp("store"), limit_bytes=1 << 30)
    names, values = named(12), rows(12)
    store.shelf(STAGE).put(names[:split], tuple(v[:split] for v in values), 1.0)
    store.shelf(STAGE).put(names[split:], tuple(v[split:] for v in values), 1.0)
    gathered = store.shelf(STAGE).gather([names[n] for n in order])
    for got, given_values in zip(gathered, values, strict=True):
        assert np.array_equal(got, given_values[list(order)])
        assert got.dtype == given_values.dtype


def test_a_flipped_bit_is_noticed_named_and_only_that_row_is_lost(tmp_path: Path) -> None:
    filled(tmp_path)
    path = next(tmp_path.rglob("*.safetensors"))
    content = bytearray(path.read_bytes())
    offset = content.index(rows(10)[1][4].tobytes())
    content[offset + 3] ^= 0x10
    path.write_bytes(content)
    heard: list[Event] = []
    shelf = Store(tmp_path, limit_bytes=1 << 30).shelf(STAGE, heard.append)
    assert shelf.sound(named(10)) == [n != 4 for n in range(10)]
    assert "checksum" in heard[0].text
    with pytest.raises(IntegrityError, match="1 items are not in"):
        shelf.gather(named(10))


@pytest.mark.parametrize("keep", [0, 5, 40, 200, -1])
def test_a_truncated_shard_is_removed_and_named(tmp_path: Path, keep: int) -> None:
    filled(tmp_path)
    path = next(tmp_path.rglob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:keep])
    heard: list[Event] = []
    shelf = Store(tmp_path, limit_bytes=1 << 30).shelf(STAGE, heard.append)
    assert not any(shelf.sound(named(10)))
    assert "not a whole shard" in heard[0].text
    assert not path.exists()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_damage_to_the_header_crashes_or_reads_wrong_rows(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("store")
    filled(folder)
    path = next(folder.rglob("*.safetensors"))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    shelf = Store(folder, limit_bytes=1 << 30).shelf(STAGE)
    for n, name in enumerate(named(10)):
        if shelf.sound([name]) == [True]:
            got = shelf.gather([name])
            if len(got) == 2:
                assert got[0].tobytes() == rows(10)[0][n].tobytes()
                assert got[1].tobytes() == rows(10)[1][n].tobytes()


def test_a_header_that_promises_too_much_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "bomb.safetensors"
    path.write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    with pytest.raises(IntegrityError, match="out of bounds"):
        open_shard(path)


def test_more_shards_are_open_at_once_than_the_system_lets_a_process_begin_with(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 512:
        pytest.skip("the system lets this process hold no more")
    code = """
import resource, sys, numpy as np
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from headstart.activations.store import Stage, Store
from headstart.base.hashing import digest
shelf = Store(Path(sys.argv[1])).shelf(Stage("a" * 32, "x"))
for n in range(100):
    shelf.put([digest(str(n))], (np.full((1, 1), n, np.float32),), 0.1)
assert shelf.gather([digest(str(n)) for n in range(100)])[0][:, 0].tolist() == list(range(100))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_several_processes_fill_one_stage_at_once(tmp_path: Path) -> None:
    code = """
import sys, numpy as np
from pathlib import Path
from headstart.activations.store import Stage, Store
from headstart.base.hashing import digest
start = int(sys.argv[2])
for begin in range(start, start + 50, 5):
    names = [digest(str(n)) for n in range(begin, begin + 5)]
    Store(Path(sys.argv[1]), limit_bytes=1 << 30).shelf(Stage("a" * 32, "x")).put(names, (np.arange(begin, begin + 5, dtype=np.float32)[:, None],), 0.1)
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(start)]) for start in (0, 25, 50)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    shelf = Store(tmp_path, limit_bytes=1 << 30).shelf(STAGE)
    assert shelf.gather(named(100))[0][:, 0].tolist() == list(range(100))


def test_kill_9_in_the_middle_of_writing_leaves_whole_shards_only(tmp_path: Path) -> None:
    code = """
import sys, numpy as np
from pathlib import Path
from headstart.activations.store import Stage, Store
from headstart.base.hashing import digest
shelf = Store(Path(sys.argv[1]), limit_bytes=1 << 40).shelf(Stage("a" * 32, "x"))
for n in range(10 ** 6):
    shelf.put([digest(str(n))], (np.full((1, 200_000), n, dtype=np.float32),), 0.1)
"""
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.rglob("*.safetensors"))) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    store = Store(tmp_path, limit_bytes=1 << 40)
    shelf = store.shelf(STAGE)
    whole = sum(name in shelf for name in named(2000))
    assert whole >= 5
    assert (shelf.gather(named(whole))[0][:, 0] == np.arange(whole)).all()
    for partial in tmp_path.rglob(".*.partial"):
        os.utime(partial, (0, 0))
    store.prune()
    assert not list(tmp_path.rglob(".*.partial"))


def test_pruning_removes_the_least_recently_used_first_and_says_how_much(tmp_path: Path) -> None:
    store = Store(tmp_path, limit_bytes=1 << 30)
    old, new = Stage("b" * 32, "old"), Stage("c" * 32, "new")
    for stage, age in ((old, 1000.0), (new, 10.0)):
        shelf = store.shelf(stage)
        shelf.put(named(100), (np.zeros((100, 100), np.float32),), 1.0)
        for path in (tmp_path / stage.key).glob("*.safetensors"):
            os.utime(path, (time.time() - age, time.time() - age))
    assert [one.label for one in store.usage().stages] == ["new", "old"]
    store.shelf(old).touch()
    freed = store.prune(store.usage().bytes - 1)
    assert freed > 40_000
    assert [one.label for one in store.usage().stages] == ["old"]
    assert store.usage().items == 100


def test_usage_of_a_store_that_does_not_exist_yet_is_nothing(tmp_path: Path) -> None:
    usage = Store(tmp_path / "none", limit_bytes=5).usage()
    assert (usage.bytes, usage.items, usage.limit, usage.stages) == (0, 0, 5, ())


READING = """
import sys
from pathlib import Path
from headstart.activations.store import Stage, Store
from headstart.base.hashing import digest

def mapped() -> int:
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("RssFile"))

shelf = Store(Path(sys.argv[1]), limit_bytes=1 << 40, resident_bytes=int(sys.argv[2]) or None).shelf(Stage("a" * 32, "some network"))
names, most, before = [digest(str(n)) for n in range(64)], 0, mapped()
for again in range(2):
    for begin in range(0, 64, 4):
        shelf.gather(names[begin : begin + 4])
        most = max(most, mapped() - before)
print(most)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell what a process holds")
def test_no_more_of_the_store_is_held_in_memory_than_was_asked(tmp_path: Path) -> None:
    store, values = Store(tmp_path, limit_bytes=1 << 40), np.random.default_rng(0).normal(size=(64, 256, 1024)).astype(np.float32)
    for begin in range(0, 64, 16):
        store.shelf(STAGE).put(named(16, begin), (values[begin : begin + 16],), 1.0)
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}

    def most(resident_bytes: int) -> int:
        done = subprocess.run([sys.executable, "-c", READING, str(tmp_path), str(resident_bytes)], env=environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert most(0) > 60 << 20, "64 MB lie there"
    assert most(8 << 20) < 24 << 20


def test_a_row_that_is_damaged_in_one_shard_is_taken_from_another_that_holds_it_too(tmp_path: Path) -> None:
    heard: list[Event] = []
    store = filled(tmp_path)
    store.shelf(STAGE).put(named(10), rows(10), 1.0)
    first, second = sorted(tmp_path.rglob("*.safetensors"))
    content = bytearray(second.read_bytes())
    content[content.index(rows(10)[1][4].tobytes())] ^= 1
    second.write_bytes(content)
    shelf = store.shelf(STAGE, heard.append)
    assert all(shelf.sound(named(10))) and heard == []
    assert np.array_equal(shelf.gather(named(10))[1], rows(10)[1])
    first.unlink()
    assert store.shelf(STAGE, heard.append).sound(named(10)) == [n != 4 for n in range(10)] and "row 4 differs from its checksum" in heard[0].text


def test_a_shard_that_another_process_pruned_is_neither_damaged_nor_counted(tmp_path: Path) -> None:
    heard: list[Event] = []
    store = filled(tmp_path)
    place = next(tmp_path.rglob("*.safetensors")).parent
    (place / "gone.safetensors").symlink_to(place / "nowhere")  # listed, and not there when it is opened
    (place / ".gone.partial").symlink_to(place / "nowhere")
    shelf = store.shelf(STAGE, heard.append)
    assert all(shelf.sound(named(10))) and heard == []
    assert store.usage().items == 10 and store.prune() == 0
    next(path for path in place.glob("*.safetensors") if not path.is_symlink()).unlink()
    shelf.touch()
    assert np.array_equal(shelf.gather(named(10))[0], rows(10)[0]), "what is mapped can still be read"


def test_what_crashes_left_is_swept_once_it_is_old_and_a_folder_goes_when_nothing_is_in_it(tmp_path: Path) -> None:
    store = filled(tmp_path)
    place = next(tmp_path.rglob("*.safetensors")).parent
    for name, age in ((".old.1.partial", 7200), (".young.1.partial", 60)):
        (place / name).write_bytes(bytes(100))
        os.utime(place / name, (time.time() - age, time.time() - age))
    assert store.prune() == 100 and {path.name for path in place.glob(".*")} == {".young.1.partial"}
    size = store.usage().bytes
    assert store.prune(0) == size and place.is_dir(), "somebody writes there"
    (place / ".young.1.partial").unlink()
    assert store.prune(0) == 0 and not place.exists()


def test_a_damaged_shard_counts_for_its_bytes_alone(tmp_path: Path) -> None:
    store = filled(tmp_path)
    path = next(tmp_path.rglob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:50])
    (path.parent / "label.txt").unlink()
    (stage,) = store.usage().stages
    assert (stage.items, stage.bytes, stage.label) == (0, 50, STAGE.key)


def test_nothing_is_written_for_no_items(tmp_path: Path) -> None:
    assert Store(tmp_path).shelf(STAGE).put([], (np.zeros((0, 3)),), 0.0) == 0 and not list(tmp_path.iterdir())


def test_tables_of_different_lengths_are_no_shard(tmp_path: Path) -> None:
    content = save({"items": np.zeros((3, 16), np.uint8), "checks": np.zeros(2, np.uint32), "value0": np.zeros((3, 2), np.float32)}, {"seconds": "1.0"})
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(IntegrityError, match="its tables differ in length"):
        open_shard(tmp_path / "a.safetensors")


def test_a_limit_in_the_environment_is_a_size_or_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE_BYTES", "2GB")
    assert Store(tmp_path).limit_bytes == 2_000_000_000
    monkeypatch.setenv("HEADSTART_CACHE_BYTES", "plenty")
    with pytest.raises(InputError, match="HEADSTART_CACHE_BYTES is not a size"):
        Store(tmp_path)
