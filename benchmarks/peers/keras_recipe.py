"""The tutorials' recipe in Keras: frozen VGG16, Flatten, Dense 256, softmax; then the last four layers at a tenth of the rate.

Ten epochs each, Adam at 1e-3 and 1e-4, batches of 32, as the tutorials have it. The weights are the gallery's VGG16 (a file of kernels), or random.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from typing import Any

import keras
import numpy as np
from PIL import Image

from benchmarks.peers.common import Job, epochs_as_whole, run

RATE, TENTH = 1e-3, 1e-4
BATCH = 32
LAST_LAYERS = 4
HIDDEN = 256


class EpochSeconds(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's signature
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's signature
        self.seconds.append(time.perf_counter() - self.started)


def limit_threads(n: int) -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(n)
        tensorflow.config.threading.set_inter_op_parallelism_threads(n)
    else:
        import torch

        torch.set_num_threads(n)


def pictures(job: Job, part: str) -> np.ndarray:
    """Decode and normalise a part, channels last."""
    rows = []
    for file in job.files(part):
        with Image.open(file) as opened:
            rows.append(np.asarray(opened.convert("RGB").resize((job.side, job.side), Image.Resampling.BILINEAR), np.float32) / 255)
    mean, std = (np.asarray(job.options[name], np.float32) for name in ("mean", "std"))
    return (np.stack(rows) - mean) / std


def load(base: keras.Model, file: str) -> None:
    """Fill the convolutions from kernels saved in torch's order of axes."""
    with np.load(file) as kept:
        layers = [layer for layer in base.layers if isinstance(layer, keras.layers.Conv2D)]
        for n, layer in enumerate(layers):
            layer.set_weights([kept[f"weight{n}"].transpose(2, 3, 1, 0), kept[f"bias{n}"]])


def work(job: Job) -> list[int]:
    limit_threads(job.threads)
    keras.utils.set_random_seed(job.seed)
    with job.phase("read"):
        train, test = pictures(job, "train"), pictures(job, "test")
        labels = np.asarray(job.labels(job.files("train")))
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(job.side, job.side, 3))
    if job.options.get("weights"):
        load(base, job.options["weights"])
    base.trainable = False
    hidden = keras.layers.Dense(HIDDEN, activation="relu")
    model = keras.Sequential([base, keras.layers.Flatten(), hidden, keras.layers.Dense(len(job.classes), activation="softmax")])
    for name, rate in (("frozen", RATE), ("last four layers", TENTH)):
        if rate == TENTH:
            base.trainable = True
            for layer in base.layers[:-LAST_LAYERS]:
                layer.trainable = False
        model.compile(optimizer=keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        clock = EpochSeconds()
        with job.phase(name):
            model.fit(train, labels, epochs=job.epochs, batch_size=BATCH, verbose=0, callbacks=[clock])
        epochs_as_whole(job, name, clock.seconds)
    with job.phase("predict"):
        return model.predict(test, batch_size=BATCH, verbose=0).argmax(axis=1).tolist()


if __name__ == "__main__":
    run(work, ("keras", "tensorflow-cpu" if keras.backend.backend() == "tensorflow" else "torch", "numpy"))
