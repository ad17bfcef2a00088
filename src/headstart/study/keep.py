"""What a fit leaves behind: every file of the run folder that report, predict and people read."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headstart.base.files import write
from headstart.data import Dataset, Split
from headstart.evaluation.intervals import measure
from headstart.evaluation.predictions import Predictions
from headstart.evaluation.verdict import Verdict
from headstart.modality import Unreadable, get
from headstart.planning.plan import Plan
from headstart.study.arms import Arm, Sides
from headstart.study.candidates import Probed
from headstart.training.run import RunWriter

WORST_MISTAKES = 12
THUMBNAIL_PIXELS = 160


def everything(
    run: RunWriter,
    dataset: Dataset,
    parts: Split,
    sides: Sides,
    plan: Plan,
    probed: Sequence[Probed],
    best: Probed,
    tried: Sequence[Arm],
    transfer: Arm,
    others: Mapping[str, Arm],
    on_test: Mapping[str, Predictions],
    verdict: Verdict,
) -> None:
    """Write all of it; the manifest is somebody else's, last."""
    plan.save(run.folder / "plan.toml")
    for name, predictions in on_test.items():
        predictions.to_parquet(run.folder / "predictions" / f"{name}.parquet")
    run.json("split.json", split_facts(dataset, parts))
    run.json("candidates.json", [*candidate_rows(probed, best, plan), *cut_rows(best, tried, transfer, plan)])
    run.json("history.json", histories(transfer, others))
    run.json("engine.json", best.candidate.choice)
    mistakes(run, dataset, on_test[verdict.chosen])
    model(run, dataset, best, transfer, others, verdict)
    run.json("verdict.json", verdict.to_plain())


def split_facts(dataset: Dataset, parts: Split) -> dict[str, Any]:
    """How the items were divided, by their content: enough to divide them so again."""
    sides = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    counts = {name: np.bincount(dataset.labels[items], minlength=len(dataset.classes)).tolist() for name, items in sides.items()}
    return {
        "how": parts.how,
        "digest": parts.digest,
        "seed": parts.seed,
        "classes": dataset.classes,
        "counts": counts,
        "units": len(np.unique(parts.units)),
        "content": {name: [dataset.content[n] for n in items] for name, items in sides.items()},
        "faults": dataset.faults,
    }


def candidate_rows(probed: Sequence[Probed], best: Probed, plan: Plan) -> list[dict[str, Any]]:
    """One row per model: prior, probe, price."""
    rows = []
    for one in sorted(probed, key=lambda each: -each.score.value):
        card = one.candidate.card
        why = next(decision.why for decision in plan.decisions if decision.name == "model") if one is best else ""
        rows.append({**about_card(card), "cut": "head", "probe": one.score, "validation": None, "seconds": one.seconds, "chosen": one is best, "why": why})
    return rows


def cut_rows(best: Probed, tried: Sequence[Arm], transfer: Arm, plan: Plan) -> list[dict[str, Any]]:
    """One row per cut of the chosen model that was tried on validation."""
    backbone, metric, rows = best.candidate.backbone, str(plan["metric"]), []
    for arm in tried:
        name = "head" if arm.cut == backbone.depth else backbone.blocks[arm.cut].name
        scored = measure(arm.validation, metric, int(plan.number("seed")))
        why = next(decision.why for decision in plan.decisions if decision.name == "cut") if arm is transfer else ""
        row = {**about_card(best.candidate.card), "cut": name, "probe": None, "validation": scored, "seconds": arm.seconds, "chosen": arm is transfer, "why": why}
        rows.append(row)
    return rows


def about_card(card: Any) -> dict[str, Any]:
    """What a row says of its model."""
    prior = card.prior.value if card.prior is not None else None
    return {"model": card.name, "title": card.title, "licence": card.licence, "bytes": card.bytes, "prior": prior}


def histories(transfer: Arm, others: Mapping[str, Arm]) -> dict[str, Any]:
    """Learning curves of the arms that have epochs."""
    scratch = others.get("scratch")
    return {
        "transfer": transfer.history,
        "scratch": scratch.history if scratch else (),
        "scratch_still_improving": scratch.still_improving if scratch else False,
    }


def mistakes(run: RunWriter, dataset: Dataset, predictions: Predictions) -> None:
    """The test items that the chosen arm got wrong with the most conviction, as small pictures."""
    from PIL import Image

    places = {source: n for n, source in enumerate(dataset.sources)}
    sure = predictions.probabilities.max(axis=1)
    worst = [n for n in np.argsort(-sure, kind="stable") if not predictions.right[n]][:WORST_MISTAKES]
    rows = []
    for number, n in enumerate(worst):
        content = dataset.read(places[predictions.items[n]])
        try:
            pixels = get(dataset.modality).prepare(content, _Whole())
        except Unreadable:
            continue
        stream = io.BytesIO()
        Image.fromarray(pixels.transpose(1, 2, 0)).save(stream, "JPEG", quality=85)
        name = f"{number:03d}.jpg"
        write(run.folder / "mistakes" / name, stream.getvalue())
        truth, said = dataset.classes[predictions.truth[n]], dataset.classes[predictions.predicted[n]]
        rows.append({"file": name, "source": predictions.items[n], "truth": truth, "predicted": said, "probability": float(sure[n])})
    run.json("mistakes.json", rows)


class _Whole:
    """The recipe of a thumbnail: the middle square, nothing cut off the shorter side."""

    size, crop_fraction, interpolation = THUMBNAIL_PIXELS, 1.0, "bicubic"


def model(run: RunWriter, dataset: Dataset, best: Probed, transfer: Arm, others: Mapping[str, Arm], verdict: Verdict) -> None:
    """Weights and everything that is needed to use them without the gallery and without the data."""
    network = best.candidate.backbone.network
    for name, arm in {"model": transfer, "scratch": others.get("scratch"), "plain": others.get("plain")}.items():
        if arm is None or (name == "scratch" and verdict.chosen != "scratch"):
            continue
        tensors: dict[str, Any] = {}
        if name == "model":
            tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
        if arm.weights is not None:
            tensors |= {key if key.startswith("head.") else f"network.{key}": value for key, value in arm.weights.items()}
        if arm.head is not None:
            tensors |= {"head.weight": arm.head.weight, "head.bias": arm.head.bias}
        run.tensors(f"{name}.safetensors", tensors)
    run.json(
        "model.json",
        {
            "chosen": verdict.chosen,
            "classes": dataset.classes,
            "modality": dataset.modality,
            "recipe": best.candidate.items.recipe,
            "card": best.candidate.card,
            "engine": best.candidate.choice.engine,
        },
    )


