"""What the package imports is what pyproject.toml declares, and every pin of constraints.txt is of something it needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path


def normal(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(root: Path, extra: str = "") -> set[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


def imported(files: list[Path]) -> set[str]:
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"headstart"}


def distributions(modules: set[str]) -> set[str]:
    """The distributions that bring these modules; two may bring one name."""
    known = packages_distributions()
    return {normal(name) for module in modules for name in known.get(module, [f"unknown-{module}"])}


def test_everything_imported_is_declared(sources: list[Path], root: Path) -> None:
    assert distributions(imported(sources)) - declared(root) == set()


def test_everything_declared_is_imported(sources: list[Path], root: Path) -> None:
    assert declared(root) - distributions(imported(sources)) == set()


def test_every_declared_dependency_is_pinned(root: Path) -> None:
    pinned = {normal(line.split("==")[0]) for line in (root / "constraints.txt").read_text().splitlines() if "==" in line}
    assert (declared(root) | declared(root, "dev")) - pinned == {"pip"}  # every environment brings its own
