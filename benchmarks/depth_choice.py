"""How much of the network? Every cut fitted on the same few labels is the truth; how much does each way of choosing lose against the best of them?

python -m benchmarks.depth_choice --per-class 5 20 100 --seeds 2      # resumable, cheapest cells first
python -m benchmarks.depth_choice --markdown                          # only render what there is

"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.ledger import RESULTS, CellError, Column, Table, Values
from benchmarks.tasks import TASKS, Task

NAMES = ("solar", "emoji-noto", "fashion", "mnist", "digits", "stamps")
MODELS = ("efficientnet_lite0", "mobilenet_v2")
TABLE = Table("depth_choice_runs", "Every cut on few labels, and what the race took", ("task", "model", "per_class"), (Column("seconds", "s"),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(NAMES))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--per-class", nargs="+", type=int, default=[5, 20, 100])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--proposals", type=int, default=0, help="variations of learning rate and regularisers that the race may try besides the cuts")
    parser.add_argument("--minutes", type=float, help="start no further cell after so long")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the tables are kept")
    parser.add_argument("--markdown", action="store_true", help="only render the tables")
    given = parser.parse_args()
    table = Table(TABLE.name, TABLE.title, TABLE.by, TABLE.columns, TABLE.notes, given.folder)
    deadline = time.monotonic() + 60 * given.minutes if given.minutes else float("inf")
    for key in [] if given.markdown else cells(given):
        if time.monotonic() < deadline:
            record = table.cell(key, lambda key=key: run(key))
            print(key, record.get("fault") or f"{record['seconds']:.0f} s", flush=True)


def cells(given: argparse.Namespace) -> list[Values]:
    """What is to be measured, the cheapest first; what a task has too few pictures for is left out."""
    found = []
    for name in given.tasks:
        task, n_classes = TASKS[name], classes_of(TASKS[name])
        for per_class in given.per_class:
            n = per_class * n_classes
            n_test = min(given.test, task.most_test(n))
            if n_test < given.test / 5:
                continue
            for seed in given.seeds:
                for model in given.models:
                    found.append({"task": name, "model": model, "per_class": per_class, "seed": seed, "n": n, "n_test": n_test, "proposals": given.proposals})
    return sorted(found, key=lambda key: (key["n"] > 100, key["seed"], key["n"], given.models.index(key["model"])))


def classes_of(task: Task) -> int:
    """How many classes a task has."""
    return len(set(task.pool().labels))


def run(key: Values) -> Values:
    """One cell."""
    import torch

    from benchmarks.depth_fits import measure

    torch.set_num_threads(1)
    name = f"{key['task']}-{key['model']}-{key['per_class']}-seed-{key['seed']}-proposals-{key['proposals']}"
    try:
        return measure(TASKS[key["task"]].folder(key["n"], key["n_test"], key["seed"]), key["model"], seed=key["seed"], proposals=key["proposals"], name=name)
    except (ValueError, RuntimeError) as failure:
        raise CellError(f"{type(failure).__name__}: {failure}") from failure


if __name__ == "__main__":
    main()
