"""The plain loop of a timm user: the whole network fine-tuned with AdamW at 1e-4, mirrored at random, ten epochs, batches of 32."""

from __future__ import annotations

import torch

from benchmarks.peers.common import Job, run
from benchmarks.peers.torch_common import answers, begin, epochs, pretrained

RATE = 1e-4
BATCH = 32


def work(job: Job) -> list[int]:
    begin(job)
    model = pretrained(job, num_classes=len(job.classes))
    with job.phase("train"):
        epochs(model, job, torch.optim.AdamW(model.parameters(), lr=RATE), lambda: model.train() and None, batch=BATCH, flip=True)
    with job.phase("predict"):
        return answers(model, job, BATCH)


if __name__ == "__main__":
    run(work, ("torch", "timm", "numpy"))
