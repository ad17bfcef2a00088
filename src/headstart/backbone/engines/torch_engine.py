"""PyTorch itself as engine: exact float32, or bfloat16 through autocast; on CUDA where there is one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, fx

from headstart.backbone.cuda import has_cuda
from headstart.backbone.engines.protocol import Arrays, Runner


@dataclass(frozen=True)
class TorchEngine:
    """Runs a part with torch, channels last."""

    precision: torch.dtype
    device: str = "cpu"

    @property
    def name(self) -> str:
        """For example ``torch-float32`` or ``torch-bfloat16-cuda``."""
        short = str(self.precision).removeprefix("torch.")
        return f"torch-{short}" if self.device == "cpu" else f"torch-{short}-{self.device}"

    @property
    def version(self) -> str:
        """Torch's."""
        return str(torch.__version__)

    @property
    def exact(self) -> bool:
        """Only float32 on the processor is the reference."""
        return self.precision == torch.float32 and self.device == "cpu"

    def available(self) -> bool:
        """CUDA is asked for only where torch sees a card."""
        return self.device == "cpu" or has_cuda()

    def load(self, part: fx.GraphModule, example: Arrays, key: str, varying: Sequence[bool] = ()) -> Runner:  # noqa: ARG002 - nothing is compiled
        """Nothing is compiled. A card gets a copy: the part shares its weights with the network, which stays on the processor."""
        part = part.eval() if self.device == "cpu" else copy.deepcopy(part).eval().to(self.device)

        def run(batch: Arrays) -> Arrays:
            inputs = [self._laid_out(torch.from_numpy(array)) for array in batch]
            with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16, enabled=self.precision != torch.float32):
                outputs = part(*inputs)
            return tuple(np.ascontiguousarray(output.float().cpu().numpy()) for output in outputs)

        return run

    def _laid_out(self, tensor: Tensor) -> Tensor:
        """Channels last is 2 to 4 times faster for convolutions in bfloat16; float32 keeps the layout of the reference."""
        moved = tensor.to(self.device)
        if moved.is_floating_point():
            moved = moved.float()
        if moved.dim() == 4 and not self.exact:
            return moved.contiguous(memory_format=torch.channels_last)
        return moved
