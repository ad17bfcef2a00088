"""The shape of the code: no monster file, no twelve lines alike, every module says what it is, the map is up to date."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tools import map as tree

LINES_AT_MOST = 400
LINES_ALIKE = 12


def code_lines(file: Path) -> list[tuple[int, str]]:
    """Number and text of the lines that do something: no blanks, comments, imports, docstrings or lone brackets."""
    text = file.read_text(encoding="utf-8")
    said: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        quiet = isinstance(node, (ast.Import, ast.ImportFrom)) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        if quiet:
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    stripped = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, line) for number, line in stripped if number not in said and not line.startswith("#") and any(c.isalnum() for c in line)]


def test_no_file_is_longer_than_400_lines(files: list[Path]) -> None:
    long = {str(file): count for file in files if file.suffix == ".py" and (count := len(file.read_text(encoding="utf-8").splitlines())) > LINES_AT_MOST}
    assert not long


def test_no_twelve_lines_stand_in_two_places(sources: list[Path]) -> None:
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for file in sources:
        lines = code_lines(file)
        for start in range(len(lines) - LINES_ALIKE + 1):
            window = lines[start : start + LINES_ALIKE]
            places[tuple(line for _, line in window)].append(f"{file.name}:{window[0][0]}")
    alike = [where for where in places.values() if len(where) > 1]
    assert not alike, alike[:5]


def test_every_module_says_what_it_is(sources: list[Path]) -> None:
    assert [str(file) for file in sources if not tree.first_sentence(file)] == []


def test_every_python_file_lies_in_a_package(sources: list[Path]) -> None:
    assert sorted({str(file.parent) for file in sources if not (file.parent / "__init__.py").is_file()}) == []


def test_the_map_is_up_to_date(root: Path) -> None:
    assert (root / "MAP.md").read_text(encoding="utf-8") == tree.draw(tree.python_files()), "fix: make map"
