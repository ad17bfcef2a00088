"""Which model? Every backbone fully fine-tuned on every task is the truth; how much does each way of choosing lose against it, and what does it cost?

    python -m benchmarks.model_choice --threads 1 --items 100 --test 500 --seeds 3                # resumable, cheapest cells first
    python -m benchmarks.model_choice --only truth                                                # on a machine with a card; rank and time steps on another
    python -m benchmarks.model_choice --markdown                                                  # only render what there is

Truth: all blocks from pixels, AdamW with a short warm-up and a cosine, from a linear head fitted to the frozen features, at each of ``--rates``; the best
accuracy on the test part after the last epoch, the mean over seeds (each draws pictures and order anew). Beside it the regrets are given for the truth
that also allows the frozen network with its head, which on few pictures is often the best of them. Ranking: ``headstart.rank`` on the train part (and two
test pictures a class, which it does not judge by), from an empty store, as a process of its own: once with engines never raced before, once with the engines
known, as on any machine after its first ranking (``--rank-again``: only the latter). Regret: truth of the best model less truth of the pick, in points. Brute
force: the sum of all fine-tunings of a task; where a card computed the truth, their steps times what a step takes on the processor that ranked (``--only
steps``). Goals: mean regret at most half of the prior's, at least 30 times cheaper than brute force.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.ledger import RESULTS, CellError, Column, Table, Values, bootstrap_interval, cpu_of_children, t_interval
from benchmarks.model_regrets import complete, fair_regrets, mean_truth, picks, random_regrets, regrets, whole_seeds
from benchmarks.tasks import TASKS, Task
from headstart import gallery
from headstart.base.folders import home

BATCH = 16  # pictures a step of the truth (``full_tuning.BATCH``)
TEST_PER_CLASS = 2  # of the ranking's folder: a data set has a test part, and a ranking passes over it
SECONDS_LIMIT = 3600
KEY = ("task", "model", "n_train", "n_test", "epochs")
TRUTH = Table(
    "model_choice_truth",
    "Full fine-tuning of every backbone on every task",
    KEY,
    (
        Column("accuracy", "accuracy %", 100),
        Column("head_accuracy", "before tuning %", 100),
        Column("seconds", "s"),
        Column("train_seconds", "of it training"),
        Column("train_cpu", "CPU s of training"),
    ),
)
STEPS = Table(
    "model_choice_steps",
    "One step of full fine-tuning on the processor, 16 pictures",
    ("model",),
    (Column("step", "s a step", digits=2), Column("step_cpu", "CPU s", digits=2)),
)
TIMED_STEPS = 4
EVIDENCE = Table(
    "model_choice_evidence",
    "What headstart rank says",
    ("task", "n_train"),
    (Column("seconds", "s"), Column("process", "s of the process"), Column("cpu", "CPU s of the process")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [card.name for card in gallery.cards() if card.modality == "image" and card.task != "detection"]
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--models", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 3e-5], help="peak rates of AdamW; the best one counts")
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="start no further cell after so long")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the tables are kept")
    parser.add_argument("--only", choices=("truth", "ranking", "steps"), help="do no other part")
    parser.add_argument("--rank-again", action="store_true", help="rank anew, as after a change of the ranking; the truth stays")
    parser.add_argument("--markdown", action="store_true", help="only render the tables")
    parser.add_argument("--rank-only", nargs=3, metavar=("DATA", "SEED", "ANSWER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rank_only:
        return rank_only(Path(given.rank_only[0]), int(given.rank_only[1]), Path(given.rank_only[2]))
    truth, evidence, steps = (Table(one.name, one.title, one.by, one.columns, one.notes, given.folder) for one in (TRUTH, EVIDENCE, STEPS))
    deadline = time.monotonic() + 60 * given.minutes if given.minutes else float("inf")
    for seed in () if given.markdown else range(given.seeds):
        for name in given.tasks if given.only in (None, "ranking") else ():
            if time.monotonic() < deadline:
                print(ranked(evidence, TASKS[name], seed, given), flush=True)
        for model in cheapest_first(given.models, truth) if given.only in (None, "truth") else ():
            for name in given.tasks:
                if time.monotonic() < deadline:
                    print(tuned(truth, TASKS[name], model, seed, given), flush=True)
        for model in given.models if given.only == "steps" and not seed else ():
            print(stepped(steps, model, given), flush=True)
        write(truth, evidence, steps, given)
    print(write(truth, evidence, steps, given).read_text(encoding="utf-8"))
    return None


def cheapest_first(models: Sequence[str], truth: Table) -> list[str]:
    """Models by the seconds that their cells took; those without one by parameters and pixels."""
    seconds: dict[str, list[float]] = {}
    for record in truth.done():
        seconds.setdefault(record["key"]["model"], []).append(record["values"]["seconds"])
    cards = {name: gallery.card(name) for name in models}
    guess = {name: card.parameters * card.input.size**2 for name, card in cards.items()}
    known = {name: float(np.mean(found)) for name, found in seconds.items()}
    return sorted(models, key=lambda name: (name not in known, known.get(name, guess[name])))


def size_of(task: Task, given: argparse.Namespace) -> tuple[int, int]:
    """Pictures to fit on and to test on: what was asked for, or what a small task has."""
    return given.items, min(given.test, task.most_test(given.items))


def tuned(table: Table, task: Task, model: str, seed: int, given: argparse.Namespace) -> str:
    """One cell of the truth."""
    n, test = size_of(task, given)
    key = {"task": task.name, "model": model, "seed": seed, "n_train": n, "n_test": test, "epochs": given.epochs, "rates": rates_of(given)}
    record = table.cell(key, lambda: truth_cell(task.folder(n, test, seed), model, seed, given))
    if "fault" in record:
        return f"{task.name} {model} seed {seed}: failed: {record['fault']}"
    values = record["values"]
    return f"{task.name} {model} seed {seed}: {values['accuracy']['value']:.1%} ({values['head_accuracy']:.1%} before), {values['seconds']:.0f} s"


def stepped(table: Table, model: str, given: argparse.Namespace) -> str:
    """One cell of the steps: of the first task, which takes the longest pictures as well as any."""
    task = TASKS[given.tasks[0]]
    record = table.cell({"model": model, "threads": given.threads}, lambda: step_cell(task.folder(*size_of(task, given)), model, given))
    return f"{model}: {record.get('fault') or record['values']}"


def step_cell(data: Path, model: str, given: argparse.Namespace) -> Values:
    """Time a step, with memory that is freed kept, as headstart has it."""
    import torch

    from benchmarks.full_tuning import seconds_of_a_step
    from headstart.base.resident import hold_on

    hold_on()
    torch.set_num_threads(given.threads)
    wall, cpu = seconds_of_a_step(model, data, TIMED_STEPS)
    return {"step": round(wall, 4), "step_cpu": round(cpu, 4), "threads": given.threads, "steps": TIMED_STEPS}


def rates_of(given: argparse.Namespace) -> str:
    """The rates as a part of a key."""
    return " ".join(map(str, sorted(given.rates)))


def truth_cell(data: Path, model: str, seed: int, given: argparse.Namespace) -> Values:
    """Fine-tune a whole backbone."""
    import torch

    from benchmarks.full_tuning import fine_tune

    torch.set_num_threads(given.threads)
    started = time.perf_counter()
    found = fine_tune(data, model, seed=seed, epochs=given.epochs, rates=given.rates)
    return {**asdict(found), "accuracy": asdict(found.accuracy), "seconds": round(time.perf_counter() - started, 3), "threads": given.threads}


def ranked(table: Table, task: Task, seed: int, given: argparse.Namespace) -> str:
    """One cell of the evidence."""
    n, test = size_of(task, given)
    key = {"task": task.name, "seed": seed, "n_train": n, "n_test": test}
    before = table.find(key) if given.rank_again else None
    record = table.cell(key, lambda: evidence_cell(task.folder(n, test, seed), seed, given, before), again=given.rank_again)
    if "fault" in record:
        return f"{task.name} ranking, seed {seed}: failed: {record['fault']}"
    return f"{task.name} ranking, seed {seed}: {record['values']['pick']}, {record['seconds']:.0f} s"


def evidence_cell(data: Path, seed: int, given: argparse.Namespace, before: Values | None) -> Values:
    """Rank in a process of its own, from an empty store; after a change of the ranking with the engines that this machine knows: their race is as it was."""
    with tempfile.TemporaryDirectory() as fresh:
        (Path(fresh) / "gallery").mkdir()
        for model in given.models:
            (Path(fresh) / "gallery" / model).symlink_to(home() / "gallery" / model)
        folder, answer = small_test(data, Path(fresh) / "data"), Path(fresh) / "answer.json"
        environment = {**os.environ, "HEADSTART_HOME": fresh, "OMP_NUM_THREADS": str(given.threads), "GOMP_SPINCOUNT": "10000"}
        words = [sys.executable, "-m", "benchmarks.model_choice", "--rank-only", str(folder), str(seed), str(answer)]
        if given.rank_again:
            if (home() / "engines").is_dir():
                shutil.copytree(home() / "engines", Path(fresh) / "engines")
            found = timed_ranking(words, environment, answer)
            times = {name: found.pop(name) for name in ("seconds", "process", "cpu")}
            was = before["values"] if before else {}
            return found | {name: was[name] for name in times if name in was} | {"engines_known": times, "threads": given.threads}
        first = timed_ranking(words, environment, answer)
        for name in ("activations", "examined"):
            shutil.rmtree(Path(fresh) / name, ignore_errors=True)
        second = timed_ranking(words, environment, answer)
        return first | {"engines_known": {name: second[name] for name in ("seconds", "process", "cpu")}, "threads": given.threads}


def timed_ranking(words: Sequence[str], environment: Mapping[str, str], answer: Path) -> Values:
    """One ranking as a process: what it found, wall-clock and processor seconds."""
    started, busy = time.perf_counter(), cpu_of_children()
    done = subprocess.run(words, env=environment, cwd=RESULTS.parents[1], capture_output=True, text=True, check=False, timeout=SECONDS_LIMIT)
    if done.returncode:
        raise CellError(" ".join(done.stderr.split())[-300:])
    found: Values = json.loads(answer.read_text(encoding="utf-8"))
    return found | {"process": round(time.perf_counter() - started, 3), "cpu": round(cpu_of_children() - busy, 3)}


def small_test(data: Path, folder: Path) -> Path:
    """The same train part beside a few pictures of the test part."""
    for part in ("train", "test"):
        for group in sorted(path for path in (data / part).iterdir() if path.is_dir()):
            (folder / part / group.name).mkdir(parents=True)
            files = sorted(group.iterdir())
            for file in files if part == "train" else files[:TEST_PER_CLASS]:
                (folder / part / group.name / file.name).symlink_to(file)
    return folder


def rank_only(data: Path, seed: int, answer: Path) -> None:
    """What the process of a ranking does."""
    import headstart
    import headstart.study.fit
    from headstart.base.records import to_plain

    started = time.perf_counter()
    plain = to_plain(headstart.rank(data, seed=seed))
    rows = [
        {name: row[name] for name in ("model", "prior", "nearest", "probe", "probe_middle", "logme", "logme_middle", "h_score", "expected", "seconds", "tied")}
        for row in plain["rows"]
    ]
    answer.write_text(json.dumps({"pick": plain["pick"], "rows": rows, "seconds": round(time.perf_counter() - started, 3)}), encoding="utf-8")


def write(truth: Table, evidence: Table, steps: Table, given: argparse.Namespace) -> Path:
    """The files: truth, evidence, steps, and what follows from them."""
    truth.markdown()
    evidence.markdown()
    if steps.done():
        steps.markdown()
    path: Path = given.folder / "model_choice.md"
    timed = {record["key"]["model"]: record["values"] for record in steps.done()}
    path.write_text(summary(of_size(truth.done(), given), of_size(evidence.done(), given), given.models, timed), encoding="utf-8")
    return path


def of_size(records: Sequence[Values], given: argparse.Namespace) -> list[Values]:
    """The records of one size of the run: others would not compare."""
    wanted = {"n_train": given.items, "epochs": given.epochs, "rates": rates_of(given)}
    return [record for record in records if all(record["key"].get(name, value) == value for name, value in wanted.items())]


def summary(tuned_records: Sequence[Values], ranked_records: Sequence[Values], models: Sequence[str], steps: Mapping[str, Values]) -> str:
    """Regrets, then the truth they rest on, then what it cost."""
    tuned_records = whole_seeds(tuned_records)
    truth, kept = complete(mean_truth(tuned_records), models)
    with_head, _ = complete(mean_truth(tuned_records, or_head=True), models)
    lines = ["# Which model: regret of each way of choosing", ""]
    if not truth:
        return "\n".join([*lines, "Nothing measured yet.", ""])
    seeds = len({record["key"]["seed"] for record in tuned_records})
    lines += [f"{len(kept)} backbones, {len(truth)} tasks, {seeds} seed{'s' if seeds > 1 else ''}; mean over tasks, 95 % bootstrap interval over tasks.", ""]
    taken = picks(ranked_records, kept)
    for title, what in (("Truth: full fine-tuning", truth), ("Truth: the better of full fine-tuning and head only", with_head)):
        lines += [f"## {title}", "", *regret_rows({name: regrets(what, pick) for name, pick in taken.items()} | {"a random model": random_regrets(what)}), ""]
    fair = {name: found for name, pick in taken.items() if (found := fair_regrets(tuned_records, pick))}
    if fair:
        lines += [
            "## Truth: full fine-tuning; the best model chosen by one seed and judged, like the picks, by another",
            "",
            *regret_rows(fair, beside_prior=False),
            "",
        ]
    lines += [*costs([at_home(one, steps) for one in tuned_records], ranked_records, list(truth), kept), "", "## Accuracy after full fine-tuning, %", ""]
    lines += [f"| task | {' | '.join(kept)} | rank took |", f"|---|{'---|' * len(kept)}---|"]
    for task, accuracy in truth.items():
        best = max(accuracy.values())
        shown = [f"**{100 * accuracy[model]:.1f}**" if accuracy[model] == best else f"{100 * accuracy[model]:.1f}" for model in kept]
        lines.append(f"| {task} | {' | '.join(shown)} | {', '.join(dict.fromkeys(taken['headstart rank'].get(task, {}).values())) or '–'} |")
    return "\n".join(lines) + "\n"


def at_home(record: Values, steps: Mapping[str, Values]) -> Values:
    """A record of the truth that a card computed, with what its training would have taken on the processor: its steps times what one takes there."""
    values, key = record["values"], record["key"]
    if values.get("device", "cpu") == "cpu" or key["model"] not in steps:
        return record
    n, step = key["epochs"] * -(-key["n_train"] // BATCH), steps[key["model"]]
    return {**record, "values": {**values, "train_seconds": n * step["step"], "train_cpu": n * step["step_cpu"]}}


def regret_rows(found: Mapping[str, Mapping[str, float]], *, beside_prior: bool = True) -> list[str]:
    """The regrets of each way of choosing as Markdown, and ours beside the prior's."""
    lines = ["| chosen by | mean regret, points | worst | tasks |", "|---|---|---|---|"]
    for name, lost in found.items():
        if lost:
            mean, low, high = bootstrap_interval(list(lost.values()))
            lines.append(f"| {name} | {mean:.2f} ({low:.2f} to {high:.2f}) | {max(lost.values()):.2f} | {len(lost)} |")
    return [*lines, "", *(halves(found) if beside_prior else [])]


def halves(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Our mean regret beside the prior's, task by task."""
    ours, prior = found["headstart rank"], found["published accuracy alone"]
    both = [task for task in ours if task in prior]
    if len(both) < 2 or not any(prior[task] for task in both):
        return []  # nothing to compare with, or the prior lost nothing
    mean, low, high = t_interval([prior[task] - ours[task] for task in both])
    share = sum(ours[task] for task in both) / sum(prior[task] for task in both)
    return [
        f"- Our regret is {share:.2f} of the prior's (goal: at most 0.50); the prior loses {mean:.2f} points more ({low:.2f} to {high:.2f}, paired by task)."
    ]


def costs(tuned_records: Sequence[Values], ranked_records: Sequence[Values], tasks: Sequence[str], models: Sequence[str]) -> list[str]:
    """A ranking against the sum of all fine-tunings, task by task and seed by seed: in wall-clock after the imports, and in processor time of all."""
    kinds: tuple[tuple[str, Callable[[Values], float], str], ...] = (
        ("train_seconds", lambda values: values["seconds"], "s, the first on this machine"),
        ("train_cpu", lambda values: values["cpu"], "CPU s with the imports, the first on this machine"),
        ("train_seconds", lambda values: values["engines_known"]["seconds"], "s, engines known"),
        ("train_cpu", lambda values: values["engines_known"]["cpu"], "CPU s with the imports, engines known"),
    )
    lines = []
    for of_training, of_ranking, unit in kinds:
        brute: dict[tuple[str, int], float] = {}
        for record in tuned_records:
            key = record["key"]
            if key["task"] in tasks and key["model"] in models:
                brute[key["task"], key["seed"]] = brute.get((key["task"], key["seed"]), 0.0) + record["values"][of_training]
        timed = [one for one in ranked_records if "first" not in unit or "seconds" in one["values"]]
        pairs = [(brute[place], of_ranking(one["values"])) for one in timed if (place := (one["key"]["task"], one["key"]["seed"])) in brute]
        if pairs:
            mean, low, high = t_interval([all_of_them / one for all_of_them, one in pairs])
            seconds = np.mean(pairs, axis=0)
            times = f"{mean:.1f} times cheaper" + (f" ({low:.1f} to {high:.1f})" if len(pairs) > 1 else "")
            lines.append(f"- Ranking took {seconds[1]:.0f} {unit}; all fine-tunings, training alone at one rate, {seconds[0]:.0f}: {times}; goal: 30.")
    return lines


if __name__ == "__main__":
    main()
