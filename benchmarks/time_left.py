"""Is the time left known? What a run says after a third of it against what it took, without a budget, from an empty store, on small data of three kinds.

    python -m benchmarks.time_left [--tasks tweets "digits spoken" solar] [--efforts quick usual] [--repeats 2]

The goal: within 25 %. The first run of a kind on a machine knows no rates; what runs before it took is kept and used by those that come after.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks.budgets import TASKS
from benchmarks.command import fitted
from benchmarks.ledger import Column, Table, Values
from headstart.base.folders import home

TOLERANCE = 0.25
SHARES = (0.1, 1 / 3, 2 / 3)

TABLE = Table(
    name="time_left",
    title="The time left: said after a tenth, a third and two thirds of a run, and what it took",
    by=("task", "effort", "repeat"),
    columns=(
        Column("took", "took, s"),
        Column("error_10", "off after a tenth", scale=100, digits=0),
        Column("error_33", "off after a third", scale=100, digits=0),
        Column("error_67", "off after two thirds", scale=100, digits=0),
        Column("within", "within 25 % after a third", scale=100, digits=0),
    ),
)


def promised(events: list[Values], moment: float) -> float:
    """Seconds in all that the last estimate before a moment promised."""
    told = [row["data"] for row in events if row["kind"] == "forecast"]
    return float(next((data["total"] for data in reversed(told) if data["at"] <= moment), told[0]["total"]))


def measure(data: Path, effort: str) -> Values:
    """Run the command and compare what it promised with what it took."""
    with fitted(data, "--effort", effort) as done:
        took, events, stages = done.seconds, done.read("events.jsonl"), done.said["seconds"]
    tenth, third, most = (promised(events, share * took) / took - 1 for share in SHARES)
    return {"took": took, "error_10": tenth, "error_33": third, "error_67": most, "within": float(abs(third) <= TOLERANCE), "stages": stages}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=["tweets", "digits spoken", "solar"])
    parser.add_argument("--efforts", nargs="+", default=["quick"])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="measure cells that are known once more")
    given = parser.parse_args()
    for task in given.tasks:
        data = TASKS[task]()
        for effort in given.efforts:
            for repeat in range(given.repeats):
                shutil.rmtree(home() / "activations", ignore_errors=True)
                key = {"task": task, "effort": effort, "repeat": repeat}
                values = TABLE.cell(key, lambda data=data, effort=effort: measure(data, effort), again=given.again)["values"]
                print(f"{task} {effort}: took {values['took']:.0f} s, off {values['error_33']:+.0%} after a third; {values['stages']}", flush=True)
    print(TABLE.markdown().read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
