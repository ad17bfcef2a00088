"""A run with everything in it, and ways to change what its files say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.report.example import make_run

Change = Callable[..., Path]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with ranking, race, evidence and the random network; do not change it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    make_run(folder)
    return folder


@pytest.fixture
def changed(whole: Path, tmp_path: Path) -> Change:
    """Copy the run, with other values of some files: ``changed(evidence={...}, race=None)``; None removes the file."""

    def change(**contents: Any) -> Path:
        copy = Path(shutil.copytree(whole, tmp_path / "copy", dirs_exist_ok=True))
        for name, content in contents.items():
            if content is None:
                (copy / f"{name}.json").unlink()
            else:
                (copy / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return copy

    return change


@pytest.fixture(scope="session")
def told(whole: Path) -> Callable[[str], Any]:
    """What a file of the run says, fresh at every call."""
    return lambda name: json.loads((whole / f"{name}.json").read_text(encoding="utf-8"))
