"""A run folder from small real computations on scikit-learn's digits: what training writes, in every file that the report reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray
from tests.report.decided import Digits, fit, random_features, softmax, write_decided

from headstart.base.hashing import sha256_file
from headstart.evaluation import CacheUse, Circumstances, Counts, Cut, Predictions, Verdict, judge

NAMES = ("zero", "one", "two", "三 three", "four", "five", "<script>alert('six')</script>", "$7", "eight", "nine & co")
SIDES = {"train": slice(0, 300), "validation": slice(300, 450), "test": slice(450, 750)}
EPOCHS = 14
MACHINE = "a processor with AVX-512, 2 threads, torch 2.13.0"


def make_run(folder: Path, *, chosen: str = "transfer", twins: bool = True, weak: bool = False, decided: bool = True, seed: int = 0) -> Verdict:
    """Fill a folder as training does.

    Args:
        folder: The run folder to make.
        chosen: The arm that validation prefers.
        twins: Whether scratch and plain were trained.
        weak: Whether transfer is the poor model.
        decided: Whether ranking, race, evidence and the random network are there; runs of version 0.1.0 have none of them.
        seed: The run's seed.
    """
    from sklearn.datasets import load_digits

    pixels, truth = load_digits(return_X_y=True)
    pixels = pixels / 16
    history = {"transfer": _learn(pixels, truth, 0.15, 1.1), "scratch": _learn(pixels, truth, 0.004, 1.3), "scratch_still_improving": True}
    if weak:
        history["transfer"], history["scratch"] = history["scratch"], history["transfer"]
    probabilities = {arm: history[arm].pop() for arm in ("transfer", "scratch")}
    centres = np.stack([pixels[SIDES["train"]][truth[SIDES["train"]] == digit].mean(axis=0) for digit in range(10)])
    probabilities["plain"] = softmax(-((pixels[SIDES["test"], None] - centres[None]) ** 2).sum(axis=2))
    probabilities["majority"] = np.tile(np.bincount(truth[SIDES["train"]]) / 300, (300, 1))
    arms = {arm: _predictions(values, truth[SIDES["test"]]) for arm, values in probabilities.items() if twins or arm in ("transfer", "majority")}
    for arm, predictions in arms.items():
        predictions.to_parquet(folder / "predictions" / f"{arm}.parquet")
    if decided:
        hidden = random_features(pixels, 30)
        said = softmax(hidden[SIDES["test"]] @ fit(hidden[SIDES["train"]], truth[SIDES["train"]], rate=0.3))
        arms["random"] = _predictions(said, truth[SIDES["test"]])
        write_decided(folder, Digits(pixels[:750], truth[:750], NAMES))
    verdict = _verdict(arms, chosen, seed)
    _json(folder / "verdict.json", verdict.to_plain())
    _json(folder / "history.json", history if twins else {"transfer": history["transfer"], "scratch": [], "scratch_still_improving": False})
    _small_files(folder, verdict)
    _mistakes(folder, arms[chosen], pixels[SIDES["test"]])
    _json(folder / "about.json", {"data": "digits", "headstart": "0.1.0", "machine": MACHINE, "versions": {"torch": "2.13.0"}})
    _json(folder / "manifest.json", {"files": {file.relative_to(folder).as_posix(): sha256_file(file) for file in sorted(folder.rglob("*.*"))}})
    return verdict


def _learn(pixels: NDArray[np.float64], truth: NDArray[np.int64], rate: float, seconds: float) -> list[Any]:
    """Softmax regression by gradient descent; the epochs, and the test probabilities as the last entry."""
    weights, one_hot, epochs = np.zeros((64, 10)), np.eye(10)[truth], []
    train, validation = SIDES["train"], SIDES["validation"]
    for epoch in range(1, EPOCHS + 1):
        for _ in range(12):
            weights -= rate * 10 * pixels[train].T @ (softmax(pixels[train] @ weights) - one_hot[train]) / 300
        said, taught = softmax(pixels[validation] @ weights), softmax(pixels[train] @ weights)
        epochs.append(
            {
                "epoch": epoch,
                "seconds": round(seconds * epoch, 2),
                "train_loss": float(-np.log((taught * one_hot[train]).sum(axis=1)).mean()),
                "validation_loss": float(-np.log((said * one_hot[validation]).sum(axis=1)).mean()),
                "validation_accuracy": float((said.argmax(axis=1) == truth[validation]).mean()),
            }
        )
    return [*epochs, softmax(pixels[SIDES["test"]] @ weights)]


def _predictions(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Predictions:
    items = tuple(f"digits/{label}/{item:04d}.png" for item, label in enumerate(truth))
    return Predictions(items, truth, probabilities, NAMES, np.arange(len(truth)))


def _verdict(arms: dict[str, Predictions], chosen: str, seed: int) -> Verdict:
    about = Circumstances(
        task="classification",
        modality="image",
        model="efficientnet_lite0",
        title="EfficientNet-Lite0",
        cut=Cut("blocks.5", 0.72, 2),
        seconds={"total": 83.2, "read": 1.4, "activations": 21.9, "probe": 3.1, "tune": 24.7, "scratch": 26.4, "plain": 4.1, "report": 1.6},
        cache=CacheUse(hits=1350, misses=750, bytes=61_440_000),
        n=Counts(300, 150, 300),
        licence="Apache-2.0",
        seed=seed,
        scratch_epochs=EPOCHS if "scratch" in arms else None,
        scratch_still_improving=True if "scratch" in arms else None,
    )
    validation = {arm: 0.99 if arm == chosen else 0.9 for arm in arms if arm not in ("majority", "random")}
    others = {arm: arms.get(arm) for arm in ("scratch", "plain", "majority", "random")}
    return judge(transfer=arms["transfer"], **others, validation=validation, circumstances=about)


def _small_files(folder: Path, verdict: Verdict) -> None:
    decision = ("name", "value", "unit", "why", "source")
    decisions = [
        ("model", "efficientnet_lite0", "", "its probe led by 2.1 points (95 % 0.4 to 3.9)", "measured"),
        ("cut", "blocks.5", "", "best on validation of head only, last block, last two blocks", "measured"),
        ("learning_rate", 0.001, "per step", "AdamW's usual rate for a new head", "rule"),
        ("fine_tune_rate", 0.0001, "per step", "a tenth of the head's: pretrained weights should move little", "rule"),
        ("batch", 64, "items", "fits the activations of a batch into the processor's cache", "rule"),
        ("epochs", 14, "epochs", "validation stopped improving for 5 epochs", "measured"),
        ("seed", verdict.seed, "", "given on the command line", "pinned"),
    ]
    plan = {"decision": [dict(zip(decision, row, strict=True)) for row in decisions]}
    (folder / "plan.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")
    (folder / "events.jsonl").write_text('{"kind": "end", "stage": "read", "seconds": 1.4}\n{"kind": "end", "sta', encoding="utf-8")
    _json(folder / "candidates.json", [_candidate(*row) for row in CANDIDATES])
    content = {side: [f"{n:032x}" for n in range(part.stop - part.start)] for side, part in SIDES.items()}
    counts = {side: [len(items) // 10] * 10 for side, items in content.items()}
    how = {"how": "stratified by class, near-duplicates kept together", "seed": 0, "faults": [{"source": "broken.png", "reason": "truncated"}]}
    _json(folder / "split.json", {**how, "classes": NAMES, "counts": counts, "content": content})
    race = [("openvino-bfloat16", 412.0, 0.99983, 0.031), ("torch-bfloat16", 133.0, 0.99991, 0.024), ("torch-float32", 48.0, 1.0, 0.0)]
    names = ("engine", "items_per_second", "cosine", "largest_difference")
    _json(folder / "engine.json", {"engine": race[0][0], "race": [dict(zip(names, row, strict=True)) for row in race], "machine": MACHINE})
    card = {
        "name": "efficientnet_lite0",
        "source": "a package of weights",
        "sha256": "9f" * 32,
        "trained_on": {"what": "ImageNet-1k", "n": 1_281_167, "kind": "natural images"},
        "licence": "Apache-2.0",
    }
    _json(folder / "model.json", {"card": card, "classes": NAMES, "recipe": {"size": 224, "mean": [0.5, 0.5, 0.5]}})


CANDIDATES = (  # title, cut, bytes, prior, probe, validation, seconds, chosen, why
    ("EfficientNet-Lite0", "head", 18_700_000, 0.751, 0.921, None, 12.2, True, "its probe led by 2.1 points (95 % 0.4 to 3.9)"),
    ("MobileNet-v2", "head", 14_200_000, 0.7188, 0.900, None, 4.9, False, ""),
    ("SqueezeNet 1.1", "head", 5_000_000, 0.5818, 0.847, None, 3.3, False, ""),
    ("EfficientNet-Lite0", "blocks.5", 18_700_000, 0.751, None, 0.940, 12.2, True, "best on validation"),
    ("EfficientNet-Lite0", "blocks.6", 18_700_000, 0.751, None, 0.933, 8.4, False, ""),
    ("EfficientNet-Lite0", "head", 18_700_000, 0.751, None, 0.913, 3.0, False, ""),
)


def _candidate(
    title: str, cut: str, n_bytes: int, prior: float, probe: float | None, validation: float | None, seconds: float, chosen: bool, why: str
) -> dict[str, Any]:
    def measured(value: float | None) -> dict[str, float] | None:
        return None if value is None else {"value": value, "low": value - 0.03, "high": value + 0.02, "n": 150}

    scores = {"prior": prior, "probe": measured(probe), "validation": measured(validation)}
    return {
        "model": title.lower(),
        "title": title,
        "licence": "Apache-2.0",
        "bytes": n_bytes,
        "cut": cut,
        "seconds": seconds,
        "chosen": chosen,
        "why": why,
        **scores,
    }


def _mistakes(folder: Path, predictions: Predictions, pixels: NDArray[np.float64]) -> None:
    from PIL import Image

    (folder / "mistakes").mkdir(parents=True, exist_ok=True)
    sure = predictions.probabilities.max(axis=1) * ~predictions.right
    rows = []
    for place, item in enumerate(np.argsort(-sure)[: min(12, int((~predictions.right).sum()))]):
        picture = Image.fromarray((255 * (1 - pixels[item].reshape(8, 8))).astype(np.uint8)).resize((160, 160), Image.Resampling.BICUBIC)
        picture.save(folder / "mistakes" / f"{place:03d}.jpg")
        truth, called = NAMES[predictions.truth[item]], NAMES[predictions.predicted[item]]
        rows.append(
            {"file": f"mistakes/{place:03d}.jpg", "source": predictions.items[item], "truth": truth, "predicted": called, "probability": float(sure[item])}
        )
    _json(folder / "mistakes.json", rows)


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
