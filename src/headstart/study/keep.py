"""What a fit leaves behind: every file of the run folder that report, predict and people read."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import headstart
from headstart import gallery
from headstart.backbone.engines.race import machine
from headstart.evaluation.conformal import OFFERED, conformal_threshold
from headstart.evaluation.intervals import measure
from headstart.evaluation.temperature import fit_temperature, with_temperature
from headstart.evaluation.verdict import Verdict
from headstart.planning.entrants import Entrant
from headstart.planning.plan import Plan
from headstart.study import why
from headstart.study.arms import Arm, random_backbone
from headstart.study.asked import DECIDING
from headstart.study.gather import Gathered
from headstart.study.languages import learnt
from headstart.study.pictures import Pictures
from headstart.study.round import Round, taught
from headstart.study.tracks import Tracks, judged
from headstart.study.verdict import places, said
from headstart.training.race import Result
from headstart.training.run import MODEL_FILES, RunWriter

WORST_MISTAKES = 12
ARMS = ("transfer", "scratch", "random", "plain", "majority")
HEAD_WORDS = (
    "weight_decay",
    "l2_sp",
    "dropout",
    "label_smoothing",
    "mixup",
    "rate_decay",
    "unfreeze",
    "learning_rate",
    "epochs",
    "batch_items",
    "balance",
    "contrastive",
    "lora_rank",
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything that a study found.

    Attributes:
        judged: The rounds whose test items were looked at.
        last: The round whose arms are delivered; the only judged one where the test was held out.
        found: What ``evidence.json`` says.
        overruled: What evidence made of the rule of thumb.
    """

    plan: Plan
    gathered: Gathered
    judged: tuple[Round, ...]
    last: Round
    tracks: Tracks
    found: Mapping[str, Any]
    verdict: Verdict
    overruled: str

    def arm(self, name: str) -> Arm:
        """The arm that is delivered under a name: the scratch twin of a judged round, the others of the last."""
        return (taught(self.judged, self.verdict.model) if name == "scratch" else self.last).arms[name]


def keep(run: RunWriter, outcome: Outcome) -> None:
    """Write all of it but the report and the manifest."""
    outcome.plan.save(run.folder / "plan.toml")
    for name in ARMS:
        predictions = said(outcome.judged, name)
        if predictions is not None:
            predictions.to_parquet(run.folder / "predictions" / f"{name}.parquet")
    run.json("split.json", _split(outcome))
    run.json("ranking.json", outcome.last.ranking)
    run.json("race.json", _race(outcome))
    run.json("history.json", _histories(outcome))
    run.json("engine.json", outcome.tracks.collected[outcome.verdict.model].candidate.choice)
    run.json("about.json", _about(outcome))
    pictures = Pictures(run.folder, outcome.gathered.dataset)
    _mistakes(run, outcome, pictures)
    run.json("evidence.json", _evidence(outcome, pictures))
    _model(run, outcome)
    run.json("verdict.json", outcome.verdict.to_plain())


def _about(outcome: Outcome) -> dict[str, Any]:
    """Where the data came from, on what and with what it ran."""
    dataset = outcome.gathered.dataset
    versions = {name: version(name) for name in DECIDING}
    return {
        "data": str(dataset.root),
        "dataset": dataset.digest,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "headstart": headstart.__version__,
        "python": platform.python_version(),
        "machine": machine(),
        "versions": versions,
    }


def _split(outcome: Outcome) -> dict[str, Any]:
    """How the items were divided, by their content: enough to divide them so again."""
    dataset, rounds = outcome.gathered.dataset, outcome.judged
    split = rounds[0].problem.split
    nested = outcome.last is not rounds[-1]  # then it learnt from everything
    sides = {"train": outcome.last.problem.split.train if nested else split.train, "validation": split.validation}
    sides["test"] = np.concatenate([one.problem.split.test for one in rounds])
    tests = {"rounds": [[dataset.content[n] for n in one.problem.split.test] for one in rounds]} if nested else {}
    tested = "every item" if len(sides["test"]) == len(dataset) else f"{len(sides['test']):,} of {len(dataset):,} items"
    counted = "1 round, {} tested in it" if len(rounds) == 1 else f"{len(rounds)} rounds, {{}} tested in one of them"
    how = f"{counted.format(tested)}, by what was fitted to the others; {split.how.split(', ', 2)[-1]}" if nested else split.how
    return {
        "how": how,
        "digest": split.digest,
        "seed": split.seed,
        "classes": dataset.classes,
        "counts": {name: np.bincount(dataset.labels[items], minlength=len(dataset.classes)).tolist() for name, items in sides.items()},
        "units": len(np.unique(split.units)),
        "content": {**{name: [dataset.content[n] for n in items] for name, items in sides.items()}, **tests},
        "faults": dataset.faults,
    }


def _race(outcome: Outcome) -> dict[str, Any]:
    """The delivered round's race: every entrant, what it did and how it ended."""
    raced = outcome.last.raced
    rows = [_ran(one, outcome, chosen=one is raced.winner) for one in raced.results]
    rows += [_row(entrant, outcome) | {"n_folds": 0, "seconds": 0.0, "outcome": reason, "chosen": False} for entrant, reason in raced.left_out]
    return {
        "seconds": raced.seconds,
        "expected_seconds": raced.expected_seconds,
        "order": why.order(outcome.last, outcome.plan),
        "overruled": outcome.overruled,
        "metric": outcome.last.problem.metric,
        "folds": len(outcome.last.problem.heats),
        "rows": rows,
    }


def _ran(one: Result, outcome: Outcome, *, chosen: bool) -> dict[str, Any]:
    problem = outcome.last.problem
    row = _row(one.entrant, outcome) | {"n_folds": len(one.heats), "seconds": one.seconds, "outcome": one.outcome, "chosen": chosen}
    if one.heats:
        score = measure(judged(problem, one.heats), problem.metric, problem.seed)
        row |= {"score": score.value, "low": score.low, "high": score.high, "log_loss": -one.standing[0]}
    return row


def _row(entrant: Entrant, outcome: Outcome) -> dict[str, Any]:
    card = outcome.tracks.collected[entrant.model].candidate.card
    settings: dict[str, Any] = {"views": entrant.views}
    if not entrant.is_linear:
        known = asdict(outcome.tracks.settings(entrant))
        settings |= {name: known[name] for name in HEAD_WORDS}
    about = {"model": entrant.model, "title": card.title, "cut": entrant.block, "n_blocks": entrant.n_blocks, "source": entrant.source}
    return {**about, "settings": settings, "expected_seconds": entrant.seconds}


def _histories(outcome: Outcome) -> dict[str, Any]:
    """Learning curves of the arms that have epochs; of one round, where there were several."""
    scratch = outcome.arm("scratch") if any("scratch" in one.arms for one in outcome.judged) else None
    curves = {"transfer": outcome.last.arms["transfer"].history, "scratch": scratch.history if scratch else ()}
    return {**curves, "scratch_still_improving": scratch.still_improving if scratch else False}


def _mistakes(run: RunWriter, outcome: Outcome, pictures: Pictures) -> None:
    """The test items that the chosen arm got wrong with the most conviction, as small pictures."""
    dataset, chosen = outcome.gathered.dataset, outcome.verdict.chosen
    predictions = said(outcome.judged, chosen)
    if predictions is None:
        return
    sure, test = predictions.probabilities.max(axis=1), places(outcome.judged, chosen)
    worst = [n for n in np.argsort(-sure, kind="stable") if not predictions.right[n]][:WORST_MISTAKES]
    rows = []
    for number, n in enumerate(worst):
        name = pictures.draw(f"mistakes/{number:03d}", int(test[n]))
        truth, called = dataset.classes[predictions.truth[n]], dataset.classes[predictions.predicted[n]]
        rows.append({"file": name, "source": predictions.items[n], "truth": truth, "predicted": called, "probability": float(sure[n])})
    run.json("mistakes.json", rows)


def _evidence(outcome: Outcome, pictures: Pictures) -> dict[str, Any]:
    """What is known beside the scores; doubted labels with their pictures."""
    found: dict[str, Any] = {name: value for name, value in outcome.found.items() if value is not None}
    doubted: Sequence[dict[str, Any]] = found.get("label_errors", {}).get("rows", ())
    rows = [{**row, "file": pictures.draw(f"label_errors/{n:03d}", row["position"])} for n, row in enumerate(doubted[: 2 * WORST_MISTAKES])]
    rows += doubted[2 * WORST_MISTAKES :]
    return {**found, "label_errors": {**found.get("label_errors", {}), "rows": rows}}


def _model(run: RunWriter, outcome: Outcome) -> None:
    """The weights of what is delivered, with all that is needed to use them without the gallery and the data; the plain model's in any case: they are small."""
    chosen, collected = outcome.verdict.chosen, outcome.tracks.collected
    candidate = collected[outcome.arm(chosen).model or outcome.verdict.model].candidate  # the twin that is delivered may be another round's network
    if chosen == "transfer":
        run.tensors("model.safetensors", _of(candidate.backbone.network) | _tensors(outcome.arm(chosen)))
    if chosen == "scratch":
        untaught = random_backbone(candidate, outcome.last.problem.seed).network if outcome.arm(chosen).frozen else None
        run.tensors("scratch.safetensors", ({} if untaught is None else _of(untaught)) | _tensors(outcome.arm(chosen)))
    if "plain" in outcome.judged[0].arms:
        run.tensors("plain.safetensors", _tensors(outcome.arm("plain")))
    for file in candidate.card.files if chosen != "plain" else ():  # a tokenizer: a run answers without the gallery
        run.copy(f"{MODEL_FILES}/{file.name}", gallery.folder(candidate.card.name) / file.name)
    dataset, found = outcome.gathered.dataset, outcome.found
    about: dict[str, Any] = {"chosen": chosen, "classes": dataset.classes, "modality": dataset.modality, "columns": dataset.columns}
    about |= {"languages": learnt(dataset)} if dataset.modality == "text" else {}
    validation = outcome.arm(chosen).validation
    temperature = fit_temperature(validation)
    calm = with_temperature(validation, temperature)
    trust = {
        "temperature": temperature,
        "unsure_below": found.get("abstention", {}).get("threshold"),
        "target": found.get("abstention", {}).get("target"),
        "sets": [{"coverage": one, "threshold": conformal_threshold(calm, one)} for one in OFFERED],
    }
    run.json(
        "model.json",
        {**about, "recipe": candidate.items.recipe.moved(Path(MODEL_FILES)), "card": candidate.card, "engine": candidate.choice.engine, "trust": trust},
    )


def _of(network: torch.nn.Module) -> dict[str, Any]:
    """All that a network knows, under the names of a run's file."""
    return {f"network.{key}": value for key, value in network.state_dict().items()}


def _tensors(arm: Arm) -> dict[str, Any]:
    """An arm's weights, its head at the temperature that makes its probabilities right."""
    temperature = fit_temperature(arm.validation)
    if arm.counting is not None:
        return dict(arm.counting.tempered(temperature).tensors())
    if arm.head is not None:
        head = arm.head.tempered(temperature)
        return {"head.weight": head.weight, "head.bias": head.bias}
    weights = {name: value / temperature if name.startswith("head.") else value for name, value in (arm.weights or {}).items()}
    return {name if name.startswith("head.") else f"network.{name}": value for name, value in weights.items()}
