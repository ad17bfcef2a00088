"""Data sets made of real pieces of photographs, in a home of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.modality.photos import tile, write


@pytest.fixture(autouse=True)
def _home(empty_home: Path) -> None:
    """What is examined here is forgotten afterwards."""


@pytest.fixture
def flowers(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes class folders: ``flowers(rose=6, daisy=5)``; every picture is another one."""
    used = iter(range(120))

    def make(root: str | Path = "flowers", suffix: str = ".png", **classes: int) -> Path:
        folder = tmp_path / root
        for name, n in classes.items():
            for number in range(n):
                write(folder / name / f"{number}{suffix}", tile(next(used)))
        return folder

    return make
