"""Small data sets and a small model for the harness that kills: a name in, pictures, sentences or clips in a folder out; nothing is fetched."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

SMALL = "small"  # a card of our own: timm's test network with random weights, subscribed to from a folder while the run is killed


def make_small(folder: Path) -> None:
    """A card and a weight file of timm's smallest network with random weights: something to subscribe to without a network."""
    from headstart.backbone.torchvision_repair import import_torchvision
    from headstart.base.records import to_toml
    from headstart.gallery import InputRecipe, ModelCard, TrainedOn

    import_torchvision()
    import timm
    import torch
    from safetensors.torch import save

    torch.manual_seed(0)
    content = save(timm.create_model("test_resnet", pretrained=False).state_dict())
    (folder / "weights").mkdir()
    (folder / "weights" / "small.safetensors").write_bytes(content)
    recipe = InputRecipe(160, 0.95, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    facts: dict[str, Any] = {
        "name": SMALL, "title": "Small", "modality": "image", "task": "classification", "architecture": "timm:test_resnet", "parameters": 0, "input": recipe,
        "trained_on": TrainedOn("nothing", 0, "random numbers"), "licence": "MIT", "licence_note": "ours", "price": "free",
        "source": f"folder:{folder / 'weights'}#small.safetensors", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
        "format": "safetensors", "keys": "name", "prior": None,
    }  # fmt: skip
    (folder / "cards").mkdir()
    (folder / "cards" / f"{SMALL}.toml").write_text(to_toml(ModelCard(**facts)), encoding="utf-8")


def digits(root: Path, a_class: int, *, divided: bool) -> Path:
    """Three of scikit-learn's digits as pictures in class folders; divided, the data set says itself which are the test."""
    from PIL import Image
    from sklearn.datasets import load_digits

    loaded = load_digits()
    for digit in (0, 1, 4):
        for number, picture in enumerate(loaded.images[loaded.target == digit][:a_class]):
            folder = root / (("test" if number % 3 == 0 else "train") if divided else "") / f"digit {digit}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray((picture * 15.9).astype("uint8")).resize((64, 64)).save(folder / f"{number:02d}.png")
    return root


def texts(file: Path, n: int) -> Path:
    """Sentences of a few words with a word or three that say whether they are pleased; every third is for the test."""
    draw = random.Random(0)
    plain = ["flight", "plane", "crew", "seat", "bag", "gate", "food", "city", "morning", "the", "a", "to", "we", "were", "was", "with", "and"]
    telling = {
        "positive": ["good", "great", "lovely", "fine", "happy", "excellent", "warm", "kind"],
        "negative": ["bad", "awful", "late", "rude", "lost", "angry", "broken", "cold"],
    }
    lines = []
    for number in range(n):
        label = list(telling)[number % 2]
        words = [*draw.choices(plain, k=draw.randint(3, 25)), *draw.choices(telling[label], k=3), str(number)]
        draw.shuffle(words)
        lines.append({"text": " ".join(words), "label": label, "split": "test" if number % 3 == 0 else "train"})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def clips(root: Path, a_class: int) -> Path:
    """Short tones of three heights in noise, as WAV files in class folders that name the test."""
    import wave

    import numpy as np

    draw = np.random.default_rng(0)
    times = np.arange(16_000) / 16_000
    for name, hertz in {"low": 200.0, "middle": 500.0, "high": 1200.0}.items():
        for number in range(a_class):
            tone = np.sin(2 * np.pi * hertz * draw.uniform(0.9, 1.1) * times) * 0.3 + draw.normal(size=len(times)) * 0.1
            folder = root / ("test" if number % 3 == 0 else "train") / name
            folder.mkdir(parents=True, exist_ok=True)
            with wave.open(str(folder / f"{number:02d}.wav"), "wb") as stream:
                stream.setparams((1, 2, 16_000, 0, "NONE", ""))
                stream.writeframes((np.clip(tone, -1, 1) * 32_767).astype("<i2").tobytes())
    return root


def data_of(name: str, folder: Path) -> Path:
    """A data set by its name, or a path."""
    if name == "texts":
        return texts(folder / "texts.jsonl", 60)
    if name == "clips":
        return clips(folder / "clips", 12)
    if name in {"digits", "digits-divided"}:
        return digits(folder / name, 12 if name == "digits" else 24, divided=name == "digits-divided")
    return Path(name)
