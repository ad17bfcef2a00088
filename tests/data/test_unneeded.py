"""Unpacked archives make room when they are asked to, the longest unread first, and never under somebody who reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import headstart
from headstart import activations
from headstart.activations.store import Store
from headstart.base import folders
from headstart.data.unneeded import prune_unpacked, unpacked_bytes

SOURCE = Path(headstart.__file__).parents[1]
UNPACK = "import sys; from pathlib import Path; from headstart.data.unpacked import unpacked; unpacked(Path(sys.argv[1]))"
READ = UNPACK + "; print('reading', flush=True); sys.stdin.read()"


def command(script: str, archive: Path) -> list[str]:
    return [sys.executable, "-c", script, str(archive)]


@pytest.fixture
def archives(flowers: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two archives, unpacked by a process that has ended: the first one long ago."""
    root = flowers(rose=4, daisy=4)
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    made = []
    for name in ("first", "second"):
        (root / "rose" / "0.txt").write_text(name)
        made.append(Path(shutil.make_archive(str(root.parent / name), "zip", root.parent, root.name)))
        subprocess.run(command(UNPACK, made[-1]), check=True)
        for mark in (folders.home() / "unpacked").glob("*.read"):
            os.utime(mark, (mark.stat().st_mtime - 1000, mark.stat().st_mtime - 1000))
    return made


def left() -> set[str]:
    return {(path / "flowers" / "rose" / "0.txt").read_text() for path in (folders.home() / "unpacked").iterdir() if path.is_dir()}


def test_the_longest_unread_goes_first_and_comes_back_when_it_is_needed(archives: list[Path]) -> None:
    both = unpacked_bytes()
    assert left() == {"first", "second"} and prune_unpacked(both) == 0
    assert prune_unpacked(both - 1) == pytest.approx(both / 2, rel=0.1) and left() == {"second"}
    subprocess.run(command(UNPACK, archives[0]), check=True)
    assert left() == {"first", "second"}
    assert prune_unpacked() == both and unpacked_bytes() == 0 and left() == set()
    assert [path.suffix for path in (folders.home() / "unpacked").iterdir() if path.suffix != ".lock"] == []


def test_what_another_process_reads_stays_until_it_ends(archives: list[Path]) -> None:
    with subprocess.Popen(command(READ, archives[0]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout and reader.stdout.readline() == "reading\n"
        prune_unpacked()
        assert left() == {"first"}
    prune_unpacked()
    assert left() == set()


def test_the_verb_that_makes_room_takes_unpacked_archives_before_what_was_computed(archives: list[Path]) -> None:
    shard = Store().folder / ("a" * 32) / "kept.safetensors"
    shard.parent.mkdir(parents=True)
    shard.write_bytes(bytes(5000))
    assert activations.prune(5000 + unpacked_bytes()) == 0 and left() == {"first", "second"}
    assert activations.prune(5000) > 0 and left() == set() and shard.exists()
    assert activations.prune(0) == 5000 and not shard.exists()
