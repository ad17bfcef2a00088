"""Transfer, scratch and plain on four kinds of pictures: where does transfer pay, and does the verdict say so where it does not?

    python -m benchmarks.verdicts [--seeds 1] [--effort usual] [--again]
    python -m benchmarks.verdicts --markdown                              # only render what there is

``headstart fit`` as anybody types it, with every model that is subscribed to (the table: EfficientNet-Lite0 and MobileNetV2) or one that is named. Resumable:
a line a cell in results/verdicts.jsonl.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import headstart
from benchmarks.data import fashion, mnist, solar, stamps
from benchmarks.ledger import Column, Table, Values

TASKS = {
    "photo stamps (299)": stamps,
    "Fashion-MNIST (500)": lambda: fashion(500),
    "MNIST 5k (500)": lambda: mnist(500),
    "solar cells (800)": solar,
}
ARMS = {"test": "transfer", "scratch": "from scratch", "random": "frozen random", "plain": "plain"}


def notes(records: list[Values]) -> list[str]:
    """Each run's own words."""
    said = []
    for record in records:
        key, values = record["key"], record["values"]
        retrained = "all blocks" if values["n_blocks"] is None else f"{values['n_blocks']} blocks"
        what = f"{values['model']}, {retrained} behind a new head" if values["n_blocks"] != 0 else f"{values['model']}, the head alone"
        said.append(
            f"{key['data']}, seed {key['seed']}: {values['metric']}, helped: {values['helped']}; you get {values['chosen']}; {what}. {values['sentence']}"
        )
    return said


TABLE = Table(
    "verdicts",
    "Where transfer pays, and what the verdict says",
    ("data", "effort"),
    (
        *(Column(name, f"{title}, %", 100) for name, title in ARMS.items()),
        Column("over_scratch", "over scratch, points"),
        Column("over_plain", "over plain, points"),
        Column("scratch_epochs", "epochs from scratch", digits=0),
        Column("took", "s", digits=0),
    ),
    notes,
)


def main() -> None:
    """Compute what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--effort", default="usual")
    parser.add_argument("--model", help="instead of all that are subscribed to")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--again", action="store_true", help="compute these cells anew")
    parser.add_argument("--markdown", action="store_true", help="only render the table")
    given = parser.parse_args()
    for name in [] if given.markdown else given.tasks:
        for seed in range(given.seeds):
            key = {"data": name, "seed": seed, "effort": given.effort, "model": given.model}
            record = TABLE.cell(key, lambda name=name, seed=seed: measure(name, seed, given.effort, given.model), again=given.again)
            print(notes([record])[0], flush=True)
            TABLE.markdown()
    print(TABLE.markdown().read_text(encoding="utf-8"))


def measure(name: str, seed: int, effort: str, model: str | None) -> Values:
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        verdict = headstart.fit(TASKS[name](), out=Path(folder) / "run", seed=seed, effort=effort, model=model).verdict
    said = verdict.to_plain()
    gains = {f"over_{arm}": gain | {"value": gain["points"]} for arm in ("scratch", "plain") if (gain := said.get(f"gain_over_{arm}"))}
    about = {key: said[key] for key in ("model", "metric", "helped", "chosen", "scratch_epochs")}
    arms = {arm: said[arm] for arm in ARMS if said.get(arm)}
    return {**arms, **gains, **about, "n_blocks": said["cut"]["n_blocks"], "took": said["seconds"]["total"], "sentence": verdict.sentence()}


if __name__ == "__main__":
    main()
