"""Fixtures for all tests: a local gallery that is subscribed to once and kept between runs, and homes that start empty."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Two threads on two busy cores spin: torch is 6 to 70 times slower then. Set before anything imports torch; a worker of xdist each has its core.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def gallery_home() -> Iterator[Path]:
    """A HEADSTART_HOME that holds efficientnet_lite0: ``$HEADSTART_TEST_HOME``, else a folder in ``~/.cache`` that later runs use again."""
    from headstart import gallery

    home = Path(os.environ.get("HEADSTART_TEST_HOME") or Path.home() / ".cache" / "headstart-tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(home))
        gallery.subscribe(gallery.DEFAULT)
        yield home


@pytest.fixture(scope="session")
def subscribed(gallery_home: Path) -> Callable[[str], Path]:
    """A function that subscribes to a model, the first time, and gives the path of its verified weights."""

    def get(name: str) -> Path:
        from headstart import gallery

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HEADSTART_HOME", str(gallery_home))
            gallery.subscribe(name)
            return gallery.weights(name)

    return get


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HEADSTART_HOME with nothing in it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    return home


@pytest.fixture
def fresh_home(empty_home: Path, gallery_home: Path) -> Path:
    """A HEADSTART_HOME whose models are those of ``gallery_home`` and whose stores (activations, examined pictures) are empty."""
    (empty_home / "gallery").symlink_to(gallery_home / "gallery")
    return empty_home
