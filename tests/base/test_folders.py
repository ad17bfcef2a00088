"""The home folder: what was chosen, else the system's cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.base.errors import InputError
from headstart.base.folders import home


def test_home_is_what_was_chosen_then_the_systems_cache_then_a_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_HOME", "~/kept")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert home() == Path.home() / "kept"
    monkeypatch.delenv("HEADSTART_HOME")
    assert home() == Path("/caches/headstart")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert home() == Path.home() / ".cache" / "headstart"


def test_a_home_that_is_a_file_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found as a bug: `no model is subscribed` was said, and that one should subscribe."""
    monkeypatch.setenv("HEADSTART_HOME", __file__)
    with pytest.raises(InputError, match=r"HEADSTART_HOME is a file(?s:.*)fix: unset HEADSTART_HOME"):
        home()
