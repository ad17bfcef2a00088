"""The resumable ledger behind every table: a key in, a record that is computed once, kept as a line of JSON and rendered as Markdown out.

``benchmarks/results/NAME.jsonl`` holds one line a cell: key, values, seconds, date, machine, versions. A line is appended and synced when its cell is
done, so a run may be killed at any moment and goes on where it stopped; a cell that failed says why and is tried again. ``NAME.md`` shows the means
over what a table repeats (its seeds), with n and Student's 95 % interval; of two both values are shown, for an interval of two says nothing; a single seed
shows the interval over its test items instead, marked as such.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "timm", "openvino", "numpy", "scikit-learn", "pillow")
CONFIDENCE = 0.95

Key = Mapping[str, Any]
Values = dict[str, Any]


class CellError(Exception):
    """A cell cannot be computed here (a peer is not installed, a process died); its text is kept in the table."""


@dataclass(frozen=True)
class Column:
    """One value of the records as the table shows it.

    Attributes:
        name: Of the value: a number, or a measured one ``{"value", "low", "high", "n"}``.
        title: At the head of the column.
        scale: What it is multiplied with: 100 for per cent.
        digits: After the point.
    """

    name: str
    title: str
    scale: float = 1.0
    digits: int = 1


@dataclass(frozen=True)
class Table:
    """One table of the benchmarks.

    Attributes:
        name: Of its files.
        title: The sentence above it.
        by: Parts of the key that make a row; the other parts (seeds) are repeated.
        columns: What is shown.
        notes: Sentences below it, written by the benchmark from its own records.
        folder: Where its files lie.
    """

    name: str
    title: str
    by: tuple[str, ...]
    columns: tuple[Column, ...]
    notes: Callable[[list[Values]], list[str]] = field(default=lambda _: [])
    folder: Path = RESULTS

    @property
    def path(self) -> Path:
        """The lines."""
        return self.folder / f"{self.name}.jsonl"

    def records(self) -> list[Values]:
        """What has been done, in order; of two records of one key the later; what failed is among them."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        found = {canonical(record["key"]): record for record in map(_whole, lines) if record is not None}
        return list(found.values())

    def done(self) -> list[Values]:
        """The records of cells that did not fail."""
        return [record for record in self.records() if "fault" not in record]

    def has(self, key: Key) -> bool:
        """Whether a cell is done."""
        return self.find(key) is not None

    def find(self, key: Key) -> Values | None:
        """A cell's record, if it is done."""
        return next((record for record in self.done() if canonical(record["key"]) == canonical(key)), None)

    def cell(self, key: Key, make: Callable[[], Values], *, again: bool = False) -> Values:
        """Recall a cell's record, or compute it and keep it.

        Args:
            key: Names the cell.
            make: Computes its values; ``versions`` among them are those of a process of its own. It raises CellError where it cannot.
            again: Compute it even if it is done: the new record counts.
        """
        known = None if again else self.find(key)
        if known is not None:
            return known
        started = time.perf_counter()
        record: Values = {"key": dict(key)}
        try:
            values = make()
            record |= {"versions": versions() if (own := values.pop("versions", None)) is None else own | commit(), "values": values}
        except CellError as failure:
            record |= {"fault": str(failure), "versions": versions()}
        record |= {"seconds": round(time.perf_counter() - started, 3), "date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        append(self.path, record)
        return record

    def markdown(self) -> Path:
        """Write the table as Markdown."""
        text = render(self)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.name}.md"
        path.write_text(text, encoding="utf-8")
        return path


def canonical(key: Key) -> str:
    """A key as one text, whatever the order of its parts."""
    return json.dumps(dict(key), sort_keys=True, ensure_ascii=False)


def append(path: Path, record: Values) -> None:
    """Add one line and bring it to the disk; a torn line before it (of a process that was killed) is closed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write(json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _whole(line: str) -> Values | None:
    """A line as a record; None for what a killed process left."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "key" in record else None


def groups(records: Sequence[Values], by: Sequence[str]) -> Iterator[tuple[tuple[str, ...], list[Values]]]:
    """Records under the parts of the key that make a row, rows in the order of their first record."""
    found: dict[tuple[str, ...], list[Values]] = {}
    for record in records:
        found.setdefault(tuple(str(record["key"].get(name, "")) for name in by), []).append(record)
    yield from found.items()


def t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and Student's 95 % interval; of fewer than two values the interval is unknown (nan).

    Source: Student, The probable error of a mean, 1908.

    Example:
        >>> [round(one, 2) for one in t_interval([1.0, 2.0, 3.0])]
        [2.0, -0.48, 4.48]
    """
    from scipy.stats import t

    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def bootstrap_interval(values: Sequence[float], *, n_draws: int = 10_000, seed: int = 0) -> tuple[float, float, float]:
    """Mean and its percentile 95 % interval over resampled values; for values far from a bell, such as regrets."""
    import numpy as np

    known = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).choice(known, (n_draws, len(known))).mean(axis=1)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(known.mean()), float(low), float(high)


def render(table: Table) -> str:
    """The table as Markdown: a row a group, means with intervals, then notes, faults, machines and versions."""
    done, everything = table.done(), table.records()
    head = [*table.by, "n", *(column.title for column in table.columns)]
    lines = [f"# {table.title}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row, records in groups(done, table.by):
        shown = [show([record["values"].get(column.name) for record in records], column) for column in table.columns]
        lines.append(f"| {' | '.join([*row, str(len(records)), *shown])} |")
    lines += ["", "Means over n repeats with Student's 95 % interval; of two repeats, both; * of a single one, over its test items.", ""]
    lines += [f"- {note}" for note in table.notes(done)]
    lines += [f"- failed: {canonical(record['key'])}: {record['fault']}" for record in everything if "fault" in record]
    lines += ["", *(f"Machine: {one}." for one in dict.fromkeys(record["machine"] for record in done))]
    lines += [f"Versions: {one}." for one in dict.fromkeys(spoken(record["versions"]) for record in done)]
    lines += [f"Dates: {min(dates)} to {max(dates)}."] if (dates := [record["date"] for record in done]) else ["Nothing measured yet."]
    return "\n".join(lines) + "\n"


def show(values: Sequence[Any], column: Column) -> str:
    """One field of the table."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    numbers = [column.scale * (value["value"] if isinstance(value, dict) else value) for value in known]
    mean, low, high = t_interval(numbers)
    digits, mark = column.digits, ""
    if len(numbers) == 2:
        return f"{mean:.{digits}f} ({numbers[0]:.{digits}f}; {numbers[1]:.{digits}f})"
    if len(known) == 1 and isinstance(known[0], dict):
        low, high, mark = column.scale * known[0]["low"], column.scale * known[0]["high"], "*"
    return f"{mean:.{digits}f}" if math.isnan(low) else f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}){mark}"


def cpu_of_children() -> float:
    """Processor seconds of all child processes that have ended: where they are many fewer than wall-clock times threads, something else ran beside them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spoken(found: Mapping[str, str]) -> str:
    """Versions in a line."""
    return ", ".join(f"{name} {number}" for name, number in sorted(found.items()))


def versions(names: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Versions of the packages that are installed, and the commit."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | commit()


def commit() -> dict[str, str]:
    """The commit of this tree, where git knows it."""
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return {"commit": said.stdout.strip()} if said.returncode == 0 else {}


def machine() -> str:
    """Processor, cores, memory."""
    model = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        model = next((line.split(":", 1)[1].strip() for line in facts.read_text(encoding="utf-8").splitlines() if line.startswith("model name")), model)
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else 0.0
    return ", ".join([model, f"{os.cpu_count()} cores", f"{gigabytes:.0f} GB", *cards()])


def cards() -> list[str]:
    """The graphics cards, by their driver's tool; none where there is no such tool."""
    try:
        asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.split("\n")[:-1]
    except (OSError, subprocess.SubprocessError):
        return []
