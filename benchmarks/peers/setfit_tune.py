"""SetFit with its default settings (pairs of all texts, oversampled, one epoch, batches of 16, a logistic regression as the head).

Where there is a limit of seconds, ``max_steps`` is what fits into it: its documentation's way to bound the number of pairs, which grows with the square of
the texts. The schedule of the rate then ends with the last of those steps.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from setfit import SetFitModel, Trainer, TrainingArguments

from benchmarks.peers.text_common import Job, begin, run

BATCH = 16
RATE = 2e-5


def work(job: Job) -> list[str]:
    begin(job)
    with job.phase("read"):
        texts, labels = job.rows("train")
        tests, _ = job.rows("test")
        names = sorted(set(labels))
        body = SentenceTransformer(job.options["network"], device="cpu")
        body.max_seq_length = job.options["max_tokens"]
        model = SetFitModel.from_pretrained(job.options["network"], labels=names, device="cpu")
        model.model_body = body
    steps = job.affordable(all_steps(labels), lambda: trial(job, texts))
    with job.phase("train"), tempfile.TemporaryDirectory() as folder:
        usual = {
            "output_dir": folder,
            "batch_size": BATCH,
            "num_epochs": 1,
            "seed": job.seed,
            "report_to": "none",
            "save_strategy": "no",
            "logging_steps": 10**6,
        }
        limit = {"max_steps": steps} if steps < all_steps(labels) else {}
        data = Dataset.from_dict({"text": texts, "label": [names.index(label) for label in labels]})
        Trainer(model=model, args=TrainingArguments(**usual, **limit, show_progress_bar=False), train_dataset=data).train()
    with job.phase("predict"):
        said = model.predict(tests, use_labels=True, show_progress_bar=False)
    return [str(one) for one in said]


def all_steps(labels: list[str]) -> int:
    """Steps of one epoch over all pairs, the rarer kind (of the same or of different classes) repeated until both are as many."""
    counts = [labels.count(name) for name in set(labels)]
    alike = sum(n * (n - 1) // 2 for n in counts)
    other = len(labels) * (len(labels) - 1) // 2 - alike
    return -(-2 * max(alike, other) // BATCH)


def trial(job: Job, texts: list[str]) -> Callable[[], None]:
    """A step on a network that is thrown away, to see how long it takes."""
    body = SentenceTransformer(job.options["network"], device="cpu")
    body.max_seq_length = job.options["max_tokens"]
    optimiser = torch.optim.AdamW(body.parameters(), RATE)
    drawn = random.Random(0)

    def step() -> None:
        pairs = drawn.choices(texts, k=2 * BATCH)
        loss = sum(body(body.preprocess(part))["sentence_embedding"].square().mean() for part in (pairs[:BATCH], pairs[BATCH:]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    run(work, ("setfit", "sentence-transformers", "transformers", "torch", "scikit-learn", "numpy"))
