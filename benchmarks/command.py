"""A data set and words for ``headstart fit`` in; its answer, its run folder and its seconds out: what a user would wait for, imports and all."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USUAL = ("-m", "headstart")


@dataclass(frozen=True)
class Fitted:
    """A finished command; its folder goes when the block ends.

    Attributes:
        run: The run folder.
        said: What ``--json`` answered.
        talk: Standard error.
        seconds: Wall-clock, of the whole process.
    """

    run: Path
    said: dict[str, Any]
    talk: str
    seconds: float

    def read(self, name: str) -> Any:
        """A JSON file of the run folder; of ``.jsonl`` a list."""
        text = (self.run / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()] if name.endswith(".jsonl") else json.loads(text)


class RefusedError(RuntimeError):
    """The command did not end well; what it said."""


@contextmanager
def fitted(data: Path, *words: str, program: Sequence[str] = USUAL) -> Iterator[Fitted]:
    """Run ``headstart fit`` into a folder of its own.

    Raises:
        RefusedError: when it leaves with anything but 0.
    """
    with tempfile.TemporaryDirectory() as folder:
        run, started = Path(folder) / "run", time.perf_counter()
        done = subprocess.run([sys.executable, *program, "fit", str(data), *words, "--out", str(run), "--json"], capture_output=True, text=True, check=False)
        took = time.perf_counter() - started
        if done.returncode:
            raise RefusedError(done.stderr[-2000:])
        yield Fitted(run, json.loads(done.stdout), done.stderr, took)
