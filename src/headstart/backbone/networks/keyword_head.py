"""A new layer on a frozen speech embedding that answers, each 80 ms, whether the word has just been said: 10 frames of 96 numbers in, one logit out.

What it looks at are mean, maximum and spread of each number over the last 800 ms (1.5 s with the embedding's own view), and it is linear in them. Layers that
looked at the order of the frames learnt the tempo of the few voices there are: of five Spanish words said by two people who had not been heard, they missed
10 of 10 at the threshold without a false accept, this one 8; of longer words, in Spanish and Italian, it missed 13 of 24 (LOG.md).
It runs over a stream as over a window.
Source of the plan: Lin et al., 2020, figure 2 (a head on the embedding); Snyder et al., X-Vectors, 2018 (mean and spread over time).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FRAMES = 10  # 720 ms between the first and the last, 1.5 s with the field of view of the embedding
WIDTH = 96
POOLED = 3 * WIDTH
SMALLEST_VARIANCE = 1e-6
SMALLEST_SPREAD = 1e-3


class KeywordHead(nn.Module):
    """Pooled over the last 10 frames, standardised, weighed and added up.

    Attributes:
        mean: Of each pooled number over what teaches.
        spread: Their standard deviations.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(POOLED, 1))
        self.register_buffer("spread", torch.ones(POOLED, 1))
        self.linear = nn.Conv1d(POOLED, 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (n, 96, t) to logits (n, t - 9)."""
        logits: Tensor = self.linear((pooled(frames) - self.mean) / self.spread)[:, 0]
        return logits


def pooled(frames: Tensor) -> Tensor:
    """Frames (n, 96, t) to mean, maximum and spread of each ten in a row: (n, 288, t - 9)."""
    windows = frames.unfold(2, FRAMES, 1)
    mean = windows.mean(dim=-1)
    spread = ((windows - mean[..., None]).square().mean(dim=-1) + SMALLEST_VARIANCE).sqrt()
    return torch.cat([mean, windows.amax(dim=-1), spread], dim=1)
