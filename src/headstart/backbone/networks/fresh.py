"""How weights start in networks whose normalisation was folded away or never was: one module in, its weights drawn in place."""

from __future__ import annotations

import torch
from torch import nn

BRANCH = 0.5  # of its usual spread: where branches add up, the sum then grows by an eighth a block instead of doubling


def start(module: nn.Module, slope: float = 0.0) -> None:
    """Convolutions start as their rectifier asks for (He et al., 2015), the last one of a residual branch (``expand``) at half of that.

    Without normalisation a deep network explodes otherwise (Zhang et al., Fixup, 2019, start it at 0, which is good for a long training; but a frozen random
    twin would then hear an item through its shortcuts alone: Fashion-MNIST at 50 % instead of 73).

    Args:
        module: Of any kind; as ``network.apply`` gives them, parts before the whole.
        slope: Of the leaky rectifier behind a convolution.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=slope, nonlinearity="leaky_relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(expand := getattr(module, "expand", None), nn.Conv2d):
        with torch.no_grad():
            expand.weight *= BRANCH
