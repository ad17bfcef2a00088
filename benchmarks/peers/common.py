"""What every peer's program shares: pictures listed by folder in, predictions and seconds out as JSON; the standard library only.

    python -m benchmarks.peers.NAME JOB.json ANSWER.json

The job says where train/ and test/ lie, which weights, how many epochs, which seed and how many threads; the answer holds ``seconds`` after the imports
(reading, training, predicting the test part), ``phases``, ``predictions`` by file and ``versions``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass
class Job:
    """What to do, and what has been done so far."""

    data: Path
    seed: int
    epochs: int
    side: int
    threads: int
    options: dict[str, Any]
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted(path.name for path in (self.data / "train").iterdir() if path.is_dir())

    def files(self, part: str) -> list[Path]:
        """The pictures of a part, sorted by their path."""
        return sorted((self.data / part).rglob("*.png"))

    def labels(self, files: list[Path]) -> list[int]:
        """Class of each, as a number."""
        number = {name: n for n, name in enumerate(self.classes)}
        return [number[file.parent.name] for file in files]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase."""
        started = time.perf_counter()
        yield
        self.phases[name] = round(time.perf_counter() - started, 3)


def run(work: Callable[[Job], list[int]], packages: tuple[str, ...]) -> None:
    """Do a job and write the answer; ``work`` returns the class of every test picture in the order of ``job.files("test")``."""
    plain = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = Job(Path(plain.pop("data")), plain.pop("seed"), plain.pop("epochs"), plain.pop("side"), plain.pop("threads"), plain)
    started = time.perf_counter()
    said = work(job)
    seconds = time.perf_counter() - started
    predictions = {file.relative_to(job.data).as_posix(): job.classes[int(n)] for file, n in zip(job.files("test"), said, strict=True)}
    answer = {
        "seconds": seconds,
        "phases": job.phases,
        "predictions": predictions,
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in packages}},
    }
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


def epochs_as_whole(job: Job, name: str, epoch_seconds: list[float]) -> None:
    """State what the whole of the epochs would take where only some were run: the first as it was, the others as the mean of those after it."""
    asked = int(job.options.get("whole_epochs") or len(epoch_seconds))
    later = epoch_seconds[1:] or epoch_seconds
    missing = max(0, asked - len(epoch_seconds))
    job.phases[f"{name}, epochs not run"] = round(missing * sum(later) / len(later), 3)
