"""The Makefile and CI's script: from any folder, exit codes passed through, nothing installed twice."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def test_ci_leaves_with_the_exit_code_of_make_test(root: Path, tmp_path: Path) -> None:
    stub = tmp_path / "make"
    stub.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    stub.chmod(0o755)
    done = subprocess.run(["bash", root / ".ci/run"], cwd=tmp_path, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True)
    assert done.returncode == 7 and done.stdout.split()[-1] == "test"


def test_make_works_from_any_folder_and_names_what_it_can_do(root: Path, tmp_path: Path) -> None:
    told = subprocess.run(["make", "-f", str(root / "Makefile")], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert all(f"make {goal}" in told for goal in ("demo", "test", "check", "venv"))


def test_make_names_the_fix_when_no_python_is_new_enough(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "tree", ignore=shutil.ignore_patterns(".*", "src", "tests", "runs"))
    done = subprocess.run(["make", "-C", str(tmp_path / "tree"), "venv", "PYTHON="], capture_output=True, text=True)
    assert done.returncode == 2 and "Python 3.11 or later" in done.stderr
