"""The parent's side of `bounded`: starts the process that holds a reader, gives it files, hears what became of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {"clip": "headstart.modality.audio"}  # readers that may not be there yet


@dataclass
class Reader:
    """A process that has loaded one reader and forks for every file."""

    name: str
    process: subprocess.Popen[str]

    def read(self, path: Path, work: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What became of a file: outcome, message, writes outside the folder, seconds, bytes of memory."""
        assert self.process.stdin and self.process.stdout
        job = {"reader": self.name, "path": str(path), "work": str(work), "environment": dict(environment or {})}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the process that holds the reader {self.name} has died"
        return dict(json.loads(answer))

    def close(self) -> None:
        """Let it go."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def started(name: str) -> Reader:
    """Load a reader in a process of its own."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.nasty.bounded", name]
    return Reader(name, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment))


def is_there(reader: str) -> bool:
    """Whether a reader has been built."""
    return reader not in NEEDED or find_spec(NEEDED[reader]) is not None
