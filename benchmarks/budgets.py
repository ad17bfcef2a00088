"""Does ``--budget`` hold? Asked against took, wall-clock of the whole process, on several data sets, from an empty store and from a full one.

    python -m benchmarks.budgets [--seconds 30 60 120 300] [--tasks solar fashion] [--repeats 1]

The goal: within 5 % of what was asked, with a finished report and a verdict. The command is the one a person types.
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.command import fitted
from benchmarks.data import fashion, mnist, solar, stamps
from benchmarks.ledger import Column, Table, Values
from benchmarks.texts import texts
from headstart.base import files
from headstart.base.folders import home

TASKS: dict[str, Callable[[], Path]] = {
    "tweets": lambda: few_tweets(),
    "digits spoken": lambda: recordings("digits")(),
    "solar": solar,
    "stamps": stamps,
    "fashion": lambda: fashion(6000),
    "mnist": lambda: mnist(5000),
}
TOLERANCE = 0.05

TABLE = Table(
    name="budgets",
    title="Asked and took: `headstart fit --budget`, whole process",
    by=("task", "asked", "store"),
    columns=(
        Column("took", "took, s"),
        Column("ratio", "took / asked", digits=3),
        Column("within", "within 5 %", scale=100, digits=0),
        Column("rounds", "rounds that judged", digits=0),
        Column("models", "models", digits=0),
        Column("items", "items", digits=0),
        Column("accuracy", "transfer", scale=100),
        Column("scratch_epochs", "scratch epochs", digits=0),
    ),
)


def few_tweets(per_class: int = 200) -> Path:
    """The first tweets about airlines of each class, as a table of their own."""
    table = home() / "data" / "texts" / f"airline-{per_class}.csv"
    if not table.is_file():
        with texts("airline").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        counts = Counter[str]()
        lines = io.StringIO()
        writer = csv.writer(lines, quoting=csv.QUOTE_ALL)
        writer.writerow(["text", "label"])
        for row in rows:
            counts[row["label"]] += 1
            if counts[row["label"]] <= per_class:
                writer.writerow([row["text"], row["label"]])
        files.write(table, lines.getvalue())
    return table


def recordings(name: str) -> Callable[[], Path]:
    """Recordings of Debian's packages."""
    from benchmarks.recordings import ALL

    return ALL[name]


def measure(data: Path, asked: float) -> Values:
    """Run the command and read what it left."""
    with fitted(data, "--budget", f"{asked:g}s") as done:
        said, ratio = done.said, done.seconds / asked
        finished = all((done.run / name).is_file() for name in ("manifest.json", "report.html", "verdict.json"))
        rounds, models = done.read("evidence.json")["evaluation"]["rounds"], len(done.read("ranking.json")["rows"])
    return {
        "took": done.seconds,
        "ratio": ratio,
        "within": float(abs(ratio - 1) <= TOLERANCE and finished),
        "rounds": rounds,
        "models": models,
        "items": said["n"]["train"] + said["n"]["validation"] + (said["n"]["test"] if rounds == 1 else 0),
        "accuracy": said["test"],
        "scratch_epochs": said["scratch_epochs"],
        "helped": said["helped"],
        "stages": said["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, nargs="+", default=[30, 60, 120, 300])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=["solar", "fashion"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="measure cells that are known once more")
    given = parser.parse_args()
    for task in given.tasks:
        data = TASKS[task]()
        for asked in given.seconds:
            for repeat in range(given.repeats):
                for store in ("empty", "full"):
                    if store == "empty":
                        shutil.rmtree(home() / "activations", ignore_errors=True)
                    key = {"task": task, "asked": asked, "store": store, "repeat": repeat}
                    values = TABLE.cell(key, lambda data=data, asked=asked: measure(data, asked), again=given.again)["values"]
                    print(f"{task} {asked:g} s, {store} store: took {values['took']:.1f} s ({values['ratio']:.3f}); {values['stages']}", flush=True)
    print(TABLE.markdown().read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
