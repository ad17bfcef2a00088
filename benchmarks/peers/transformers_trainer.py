"""The plain Trainer of transformers, as its tutorials have it: the whole network with a new classifier, rate 2e-5, batches of 16, three epochs."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

from benchmarks.peers.text_common import Job, begin, run

RATE = 2e-5
BATCH = 16
EPOCHS = 3


class Texts(torch.utils.data.Dataset):
    """Tokens, and numbers of classes where they are known."""

    def __init__(self, texts: list[str], tokenizer: Any, max_tokens: int, labels: list[int] | None = None) -> None:
        self.tokens, self.labels = tokenizer(texts, truncation=True, max_length=max_tokens), labels

    def __len__(self) -> int:
        return len(self.tokens["input_ids"])

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = {name: values[index] for name, values in self.tokens.items()}
        return item if self.labels is None else {**item, "labels": self.labels[index]}


def work(job: Job) -> list[str]:
    begin(job)
    with job.phase("read"):
        texts, labels = job.rows("train")
        names = sorted(set(labels))
        tokenizer = AutoTokenizer.from_pretrained(job.options["network"])
        model = AutoModelForSequenceClassification.from_pretrained(job.options["network"], num_labels=len(names))
        train = Texts(texts, tokenizer, job.options["max_tokens"], [names.index(label) for label in labels])
        test = Texts(job.rows("test")[0], tokenizer, job.options["max_tokens"])
    collator = DataCollatorWithPadding(tokenizer)
    drawn = random.Random(0)

    def draw() -> Any:
        return collator([train[n] for n in drawn.choices(range(len(train)), k=BATCH)])

    every = EPOCHS * -(-len(texts) // BATCH)
    steps = job.affordable(every, lambda: trial(job, draw, len(names)))
    with tempfile.TemporaryDirectory() as folder:
        words = {"output_dir": folder, "learning_rate": RATE, "per_device_train_batch_size": BATCH, "per_device_eval_batch_size": BATCH, "seed": job.seed}
        quiet = {"report_to": "none", "save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True, "use_cpu": True}
        length = {"num_train_epochs": EPOCHS} if steps == every else {"max_steps": steps}
        trainer = Trainer(model=model, args=TrainingArguments(**words, **quiet, **length), train_dataset=train, data_collator=collator)
        with job.phase("train"):
            trainer.train()
        with job.phase("predict"):
            said = trainer.predict(test).predictions.argmax(axis=1)
    return [names[int(one)] for one in said]


def trial(job: Job, draw: Callable[[], Any], n_classes: int) -> Callable[[], None]:
    """A step on a network that is thrown away, to see how long it takes."""
    model = AutoModelForSequenceClassification.from_pretrained(job.options["network"], num_labels=n_classes)
    optimiser = torch.optim.AdamW(model.parameters(), RATE)
    model.train()

    def step() -> None:
        loss = model(**draw()).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    run(work, ("transformers", "accelerate", "torch", "numpy"))
