"""A home of the tests' own, kept between runs, so that the solar cells are fetched once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def shared_home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where fetched data stays from one run of the tests to the next."""
    chosen = os.environ.get("HEADSTART_TEST_HOME")
    folder = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "headstart-tests"
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    return folder
