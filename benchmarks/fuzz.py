"""Every reader of files of others, fed with files that are sound but for a few changes: how many were refused, read, and what broke.

    python -m benchmarks.fuzz --inputs 10000 --seed 1 [--how strong gentle]

Strong are one to five changes at places that count; gentle is one small change that knows the format (``tests/nasty/gentle.py``), so that more files come
past the first check. Each has a table of its own.
A cell is one kind of file; its inputs are drawn from the seed, so a number that broke can be made again. Every input has a process of its own with bounds of
memory and time (``tests/nasty/bounded.py``), and every write outside its folder is noted. One input takes 3 to 20 ms.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.nasty.gentle import GENTLE, changed
from tests.nasty.held import is_there, started
from tests.nasty.mutate import KINDS, SEEDS, Mutation, Seed, mutated, write

from benchmarks.ledger import Column, Table, Values

MUTATIONS_MAX = 5
BYTES_MAX = 1 << 30
SECONDS_MAX = 20.0
SHOWN = 10  # faults that a record keeps in words


def notes(done: list[Values]) -> list[str]:
    """What a reader of the table should know."""
    total = sum(record["values"]["inputs"] for record in done)
    broken = sum(record["values"]["broke"] for record in done)
    return [f"{total:,} inputs in all, {broken:,} of them neither refused in words nor read."]


COLUMNS = (
    Column("inputs", "inputs", digits=0),
    Column("refused", "refused", digits=0),
    Column("survived", "read", digits=0),
    Column("broke", "broke", digits=0),
    Column("seconds_max", "longest, s", digits=2),
    Column("megabytes_max", "most memory, MB", digits=0),
)
TABLES = {
    "strong": Table("fuzz", "Fuzzing: files that are sound but for one to five changes, given to every reader", ("reader", "file"), COLUMNS, notes=notes),
    "gentle": Table("fuzz_gentle", "Fuzzing: files that are sound but for one small change, given to every reader", ("reader", "file"), COLUMNS, notes=notes),
}


def drawn(generator: np.random.Generator) -> list[Mutation]:
    """One to five changes."""
    n = int(generator.integers(1, MUTATIONS_MAX + 1))
    return [Mutation(KINDS[generator.integers(len(KINDS))], float(generator.random()), int(generator.integers(1 << 20))) for _ in range(n)]


def strong(seed: Seed, generator: np.random.Generator) -> bytes:
    """A file after one to five changes."""
    changes, other = drawn(generator), SEEDS[generator.integers(len(SEEDS))]
    return mutated(seed, changes, other)


def gentle(seed: Seed, generator: np.random.Generator) -> bytes:
    """A file after one small change."""
    return changed(seed, Mutation(GENTLE[generator.integers(len(GENTLE))], float(generator.random()), int(generator.integers(1 << 20))))


def fuzz(seed: Seed, n_inputs: int, number: int, how: str) -> Values:
    """Give one reader its inputs."""
    reader = started(seed.reader)
    found: dict[str, Any] = {"inputs": n_inputs, "refused": 0, "survived": 0, "broke": 0, "seconds_max": 0.0, "megabytes_max": 0.0, "faults": []}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for index in range(n_inputs):
                generator = np.random.default_rng([number, index])
                work = Path(scratch) / str(index)
                work.mkdir()
                raw = strong(seed, generator) if how == "strong" else gentle(seed, generator)
                told = reader.read(write(seed, raw, work), work)
                sound = told["outcome"] in ("refused", "survived") and not told["outside"] and told["bytes"] < BYTES_MAX and told["seconds"] < SECONDS_MAX
                found[told["outcome"] if sound else "broke"] += 1
                found["seconds_max"] = max(found["seconds_max"], told["seconds"])
                found["megabytes_max"] = max(found["megabytes_max"], told["bytes"] / 1e6)
                if not sound and len(found["faults"]) < SHOWN:
                    found["faults"].append(f"input {index}: {told['outcome']} {told['message'][:200]} {told['outside'][:3]}")
                shutil.rmtree(work)
    finally:
        reader.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="for each kind of file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--how", nargs="*", choices=TABLES, default=list(TABLES))
    parser.add_argument("--only", nargs="*", help="readers")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further kind of file after so long")
    asked = parser.parse_args()
    begun = time.monotonic()
    for how in asked.how:
        for seed in SEEDS:
            if is_there(seed.reader) and (not asked.only or seed.reader in asked.only) and time.monotonic() - begun < asked.seconds:
                key = {"reader": seed.reader, "file": seed.name, "inputs": asked.inputs, "seed": asked.seed}
                record = TABLES[how].cell(key, lambda seed=seed, how=how: fuzz(seed, asked.inputs, asked.seed, how))  # type: ignore[misc]
                values = record.get("values", {})
                told = {name: values.get(name) for name in ("refused", "survived", "broke", "seconds_max")}
                print(how, seed.reader, seed.name, told, values.get("faults", [])[:3], flush=True)
        print(TABLES[how].markdown())


if __name__ == "__main__":
    main()
