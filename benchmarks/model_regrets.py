"""Ways of choosing a model, and what each loses: rankings and the truth in, who is picked and the points lost out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.ledger import Values

Truth = dict[str, dict[str, float]]  # task -> model -> accuracy
Pick = dict[str, dict[int, str]]  # task -> seed -> model

CHOOSERS: dict[str, Callable[[Values], float]] = {  # of equals the one that headstart ranks higher: for headstart itself all are equal
    "headstart rank": lambda _: 0.0,
    "published accuracy alone": lambda row: row["prior"]["value"] if row["prior"] else -1.0,
    "1-NN": lambda row: row["nearest"],
    "LogME": lambda row: row["logme"],
    "LogME, the better of two cuts": lambda row: max(row["logme"], row.get("logme_middle") or row["logme"]),
    "H-score": lambda row: row["h_score"],
    "probe (head)": lambda row: row["probe"]["value"],
}


def picks(evidence: Sequence[Values], models: Sequence[str]) -> dict[str, Pick]:
    """What each way of choosing takes among the models, by task and seed; of equals the one that headstart ranks higher."""
    found: dict[str, Pick] = {name: {} for name in CHOOSERS}
    for record in evidence:
        rows = [row for row in record["values"]["rows"] if row["model"] in models]
        for name, score in CHOOSERS.items() if rows else ():
            best = max(range(len(rows)), key=lambda place: (score(rows[place]), -place))
            found[name].setdefault(record["key"]["task"], {})[record["key"]["seed"]] = rows[best]["model"]
    return found


def mean_truth(records: Sequence[Values], *, or_head: bool = False) -> Truth:
    """Accuracy after fine-tuning, or of the frozen network with its head where that is better and allowed; the mean over seeds."""
    values: dict[str, dict[str, list[float]]] = {}
    for record in records:
        tuned, head = record["values"]["accuracy"]["value"], record["values"]["head_accuracy"]
        values.setdefault(record["key"]["task"], {}).setdefault(record["key"]["model"], []).append(max(tuned, head) if or_head else tuned)
    return {task: {model: float(np.mean(found)) for model, found in models.items()} for task, models in values.items()}


def regrets(truth: Truth, pick: Pick) -> dict[str, float]:
    """Points lost by the picks of a task, the mean over its seeds.

    Example:
        >>> regrets({"a": {"good": 0.9, "bad": 0.7}}, {"a": {0: "good", 1: "bad"}})
        {'a': 10.0}
    """
    return {
        task: round(100 * float(np.mean([max(truth[task].values()) - truth[task][model] for model in seeds.values()])), 6)
        for task, seeds in pick.items()
        if task in truth and all(model in truth[task] for model in seeds.values())
    }


def fair_regrets(records: Sequence[Values], pick: Pick) -> dict[str, float]:
    """The same where the best model is chosen by one seed's truth and everybody judged by another's: the best of many noisy ones flatters itself.

    Example:
        >>> def tuned(seed, model, share): return {"key": {"task": "a", "seed": seed, "model": model}, "values": {"accuracy": {"value": share}}}
        >>> fair_regrets([tuned(0, "x", 0.5), tuned(0, "y", 0.6), tuned(1, "x", 0.6), tuned(1, "y", 0.5)], {"a": {0: "x"}})
        {'a': -5.0}
    """
    by_seed: dict[str, dict[int, dict[str, float]]] = {}
    for record in records:
        key = record["key"]
        by_seed.setdefault(key["task"], {}).setdefault(key["seed"], {})[key["model"]] = record["values"]["accuracy"]["value"]
    lost = {}
    for task, seeds in pick.items():
        models = set(seeds.values())
        whole = [found for found in by_seed.get(task, {}).values() if models <= set(found)]
        most = max(map(len, whole), default=0)
        pairs = [(one, other) for one in whole for other in whole if one is not other and len(one) == len(other) == most]
        each = [other[max(one, key=one.__getitem__)] - other[model] for one, other in pairs for model in seeds.values()]
        if each:
            lost[task] = round(100 * float(np.mean(each)), 6)
    return lost


def random_regrets(truth: Truth) -> dict[str, float]:
    """Points lost by taking any model."""
    return {task: 100 * float(max(found.values()) - np.mean(list(found.values()))) for task, found in truth.items()}


def whole_seeds(records: Sequence[Values]) -> list[Values]:
    """Without the seeds of a task that miss models which another of its seeds has: they would be compared on other pictures."""
    tuned: dict[str, dict[int, set[str]]] = {}
    for record in records:
        key = record["key"]
        tuned.setdefault(key["task"], {}).setdefault(key["seed"], set()).add(key["model"])
    most = {task: max(map(len, seeds.values())) for task, seeds in tuned.items()}
    return [record for record in records if len(tuned[record["key"]["task"]][record["key"]["seed"]]) == most[record["key"]["task"]]]


def complete(truth: Truth, models: Sequence[str]) -> tuple[Truth, list[str]]:
    """The tasks on which every model was tuned that was tuned on the most tasks: only these can be compared."""
    counts = {model: sum(model in found for found in truth.values()) for model in models}
    kept = [model for model in models if counts[model] and counts[model] == max(counts.values())]
    return {task: {model: found[model] for model in kept} for task, found in truth.items() if all(model in found for model in kept)}, kept
