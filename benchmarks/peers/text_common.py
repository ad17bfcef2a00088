"""What the programs on texts share: a table of texts, labels and splits in, predictions and seconds out as JSON.

    python -m benchmarks.peers.NAME JOB.json ANSWER.json

The job says where the table lies, which folder holds the network (as Hugging Face libraries read it), which prefix and longest text it expects, seed and
threads; the answer holds ``seconds`` after the imports (reading, training, predicting the test part), ``phases``, ``predictions`` in the order of the test
rows, and ``versions``. ``steps`` says how many of the training steps were run where a limit of seconds did not let all of them.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

CELL_CHARACTERS_MAX = 1 << 24
TRIED_STEPS = 2


@dataclass
class Job:
    """What to do, and what has been done so far."""

    table: Path
    seed: int
    threads: int
    options: dict[str, Any]
    phases: dict[str, float] = field(default_factory=dict)
    aside: float = 0.0
    steps: dict[str, int] = field(default_factory=dict)

    def rows(self, split: str) -> tuple[list[str], list[str]]:
        """Texts, with the prefix that the network expects, and labels of a part."""
        csv.field_size_limit(CELL_CHARACTERS_MAX)
        with self.table.open(encoding="utf-8", newline="") as stream:
            found = [(self.options.get("prefix", "") + row["text"], row["label"]) for row in csv.DictReader(stream) if row["split"] == split]
        return [text for text, _ in found], [label for _, label in found]

    def splits(self) -> list[str]:
        """The part of every row."""
        csv.field_size_limit(CELL_CHARACTERS_MAX)
        with self.table.open(encoding="utf-8", newline="") as stream:
            return [row["split"] for row in csv.DictReader(stream)]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase."""
        started = time.perf_counter()
        yield
        self.phases[name] = round(time.perf_counter() - started, 3)

    def affordable(self, steps: int, prepare: Callable[[], Callable[[], object]]) -> int:
        """How many of the steps fit into the limit of processor seconds, by trying a few on a copy; the trial does not count as the method's time."""
        limit = self.options.get("limit_seconds")
        if not limit:
            return steps
        began = time.perf_counter()
        step = prepare()
        step()  # warms up
        started = time.process_time()
        for _ in range(TRIED_STEPS):
            step()
        seconds = (time.process_time() - started) / TRIED_STEPS
        self.aside += time.perf_counter() - began
        run = max(1, min(steps, int(limit / seconds)))
        self.steps = {"run": run, "of": steps}
        return run


def run(work: Callable[[Job], list[str]], packages: tuple[str, ...]) -> None:
    """Do a job and write the answer; ``work`` returns the class of every test text in the order of the table."""
    plain = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = Job(Path(plain.pop("table")), plain.pop("seed"), plain.pop("threads"), plain)
    started = time.perf_counter()
    said = work(job)
    seconds = time.perf_counter() - started - job.aside
    about = {"python": sys.version.split()[0], **{name: version(name) for name in packages}}
    answer = {"seconds": seconds, "phases": job.phases, "predictions": [str(one) for one in said], "steps": job.steps, "versions": about}
    Path(sys.argv[2]).write_text(json.dumps(answer | {"more": job.options.get("more", {})}), encoding="utf-8")


def begin(job: Job) -> None:
    """Seeds and threads."""
    import numpy as np
    import torch

    torch.set_num_threads(job.threads)
    random.seed(job.seed)
    np.random.seed(job.seed)  # noqa: NPY002 - the libraries under test draw from it
    torch.manual_seed(job.seed)
