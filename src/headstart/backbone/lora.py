"""Low-rank adapters: a part of a network in, the same part with a few thousand weights that train in place of all; plain weights again afterwards.

Beside each matrix W of a layer stands B A of rank r, scaled by alpha / r: the layer computes W x + alpha / r · B A x. B begins at 0, so at first nothing
changes. Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2021; the matrices of attention and of the feed-forward layers alike, after
Dettmers et al., QLoRA, 2023.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from headstart.base.errors import InputError
from headstart.base.seeds import seed_for


class Adapted(nn.Module):
    """A linear layer with an adapter beside it; the layer itself does not train.

    Attributes:
        base: The layer, ``nn.Linear`` or the transformers library's ``Conv1D`` (the same with its matrix turned).
    """

    def __init__(self, base: nn.Module, rank: int, alpha: float, dropout: float, generator: torch.Generator) -> None:
        super().__init__()
        self.base, self.scale, self.turned = base, alpha / rank, not isinstance(base, nn.Linear)
        base.requires_grad_(False)
        n_out, n_in = base.weight.T.shape if self.turned else base.weight.shape
        self.lora_down = nn.Parameter(torch.empty(rank, n_in).uniform_(-1, 1, generator=generator) / math.sqrt(n_in))  # as torch starts a linear layer
        self.lora_up = nn.Parameter(torch.zeros(n_out, rank))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``(…, n_in)`` to ``(…, n_out)``."""
        output: Tensor = self.base(x) + nn.functional.linear(nn.functional.linear(self.dropout(x), self.lora_down), self.lora_up) * self.scale
        return output

    def merged(self) -> nn.Module:
        """The layer with what the adapter learned added to its matrix."""
        change = (self.lora_up @ self.lora_down * self.scale).detach()
        with torch.no_grad():
            self.base.weight += change.T if self.turned else change
        self.base.requires_grad_(True)
        return self.base


def add_lora(part: nn.Module, rank: int = 8, alpha: float = 16.0, dropout: float = 0.0, *, seed: int = 0) -> tuple[str, ...]:
    """Put an adapter beside every matrix of a part's layers; afterwards nothing trains in it but the adapters.

    Args:
        part: What ``Backbone.part`` gives, copied: its layers are replaced in place.
        rank: Rank of an adapter, less than the sides of the matrices.
        alpha: Strength: what is learned is multiplied by ``alpha / rank``.
        dropout: Share of an adapter's inputs that is dropped while it trains.
        seed: Seed of the adapters' first weights.

    Returns:
        The names of what trains now, in the part's ``named_parameters``.

    Raises:
        InputError: when the part has no matrix, or has adapters already.
    """
    if rank < 1:
        raise InputError("the rank of an adapter is at least 1", got=rank)
    if any(isinstance(module, Adapted) for module in part.modules()):
        raise InputError("this part has adapters already", fix="merge(part)")
    part.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed_for(seed, "lora"))
    places = list(_linear(part))
    if not places:
        raise InputError("low-rank adapters need linear layers, and this part has none", fix="train its last layers instead")
    for parent, name, layer in places:
        setattr(parent, name, Adapted(layer, min(rank, *layer.weight.shape), alpha, dropout, generator))
    return tuple(name for name, parameter in part.named_parameters() if parameter.requires_grad)


def merge(part: nn.Module) -> None:
    """Add what the adapters learned to the layers and take the adapters out: the part has its own names again and computes the same.

    Of its weights the adapted matrices could train again; the others stay as `add_lora` left them.
    """
    for parent in list(part.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Adapted):
                setattr(parent, name, child.merged())


def distances(names: Iterable[str], plain: Mapping[str, int]) -> dict[str, int]:
    """How many blocks each adapter's weight is away from the head: as far as the matrix that it stands beside.

    Args:
        names: What `add_lora` returned.
        plain: ``Backbone.distances`` of the part's own weights.
    """
    return {name: plain[f"{name.rpartition('.')[0]}.weight"] for name in names}


def _linear(part: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """The linear layers of a part with their places, in a fixed order."""
    for parent in part.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Linear) or (type(child).__name__ == "Conv1D" and getattr(child, "weight", torch.empty(0)).dim() == 2):
                yield parent, name, child
