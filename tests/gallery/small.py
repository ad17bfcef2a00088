"""Small real models for the gallery's tests: timm's test networks with random weights, as files and as cards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from headstart.base.records import to_toml
from headstart.gallery import InputRecipe, ModelCard, TrainedOn

RECIPE = InputRecipe(160, 0.95, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def timm_files(name: str, seed: int = 0, licence: str | None = "apache-2.0", classes: int = 1000) -> dict[str, bytes]:
    """What timm pushes to a hub: config.json and model.safetensors of a network with random weights."""
    from headstart.backbone.torchvision_repair import import_torchvision

    import_torchvision()
    import timm
    import torch
    from safetensors.torch import save

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = timm.create_model(name, pretrained=False, num_classes=classes)
    recipe = {key: network.pretrained_cfg[key] for key in ("input_size", "interpolation", "crop_pct", "mean", "std", "classifier")}
    config = {"architecture": name, "num_classes": classes, "pretrained_cfg": {"tag": "r160_in1k", **recipe} | ({"license": licence} if licence else {})}
    return {"config.json": json.dumps(config).encode(), "model.safetensors": save(network.state_dict())}


def card_for(weights: Path, name: str = "small", **changes: Any) -> ModelCard:
    """A card for the weight file of timm's test_resnet in a folder."""
    content = weights.read_bytes()
    facts: dict[str, Any] = {
        "name": name, "title": "Small", "modality": "image", "task": "classification", "architecture": "timm:test_resnet", "parameters": 0, "input": RECIPE,
        "trained_on": TrainedOn("nothing", 0, "random numbers"), "licence": "MIT", "licence_note": "ours", "price": "free",
        "source": f"folder:{weights.parent}#{weights.name}", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
        "format": "safetensors", "keys": "name", "prior": None,
    }  # fmt: skip
    return ModelCard(**facts | changes)


def write_card(card: ModelCard, home: Path) -> ModelCard:
    """Put a card where the user's own cards are."""
    (home / "cards").mkdir(exist_ok=True, parents=True)
    (home / "cards" / f"{card.name}.toml").write_text(to_toml(card), encoding="utf-8")
    return card
