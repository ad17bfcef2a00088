"""New layers on a frozen speech embedding that answer, each 80 ms, whether the word has just ended: 16 frames of 96 numbers in, one logit out.

Convolutions without padding, so that they run over a stream as over a window. Source of the plan: Lin et al., 2020, figure 2 (a head on the embedding).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FRAMES = 16  # 1.2 s between the first and the last, 2.0 s with the field of view of the embedding
WIDTH = 96
INNER = 48
LAST = 32
REACH = 5  # frames that the second layer sees: 400 ms
DROPOUT = 0.2
SMALLEST_SPREAD = 1e-3


class KeywordHead(nn.Module):
    """Standardised frames, two layers, and one that looks over the whole word.

    Attributes:
        mean: Of each of the 96 numbers over the frames that teach.
        spread: Their standard deviations.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(WIDTH, 1))
        self.register_buffer("spread", torch.ones(WIDTH, 1))
        self.each = nn.Conv1d(WIDTH, INNER, 1)
        self.some = nn.Conv1d(INNER, LAST, REACH)
        self.drop = nn.Dropout(DROPOUT)
        self.whole = nn.Conv1d(LAST, 1, FRAMES - REACH + 1)

    def learn_scale(self, frames: Tensor) -> None:
        """Take mean and spread from frames ``(n, 96)``."""
        self.mean.copy_(frames.mean(dim=0)[:, None])
        self.spread.copy_(frames.std(dim=0)[:, None].clamp_min(SMALLEST_SPREAD))

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (n, 96, t) to logits (n, t - 15)."""
        x = nn.functional.relu(self.each((frames - self.mean) / self.spread))
        logits: Tensor = self.whole(self.drop(nn.functional.relu(self.some(x))))[:, 0]
        return logits
