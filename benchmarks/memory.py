"""Does ``--memory`` hold? Asked against held, by the kernel's own count of the whole process, on small data of three kinds, from an empty store.

    python -m benchmarks.memory [--tasks tweets "digits spoken" solar] [--sizes none 1GB 1.5GB]

The goal: never more than was asked. What had to be left out for it stands beside: models, rounds without a twin, items at once.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks.budgets import TASKS
from benchmarks.command import RefusedError, fitted
from benchmarks.ledger import Column, Table, Values
from headstart.base.folders import home
from headstart.planning.memory import memory_in

TABLE = Table(
    name="memory",
    title="Asked and held: `headstart fit --memory --effort quick`, whole process",
    by=("task", "asked"),
    columns=(
        Column("held", "held, MB", scale=1e-6, digits=0),
        Column("ratio", "held / asked", digits=2),
        Column("kept", "kept", scale=100, digits=0),
        Column("models", "models", digits=0),
        Column("left_out", "models left out", digits=0),
        Column("twins", "rounds with a twin", digits=0),
        Column("accuracy", "transfer", scale=100),
        Column("seconds", "took, s", digits=0),
    ),
)
HELD = """
from headstart.cli.app import run
code = run(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("VmHWM", int(peak.split()[1]) * 1024, file=sys.stderr)
sys.exit(code)
"""


def measure(data: Path, asked: str) -> Values:
    """Run the command, and read what it held and left."""
    try:
        with fitted(data, "--effort", "quick", *([] if asked == "none" else ["--memory", asked]), program=("-c", HELD)) as done:
            said, held, ranking, events = done.said, int(done.talk.split("VmHWM")[1]), done.read("ranking.json"), done.read("events.jsonl")
    except RefusedError as error:
        return {"refused": str(error).strip().splitlines()[-8:]}
    twins = sum(event["kind"] == "end" and event["stage"].startswith("twin from scratch") for event in events)
    without = sum("no twin from scratch" in event["text"] for event in events)
    most = float("inf") if asked == "none" else memory_in(asked)
    return {
        "held": held,
        "ratio": held / most,
        "kept": float(held <= most),
        "models": len(ranking["rows"]),
        "left_out": len(ranking["left_out"]),
        "twins": twins - without,
        "accuracy": said["test"],
        "seconds": said["seconds"]["total"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=["tweets", "digits spoken", "solar"])
    parser.add_argument("--sizes", nargs="+", default=["none", "1GB", "1.5GB"])
    parser.add_argument("--again", action="store_true", help="measure cells that are known once more")
    given = parser.parse_args()
    for task in given.tasks:
        data = TASKS[task]()
        for asked in given.sizes:
            shutil.rmtree(home() / "activations", ignore_errors=True)
            values = TABLE.cell({"task": task, "asked": asked}, lambda data=data, asked=asked: measure(data, asked), again=given.again)["values"]
            print(f"{task} {asked}: {values}", flush=True)
    print(TABLE.markdown().read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
