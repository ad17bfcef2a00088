"""What is published: everything under src/headstart, cards, templates and typing marker too, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def test_the_wheel_holds_the_whole_package_its_data_and_its_licence(root: Path, files: list[Path], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=root, check=True, capture_output=True)
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    ours = {file.relative_to(root / "src").as_posix() for file in files if file.is_relative_to(root / "src")}
    assert ours - names == set()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"headstart"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "headstart/py.typed" in names
