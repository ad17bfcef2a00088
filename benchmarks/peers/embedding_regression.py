"""What most people do first: the sentences' vectors from sentence-transformers, and scikit-learn's logistic regression on them with its usual settings."""

from __future__ import annotations

import torch
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression

from benchmarks.peers.text_common import Job, begin, run

MOST_ROUNDS = 1000


def work(job: Job) -> list[str]:
    begin(job)
    with job.phase("read"):
        texts, labels = job.rows("train")
        tests, _ = job.rows("test")
        body = SentenceTransformer(job.options["network"], device="cpu")
        body.max_seq_length = job.options["max_tokens"]
    with job.phase("embed"), torch.inference_mode():
        vectors = body.encode([*texts, *tests], normalize_embeddings=True, show_progress_bar=False)
    with job.phase("train"):
        head = LogisticRegression(max_iter=MOST_ROUNDS).fit(vectors[: len(texts)], labels)
    with job.phase("predict"):
        return [str(one) for one in head.predict(vectors[len(texts) :])]


if __name__ == "__main__":
    run(work, ("sentence-transformers", "transformers", "torch", "scikit-learn", "numpy"))
