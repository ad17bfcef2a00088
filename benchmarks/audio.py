"""Clips of real recordings through the whole river, beside the simplest peer: a table with intervals, seconds and verdicts.

    python -m benchmarks.audio [--budget 120] [--seeds 1] [--tasks digits spanish italian drums]

Rows: synthetic English digits to real ones; a Spanish and an Italian speaker to another; drum kits to other kits, where speech is the wrong source and the
verdict should notice. Transfer, the twin from scratch and the plain model come from one `fit` with a budget; the peer is the speech embedding with
scikit-learn's logistic regression (C by cross-validation) on the same division, one thread. Resumable: a line a cell in results/audio.jsonl.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import recordings
from benchmarks.ledger import Column, Table, Values
from headstart import fit, gallery
from headstart.base.records import to_plain
from headstart.data import load, split
from headstart.evaluation.rates import share
from headstart.study.candidates import open_candidate
from headstart.study.items import prepared_for

TASKS = {
    "digits": ("synthetic to real English digits", recordings.spoken_digits),
    "spanish": ("Mexican to Colombian prompts", recordings.spanish),
    "italian": ("Carlo's to Menardi's prompts", recordings.italian),
    "drums": ("drums, kits held out", recordings.drums),
}
MODEL = "speech_embedding"
ARMS = ("transfer", "scratch", "plain")
TABLE = Table(
    "audio",
    "Real recordings: transfer, from scratch, plain model, and the embedding with logistic regression (accuracy of the peer, metric of the run elsewhere)",
    ("task",),
    (
        *(Column(arm, arm, 100) for arm in ARMS),
        Column("peer", "embedding + logistic regression", 100),
        Column("fit_seconds", "fit, s"),
        Column("peer_seconds", "peer, s"),
    ),
)


def main() -> None:
    """Compute what is missing, then write the table."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--budget", type=float, default=120.0)
    asked.add_argument("--seeds", type=int, default=1)
    asked.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    asked.add_argument("--again", action="store_true", help="measure cells that are known once more")
    given = asked.parse_args()
    for task in given.tasks:
        for seed in range(given.seeds):
            data = TASKS[task][1]()
            key = {"task": task, "seed": seed, "budget": given.budget}
            record = TABLE.cell(key, lambda data=data, seed=seed: cell(data, given.budget, seed), again=given.again)
            print(task, seed, record.get("values", record.get("fault")), flush=True)
    print(TABLE.markdown())


def cell(data: Path, budget: float, seed: int) -> Values:
    """One fit and one peer."""
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        verdict = fit(data, out=Path(scratch) / "run", budget=budget, seed=seed).verdict
        seconds = time.perf_counter() - began
    found: dict[str, Any] = {"transfer": verdict.test, "scratch": verdict.scratch, "plain": verdict.plain}
    values = {name: to_plain(one) for name, one in found.items() if one is not None}
    values |= {"helped": verdict.helped, "model": verdict.model, "metric": verdict.metric, "chosen": verdict.chosen, "sentence": verdict.sentence()}
    return {**values, "fit_seconds": seconds, **peer(data, seed)}


def peer(data: Path, seed: int) -> Values:
    """The embedding's features and scikit-learn's logistic regression."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    began = time.perf_counter()
    dataset = load(data, modality="audio")
    parts = split(dataset, seed=seed)
    items = prepared_for(gallery.card(MODEL), dataset)
    candidate = open_candidate(gallery.card(MODEL), dataset, ("head",), exact=True)
    import torch

    with torch.inference_mode():
        features = np.concatenate([candidate.backbone.network(torch.from_numpy(items.prepare(n))[None]).numpy() for n in range(len(dataset))])
    learnt = np.union1d(parts.train, parts.validation)
    model = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=5, cv=3, max_iter=300, l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False))
    model.fit(features[learnt], dataset.labels[learnt])
    right = int((model.predict(features[parts.test]) == dataset.labels[parts.test]).sum())
    return {"peer": to_plain(share(right, len(parts.test))), "peer_seconds": time.perf_counter() - began}


if __name__ == "__main__":
    main()
