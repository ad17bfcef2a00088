"""What a network takes in memory, measured on two items: its weights, the widest place of a forward pass, and what a training step saves for its way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

FLOAT_BYTES = 4


def weights_bytes(network: nn.Module) -> int:
    """Of all parameters and buffers."""
    return sum(one.nbytes for one in (*network.parameters(), *network.buffers()))


def widest_bytes(network: nn.Module, example: Tensor) -> float:
    """The most that one item needs at a single place of a forward pass: what a module takes in and what it puts out, in single precision."""
    sizes: list[float] = [0.0]

    def looked(_: nn.Module, inputs: Any, output: Any) -> None:
        sizes.append(FLOAT_BYTES * (_numbers(inputs) + _numbers(output)) / len(example))

    hooks = [module.register_forward_hook(looked) for module in network.modules() if not any(module.children())]
    try:
        with torch.inference_mode():
            network.eval()(example)
    finally:
        for hook in hooks:
            hook.remove()
    return max(sizes)


def saved_bytes(part: nn.Module, crossing: Sequence[Tensor]) -> float:
    """What one item's forward pass saves for the backward pass, parameters left out.

    Args:
        part: The blocks that train.
        crossing: What crosses in front of them, of a few items.
    """
    own = {one.untyped_storage().data_ptr() for one in (*part.parameters(), *part.buffers())}
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor), torch.enable_grad():
        alive = part.eval()(*crossing)
    del alive
    return sum(saved.values()) / len(crossing[0])


def _numbers(values: Any) -> int:
    if isinstance(values, Tensor):
        return int(values.numel())
    return sum(_numbers(one) for one in values) if isinstance(values, (tuple, list)) else 0
