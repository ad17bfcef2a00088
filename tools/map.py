"""Writes MAP.md from the tree: a line a file, its words taken from the first sentence of the module's docstring.

In: the Python files that git tracks or would track. Out: MAP.md. `make map` runs it; tests/house/test_map.py compares.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOLD = ("src/headstart", "tools", "benchmarks", "tests")
HEADING = """# The map

Every file and what it is for, in the order of the floors: imports go down only, so read from the top
for what a person types, from the bottom for what it rests on.
Written by `make map` from the first sentence of each module; README.md shows what flows into what.
"""
FLOORS = (
    ("cli",),
    ("cluster", "serving", "studio", "testing"),
    ("study",),
    ("export", "report"),
    ("training",),
    ("planning",),
    ("ranking", "adaptation"),
    ("activations",),
    ("data", "backbone"),
    ("modality", "task", "evaluation", "gallery"),
    ("base",),
)


def python_files(root: Path = ROOT) -> list[Path]:
    """The Python files of the tree, as git sees it: tracked, or new and not ignored."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py"]
    listed = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    return [root / name for name in sorted(set(listed)) if name and (root / name).is_file()]


def first_sentence(file: Path) -> str:
    """The first sentence of a module's docstring, on one line; empty when there is none."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    for end in (". ", "。"):
        paragraph = paragraph.split(end)[0]
    return paragraph.rstrip(".。").replace("|", "\\|")


def folder_order(folder: str) -> tuple[int, int, str]:
    """Where a folder stands: the package by its floors, then tools, benchmarks and tests."""
    top = next(number for number, name in enumerate(TOLD) if folder == name or folder.startswith(f"{name}/"))
    stage = folder.removeprefix("src/headstart").strip("/").split("/")[0] if top == 0 else ""
    floor = next((number for number, names in enumerate(FLOORS) if stage in names), len(FLOORS)) if stage else -1
    return top, floor, folder


def draw(files: Iterable[Path], root: Path = ROOT) -> str:
    """The text of MAP.md."""
    folders: dict[str, list[Path]] = {}
    for file in files:
        name = file.parent.relative_to(root).as_posix()
        if any(name == told or name.startswith(f"{told}/") for told in TOLD):
            folders.setdefault(name, []).append(file)
    parts = [HEADING]
    for folder in sorted(folders, key=folder_order):
        heads = [file for file in folders[folder] if file.name == "__init__.py"]
        parts.append(f"\n## {folder}/\n")
        parts += [f"{first_sentence(head)}.\n" for head in heads if first_sentence(head)]
        rows = [f"- `{file.name}` — {first_sentence(file) or '(says nothing yet)'}" for file in folders[folder] if file.name != "__init__.py"]
        parts.append("\n".join(rows) + "\n" if rows else "")
    return "\n".join(part for part in parts if part)


def main() -> int:
    """Write MAP.md."""
    (ROOT / "MAP.md").write_text(draw(python_files()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
