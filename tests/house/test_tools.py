"""Format, lint, types and floors: the well-kept tools that look at the code, run as tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("house")
BIN = Path(sys.executable).parent


def run(root: Path, *command: str) -> None:
    """Run a tool of this environment in the tree; its words are the failure's words."""
    program = shutil.which(command[0], path=str(BIN)) or command[0]
    done = subprocess.run([program, *command[1:]], cwd=root, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "src"})
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-8000:]}{done.stderr[-2000:]}"


def test_the_code_is_in_its_one_format(root: Path) -> None:
    run(root, "ruff", "format", "--check", ".")


def test_ruff_finds_nothing(root: Path) -> None:
    run(root, "ruff", "check", ".")


def test_the_types_hold_under_mypy_strict(root: Path) -> None:
    run(root, "mypy")


def test_imports_go_down_the_floors(root: Path) -> None:
    run(root, "lint-imports")


def test_every_stage_that_exists_stands_on_a_floor_without_parentheses(root: Path) -> None:
    contract = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    floors = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
    stages = {child.name for child in (root / "src/headstart").iterdir() if (child / "__init__.py").is_file()} | {"__main__"}
    assert {name for name in floors if not name.startswith("(")} == stages
