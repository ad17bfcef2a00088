"""Writes constraints.txt from what is installed in the environment that runs it; the words and the bans of the old file stay."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "constraints.txt"
OURS = {"headstart", "pip"}


def installed() -> list[str]:
    """``name==version`` of every installed distribution, without the local part that a build of torch for CPUs adds (``+cpu``)."""
    pins = {found.metadata["Name"]: found.version.split("+")[0] for found in distributions()}
    return [f"{name}=={version}" for name, version in sorted(pins.items(), key=lambda pin: pin[0].lower()) if name.lower() not in OURS]


def main() -> int:
    """Replace the pins, keep the comments before them and everything from the first line after them on."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    pinned = [number for number, line in enumerate(lines) if "==" in line]
    FILE.write_text("\n".join([*lines[: pinned[0]], *installed(), *lines[pinned[-1] + 1 :]]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
