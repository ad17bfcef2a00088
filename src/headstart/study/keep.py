"""What a fit leaves behind: every file of the run folder that report, predict and people read."""

from __future__ import annotations

import io
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

import headstart
from headstart.backbone.engines.race import machine
from headstart.base.files import write
from headstart.evaluation.intervals import measure
from headstart.evaluation.predictions import Predictions
from headstart.evaluation.verdict import Verdict
from headstart.gallery.card import ModelCard
from headstart.modality import Recipe, Unreadable, get
from headstart.planning.plan import Plan
from headstart.study.arms import Arm
from headstart.study.candidates import Probed
from headstart.study.problem import Problem
from headstart.training.run import RunWriter

WORST_MISTAKES = 12
THUMBNAIL = Recipe(size=160, crop_fraction=1.0, interpolation="bicubic")
JPEG_QUALITY = 85


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything that a study found."""

    problem: Problem
    plan: Plan
    probed: tuple[Probed, ...]
    best: Probed
    tried: tuple[Arm, ...]
    transfer: Arm
    twins: Mapping[str, Arm]
    on_test: Mapping[str, Predictions]
    verdict: Verdict


def keep(run: RunWriter, outcome: Outcome) -> None:
    """Write all of it but the report and the manifest."""
    outcome.plan.save(run.folder / "plan.toml")
    for name, predictions in outcome.on_test.items():
        predictions.to_parquet(run.folder / "predictions" / f"{name}.parquet")
    run.json("split.json", _split(outcome.problem))
    run.json("candidates.json", [*_models(outcome), *_cuts(outcome)])
    run.json("history.json", _histories(outcome))
    run.json("engine.json", outcome.best.candidate.choice)
    run.json("about.json", _about(outcome))
    _mistakes(run, outcome)
    _model(run, outcome)
    run.json("verdict.json", outcome.verdict.to_plain())


def _about(outcome: Outcome) -> dict[str, Any]:
    """Where the data came from, on what and with what it ran."""
    dataset = outcome.problem.dataset
    versions = {name: version(name) for name in ("torch", "timm", "openvino", "numpy", "pillow")}
    return {
        "data": str(dataset.root),
        "dataset": dataset.digest,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "headstart": headstart.__version__,
        "python": platform.python_version(),
        "machine": machine(),
        "versions": versions,
    }


def _split(problem: Problem) -> dict[str, Any]:
    """How the items were divided, by their content: enough to divide them so again."""
    dataset, split = problem.dataset, problem.split
    sides = {"train": split.train, "validation": split.validation, "test": split.test}
    return {
        "how": split.how,
        "digest": split.digest,
        "seed": split.seed,
        "classes": dataset.classes,
        "counts": {name: np.bincount(dataset.labels[items], minlength=problem.n_classes).tolist() for name, items in sides.items()},
        "units": len(np.unique(split.units)),
        "content": {name: [dataset.content[n] for n in items] for name, items in sides.items()},
        "faults": dataset.faults,
    }


def _models(outcome: Outcome) -> list[dict[str, Any]]:
    """One row per model: prior, probe, price."""
    best, reason = outcome.best, outcome.plan.decision("model").why
    return [
        _row(one.candidate.card, "head", one.seconds, chosen=one is best, why=reason if one is best else "") | {"probe": one.score}
        for one in sorted(outcome.probed, key=lambda each: -each.score.value)
    ]


def _cuts(outcome: Outcome) -> list[dict[str, Any]]:
    """One row per cut of the chosen model that was tried on validation."""
    candidate, problem, reason = outcome.best.candidate, outcome.problem, outcome.plan.decision("cut").why
    return [
        _row(candidate.card, candidate.block_name(arm.cut), arm.seconds, chosen=arm is outcome.transfer, why=reason if arm is outcome.transfer else "")
        | {"validation": measure(arm.validation, problem.metric, problem.seed)}
        for arm in outcome.tried
    ]


def _row(card: ModelCard, cut: str, seconds: float, *, chosen: bool, why: str) -> dict[str, Any]:
    prior = card.prior.value if card.prior is not None else None
    about = {"model": card.name, "title": card.title, "licence": card.licence, "bytes": card.bytes, "prior": prior}
    return {**about, "cut": cut, "probe": None, "validation": None, "seconds": seconds, "chosen": chosen, "why": why}


def _histories(outcome: Outcome) -> dict[str, Any]:
    """Learning curves of the arms that have epochs."""
    scratch = outcome.twins.get("scratch")
    curves = {"transfer": outcome.transfer.history, "scratch": scratch.history if scratch else ()}
    return {**curves, "scratch_still_improving": scratch.still_improving if scratch else False}


def _mistakes(run: RunWriter, outcome: Outcome) -> None:
    """The test items that the chosen arm got wrong with the most conviction, as small pictures."""
    dataset, predictions = outcome.problem.dataset, outcome.on_test[outcome.verdict.chosen]
    sure, test = predictions.probabilities.max(axis=1), outcome.problem.split.test
    worst = [n for n in np.argsort(-sure, kind="stable") if not predictions.right[n]][:WORST_MISTAKES]
    rows = []
    for number, n in enumerate(worst):
        try:
            picture = _thumbnail(dataset.modality, dataset.read(int(test[n])))
        except Unreadable:
            continue
        name = f"{number:03d}.jpg"
        write(run.folder / "mistakes" / name, picture)
        truth, said = dataset.classes[predictions.truth[n]], dataset.classes[predictions.predicted[n]]
        rows.append({"file": name, "source": predictions.items[n], "truth": truth, "predicted": said, "probability": float(sure[n])})
    run.json("mistakes.json", rows)


def _thumbnail(modality: str, content: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(get(modality).prepare(content, THUMBNAIL).transpose(1, 2, 0)).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


def _model(run: RunWriter, outcome: Outcome) -> None:
    """Weights and everything that is needed to use them without the gallery and without the data."""
    pretrained, chosen = outcome.best.candidate.backbone.network.state_dict(), outcome.verdict.chosen
    run.tensors("model.safetensors", {f"network.{key}": value for key, value in pretrained.items()} | _tensors(outcome.transfer))
    for name in ("scratch", "plain"):
        if name in outcome.twins and (name == "plain" or name == chosen):
            run.tensors(f"{name}.safetensors", _tensors(outcome.twins[name]))
    candidate = outcome.best.candidate
    about = {"chosen": chosen, "classes": outcome.problem.dataset.classes, "modality": outcome.problem.dataset.modality}
    run.json("model.json", {**about, "recipe": candidate.items.recipe, "card": candidate.card, "engine": candidate.choice.engine})


def _tensors(arm: Arm) -> dict[str, Any]:
    if arm.head is not None:
        return {"head.weight": arm.head.weight, "head.bias": arm.head.bias}
    return {key if key.startswith("head.") else f"network.{key}": value for key, value in (arm.weights or {}).items()}
