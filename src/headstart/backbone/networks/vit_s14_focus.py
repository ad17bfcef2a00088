"""Vision transformer S/14 in DINOv2's layout, built by timm, filled from a graph that keeps query, key and value apart.

In: normalised pictures (n, 3, 224, 224). Out: the class token's features (n, 384).
Source: Oquab et al., DINOv2, 2023 (layout only; the weights were tuned to salient regions).
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from headstart.backbone.torchvision_repair import import_torchvision

PIXELS = 224
PATCH = 14
WIDTH = 384
GRID_AT_TRAINING = 37  # 518 pixels / 14
CLASS_POSITION, GRID_POSITIONS = "onnx::Concat_1957", "onnx::Reshape_1962"  # the exporter's names for the two parts of the position table
PIECES = {
    "norm1": "norm1", "norm2": "norm2", "attention.output.dense": "attn.proj", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
}  # fmt: skip


def vit_s14_focus() -> nn.Module:
    """The network with fresh weights."""
    import_torchvision()
    import timm

    network: nn.Module = timm.create_model("vit_small_patch14_dinov2", pretrained=False, num_classes=0, img_size=PIXELS)
    return network


def translate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors under timm's names: query, key and value stacked, positions brought to a grid of 16 × 16."""
    state = {
        "cls_token": tensors["backbone.embeddings.cls_token"],
        "pos_embed": torch.cat([tensors[CLASS_POSITION], _resized(tensors[GRID_POSITIONS])], dim=1),
    }
    for end in ("weight", "bias"):
        state[f"patch_embed.proj.{end}"] = tensors[f"backbone.embeddings.patch_embeddings.projection.{end}"]
        state[f"norm.{end}"] = tensors[f"backbone.layernorm.{end}"]
    for number in sorted({int(match[1]) for name in tensors if (match := re.match(r"backbone\.encoder\.layer\.(\d+)\.", name))}):
        state |= _block(tensors, f"backbone.encoder.layer.{number}.", f"blocks.{number}.")
    return state


def _block(tensors: dict[str, Tensor], before: str, after: str) -> dict[str, Tensor]:
    state = {f"{after}ls{n}.gamma": tensors[f"{before}layer_scale{n}.lambda1"] for n in (1, 2)}
    for end in ("weight", "bias"):
        state |= {f"{after}{ours}.{end}": tensors[f"{before}{theirs}.{end}"] for theirs, ours in PIECES.items()}
        state[f"{after}attn.qkv.{end}"] = torch.cat([tensors[f"{before}attention.attention.{part}.{end}"] for part in ("query", "key", "value")])
    return state


def _resized(positions: Tensor) -> Tensor:
    """Positions (1, 37 × 37, d) to (1, 16 × 16, d), by the filter of the published graph: cubic, without antialiasing."""
    grid = positions.reshape(1, GRID_AT_TRAINING, GRID_AT_TRAINING, WIDTH).permute(0, 3, 1, 2)
    side = PIXELS // PATCH
    return nn.functional.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)
