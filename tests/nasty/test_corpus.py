"""The corpus: every nasty file is refused in words that say why, or survived, within its bounds of memory and time and its own folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.nasty import archives, pictures, sounds, tables, weights
from tests.nasty.nasty import Nasty

ROOT = Path(__file__).resolve().parents[2]
CORPUS = [*archives.ALL, *pictures.ALL, *weights.ALL, *tables.ALL, *sounds.ALL]
SECONDS_MAX = 20.0  # for one file; the slowest takes two or three
BYTES_MAX = 1 << 30  # of memory, the libraries' own 100 to 400 MB among them
MINIMUM = 120  # files


@dataclass
class Reader:
    """A process that has loaded one reader and forks for every file."""

    name: str
    process: subprocess.Popen[str]

    def read(self, job: dict[str, object]) -> dict[str, object]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the process that holds the reader {self.name} has died"
        return dict(json.loads(answer))


def started(name: str) -> Reader:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.nasty.bounded", name]
    return Reader(name, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment))


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, Reader]]:
    made: dict[str, Reader] = {}
    yield made
    for reader in made.values():
        assert reader.process.stdin and reader.process.stdout
        reader.process.stdin.close()
        reader.process.wait(30)
        reader.process.stdout.close()


def state(folder: Path) -> dict[str, str]:
    """Everything in a folder, to see afterwards that nothing in it has changed."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("nasty", CORPUS, ids=[f"{one.reader}:{one.file.split('/')[0]}" for one in CORPUS])
def test_a_nasty_file_is_refused_or_survived(nasty: Nasty, readers: dict[str, Reader], tmp_path: Path) -> None:
    if nasty.reader == "clip" and find_spec("headstart.modality.audio") is None:
        pytest.skip("no reader of clips yet")
    given, work = tmp_path / "given", tmp_path / "work"
    given.mkdir()
    work.mkdir()
    path = nasty.make(given)
    before = state(given)
    if nasty.reader not in readers:
        readers[nasty.reader] = started(nasty.reader)
    found = readers[nasty.reader].read({"reader": nasty.reader, "path": str(path), "work": str(work), "environment": dict(nasty.environment)})
    assert found["outcome"] == ("survived" if nasty.words is None else "refused"), found
    assert nasty.words is None or re.search(nasty.words, str(found["message"])), found["message"]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", str(found["message"])), "a message that a terminal would obey"
    assert found["outside"] == [] and state(given) == before and sorted(one.name for one in tmp_path.iterdir()) == ["given", "work"]
    assert float(str(found["seconds"])) < SECONDS_MAX and int(str(found["bytes"])) < BYTES_MAX


def test_the_corpus_is_large_and_made_the_same_every_time(tmp_path: Path) -> None:
    assert len(CORPUS) >= MINIMUM and len({(one.reader, one.file) for one in CORPUS}) == len(CORPUS)
    for n, one in enumerate(CORPUS[:: max(1, len(CORPUS) // 25)]):
        folders = [tmp_path / f"{n}-{side}" for side in "ab"]
        for folder in folders:
            folder.mkdir()
        first, second = (one.make(folder) for folder in folders)
        assert [value for _, value in sorted(state(first.parent).items())] == [value for _, value in sorted(state(second.parent).items())]
