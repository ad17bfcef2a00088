"""How much of the network? Every cut fitted on the same few labels is the truth; how much does each way of choosing lose against the best of them?

python -m benchmarks.depth_choice --per-class 5 20 100 --seeds 2      # resumable, cheapest cells first
python -m benchmarks.depth_choice --known benchmarks/results/depth_choice_short_folds.jsonl   # only the folds anew: those cells, their fits as recorded
python -m benchmarks.depth_choice --markdown                          # only render what there is

"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.depth_rules import RULES, fair_regret, regret, regrets, truth, worth
from benchmarks.ledger import RESULTS, CellError, Column, Table, Values, bootstrap_interval, canonical
from benchmarks.tasks import TASKS, Task

CUTS = ("head", "last", "last2", "half", "all")  # the shallowest first
NAMES = ("solar", "emoji-noto", "fashion", "mnist", "digits", "stamps")
MODELS = ("efficientnet_lite0", "mobilenet_v2")
SPARED = 0.75  # of what a small task has besides the labelled items: its classes do not part evenly
LEAST_TEST = 150  # pictures to test on: below, the noise is the regret
PRODUCTS = "log-loss, the shallower within 0.25 SE"  # of the rules, the one that the race goes by
MANY = 100  # labelled pictures from which a cell takes longer than another seed of all the smaller ones
TABLE = Table("depth_choice_runs", "Every cut on few labels, and what the race took", ("task", "model", "per_class"), (Column("seconds", "s"),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(NAMES))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--per-class", nargs="+", type=int, default=[5, 20, 100])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--cuts", nargs="+", choices=CUTS, default=list(CUTS))
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--proposals", type=int, default=0, help="variations of learning rate and regularisers that the race may try besides the cuts")
    parser.add_argument("--patience", type=int, default=3, help="epochs without a lower validation loss after which a fold stops; many: never")
    parser.add_argument("--minutes", type=float, help="start no further cell after so long")
    parser.add_argument("--known", type=Path, help="a ledger of the same cells: their fits to everything are taken from it, the folds are run anew")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the tables are kept")
    parser.add_argument("--markdown", action="store_true", help="only render the tables")
    given = parser.parse_args()
    table = Table(TABLE.name, TABLE.title, TABLE.by, TABLE.columns, TABLE.notes, given.folder)
    deadline = time.monotonic() + 60 * given.minutes if given.minutes else float("inf")
    known = recorded(given.known) if given.known else {}
    for key in [] if given.markdown else [record["key"] for record in known.values()] or cells(given):
        if time.monotonic() < deadline:
            record = table.cell(key, partial(run, key, known.get(canonical(key))))
            print(key, record.get("fault") or f"{record['seconds']:.0f} s", flush=True)
            write(table)
    print(write(table).read_text(encoding="utf-8"))


def cells(given: argparse.Namespace) -> list[Values]:
    """What is to be measured, the cheapest first; what a task has too few pictures for is left out."""
    found: list[Values] = []
    for name in given.tasks:
        task, n_classes = TASKS[name], classes_of(TASKS[name])
        for per_class in given.per_class:
            n, left = per_class * n_classes, TASKS[name].most_test(per_class * n_classes)
            n_test = given.test if left >= given.test else int(SPARED * left)
            if n_test < LEAST_TEST:
                continue
            key = {
                "task": task.name,
                "per_class": per_class,
                "n": n,
                "n_test": n_test,
                "proposals": given.proposals,
                "patience": given.patience,
                "cuts": " ".join(given.cuts),
            }
            found += [{**key, "model": model, "seed": seed} for seed in given.seeds for model in given.models]
    return sorted(found, key=lambda key: (key["n"] > MANY, key["seed"], key["n"], given.models.index(key["model"])))


def classes_of(task: Task) -> int:
    """How many classes a task has."""
    return len(task.counts())


def recorded(path: Path) -> dict[str, Values]:
    """The records of another ledger of these cells by their keys, the cheapest first."""
    found = Table(path.stem, "", (), (), folder=path.parent).done()
    return {canonical(record["key"]): record for record in sorted(found, key=lambda one: (one["key"]["n"], one["key"]["seed"]))}


def run(key: Values, known: Values | None = None) -> Values:
    """One cell; with a record of the same cell only its folds."""
    import torch

    from benchmarks.depth_fits import measure

    torch.set_num_threads(1)
    name = "-".join(str(key[part]) for part in ("task", "model", "per_class", "seed", "proposals", "cuts")).replace(" ", "-")
    pinned = {"proposals": key["proposals"], "patience": key["patience"]}
    try:
        data = TASKS[key["task"]].folder(key["n"], key["n_test"], key["seed"])
        values = known["values"] if known else None
        return measure(data, key["model"], seed=key["seed"], pinned=pinned, cuts=key["cuts"].split(), name=name, known=values)
    except (ValueError, RuntimeError, SystemExit) as failure:
        raise CellError(f"{type(failure).__name__}: {failure}") from failure


def write(table: Table) -> Path:
    """The runs, and what follows from them."""
    table.markdown()
    path = table.folder / "depth_choice.md"
    path.write_text(summary(table.done()), encoding="utf-8")
    return path


def summary(records: Sequence[Values]) -> str:
    """Regrets of every way of choosing, overall and by the number of labels, then the scores behind them."""
    lines = ["# How much of the network: regret of each way of choosing", ""]
    if not records:
        return "\n".join([*lines, "Nothing measured yet.", ""])
    lines += [
        f"{len(records)} runs of {len({place(record) for record in records})} tasks, networks and numbers of labels; 95 % bootstrap interval over these.",
        "",
    ]
    sizes = sorted({record["key"]["per_class"] for record in records})
    for size in [None, *sizes]:
        chosen = [record for record in records if size in (None, record["key"]["per_class"])]
        title = "All" if size is None else f"{size} labels a class"
        lines += [f"## {title} ({len({place(record) for record in chosen})})", "", *rows_of(chosen), ""]
    return "\n".join([*lines, "## Score on the test part, %", "", *scores_of(records), ""])


def place(record: Values) -> tuple[str, str, int]:
    """What seeds repeat."""
    key = record["key"]
    return key["task"], key["model"], key["per_class"]


def rows_of(records: Sequence[Values]) -> list[str]:
    """A row a way of choosing."""
    plain, fair = regrets(records, regret), regrets(records, fair_regret)
    lines = ["| chosen by | mean regret, points | worst | mean fair regret | worst | n |", "|---|---|---|---|---|---|"]
    for name, lost in plain.items():
        shown = [f"{mean:.2f} ({low:.2f} to {high:.2f}) | {max(found):.2f}" for found in (lost, fair[name]) for mean, low, high in (bootstrap_interval(found),)]
        lines.append(f"| {name} | {' | '.join(shown)} | {len(lost)} |")
    return lines


def scores_of(records: Sequence[Values]) -> list[str]:
    """A row a run: each cut's score on the test part and, behind a stroke, log-loss of the held items; what the race took, and its rule alone."""
    lines = [f"| task | network | labels a class | seed | {' | '.join(CUTS)} | race took | race | rule took |", f"|{'---|' * (len(CUTS) + 7)}"]
    for record in sorted(records, key=lambda one: (one["key"]["per_class"], one["key"]["task"], one["key"]["model"], one["key"]["seed"])):
        key, values = record["key"], record["values"]
        best = max(truth(values).values())
        shown = []
        for cut in CUTS:
            found = values["cuts"].get(cut)
            text = "–" if found is None else f"{100 * found['test']['all']:.1f} / {-worth(values, cut).mean():.3f}"
            shown.append(f"**{text}**" if found is not None and truth(values)[cut] == best else text)
        took = f"{100 * values['race']['test']['all']:.1f}" if values["race"] else "–"
        where = [key["task"], key["model"], str(key["per_class"]), str(key["seed"])]
        lines.append(f"| {' | '.join([*where, *shown, took_words(values), took, RULES[PRODUCTS](values)])} |")
    won = Counter(took_words(record["values"]) for record in records if record["values"]["race"])
    return [*lines, "", f"The race took: {', '.join(f'{name} {count} times' for name, count in won.most_common())}."]


def took_words(values: Values) -> str:
    """What the race chose: a cut, with views or as an average; a stroke where no race was run."""
    if not values["race"]:
        return "–"
    first = values["race"]["rows"][0]
    cut: str = next(name for name, found in values["cuts"].items() if found["place"] == first["place"])
    return cut + (f", {first['views']} views" if first["views"] else "") + ("" if first["source"] == "rule" else f", {first['source']}")


if __name__ == "__main__":
    main()
