"""The command line as a person meets it: a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Typed = Callable[..., subprocess.CompletedProcess[str]]


def typed_in(folder: Path, home: Path) -> Typed:
    """Type words after `headstart` in a folder; further environment by keyword."""

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HEADSTART_HOME": str(home), "COLUMNS": "80", **environment}
        command = [sys.executable, "-m", "headstart", *map(str, words)]
        return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, encoding="utf-8", timeout=240)

    return run


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    """Type words in an empty folder, with an empty home."""
    return typed_in(tmp_path, tmp_path / "home")
