"""A part of a backbone with a linear head on it: what trains."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from headstart.base.seeds import seed_for
from headstart.task.linear import LinearHead

NORMALISATION = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


class Classifier(nn.Module):
    """Features of a part, then logits.

    Args:
        part: From the tensors that cross at the cut to a tuple with features ``(n, d)``.
        head: Linear layer ``d -> k``.
        keep_statistics: True keeps normalisation statistics as they are while the rest trains: a few hundred items
            are too few to estimate them anew, and frozen means frozen. The scratch twin must learn them: False.
        distances: How many blocks each of the part's parameters is away from the head, 1 for the last block; all 1 when not given.
    """

    def __init__(self, part: nn.Module, head: nn.Linear, *, keep_statistics: bool, distances: Mapping[str, int] | None = None) -> None:
        """Join the two."""
        super().__init__()
        self.part, self.head, self.keep_statistics = part, head, keep_statistics
        self._distances = dict(distances or {})

    def forward(self, *crossing: Tensor, dropout: float = 0.0) -> Tensor:
        """Logits ``(n, k)`` of the tensors that cross at the cut."""
        features = self.features(*crossing)
        return self.head(nn.functional.dropout(features, dropout) if dropout and self.training else features)

    def features(self, *crossing: Tensor) -> Tensor:
        """Features ``(n, d)`` of the tensors that cross at the cut."""
        found: Tensor = self.part(*crossing)[0].flatten(1)
        return found

    def train(self, mode: bool = True) -> Classifier:
        """Switch dropout and depth; statistics follow only if they are to be learned."""
        super().train(mode)
        if self.keep_statistics:
            for module in self.part.modules():
                if isinstance(module, NORMALISATION):
                    module.eval()
        return self

    def adapt(self, distances: Mapping[str, int]) -> None:
        """Take the distances of other parameters of the part: adapters that stand beside its layers now."""
        self._distances = dict(distances)

    def distance(self, parameter: str) -> int:
        """How many blocks a parameter is away from the head: 0 for the head's own."""
        return self._distances.get(parameter.removeprefix("part."), 1) if parameter.startswith("part.") else 0


def head_from(linear: LinearHead) -> nn.Linear:
    """A layer with the weights of a fitted head."""
    n_classes, width = linear.weight.shape
    head = nn.Linear(width, n_classes)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(linear.weight))
        head.bias.copy_(torch.from_numpy(linear.bias))
    return head


def new_head(width: int, n_classes: int, seed: int) -> nn.Linear:
    """A layer with small random weights, from the seed."""
    head = nn.Linear(width, n_classes)
    generator = torch.Generator().manual_seed(seed_for(seed, "head"))
    with torch.no_grad():
        head.weight.normal_(0.0, width**-0.5, generator=generator)
        head.bias.zero_()
    return head
