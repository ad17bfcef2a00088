"""What the checks of the house share: the tree's root and its files as git sees them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    """Every file that git tracks, or would track."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, check=True, capture_output=True).stdout
    return [root / name for name in sorted(set(listed.decode().split("\0"))) if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def sources(files: list[Path], root: Path) -> list[Path]:
    """The Python files of the package."""
    return [file for file in files if file.suffix == ".py" and file.is_relative_to(root / "src")]
