"""The corpus: every nasty file is refused in words that say why, or survived, within its bounds of memory and time and its own folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.nasty import archives, pictures, sounds, tables, weights
from tests.nasty.held import Reader, is_there, started
from tests.nasty.nasty import Nasty

CORPUS = [*archives.ALL, *pictures.ALL, *weights.ALL, *tables.ALL, *sounds.ALL]
SECONDS_MAX = 20.0  # for one file; the slowest takes two or three
BYTES_MAX = 1 << 30  # of memory, the libraries' own 100 to 400 MB among them
MINIMUM = 120  # files


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, Reader]]:
    made: dict[str, Reader] = {}
    yield made
    for reader in made.values():
        reader.close()


def state(folder: Path) -> dict[str, str]:
    """Everything in a folder, to see afterwards that nothing in it has changed."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("nasty", CORPUS, ids=[f"{one.reader}:{one.file.split('/')[0]}" for one in CORPUS])
def test_a_nasty_file_is_refused_or_survived(nasty: Nasty, readers: dict[str, Reader], tmp_path: Path) -> None:
    if not is_there(nasty.reader):
        pytest.skip("this reader has not been built yet")
    given, work = tmp_path / "given", tmp_path / "work"
    given.mkdir()
    work.mkdir()
    path = nasty.make(given)
    before = state(given)
    if nasty.reader not in readers:
        readers[nasty.reader] = started(nasty.reader)
    found = readers[nasty.reader].read(path, work, nasty.environment)
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
