"""In which numbers a training step is taken, and where: a name such as ``bfloat16-cuda`` in, what torch needs for it out.

On a card a step is repeatable as far as torch knows deterministic kernels for its parts, so that a resumed run can be the run that was killed.
"""

from __future__ import annotations

import warnings
from functools import cache

import torch

from headstart.backbone.cuda import has_cuda
from headstart.base.errors import HeadstartError

CUDA = "-cuda"
USUAL = "float32"  # on the processor: torch's own numbers


def precisions(arithmetic: str) -> tuple[str, ...]:
    """The candidates of a plan's arithmetic, of which a step takes the faster; where a card was asked for, only the card's: its slowest step is quicker.

    Example:
        >>> precisions("float32"), precisions("float32 or bfloat16, the faster")
        (('float32',), ('float32', 'bfloat16'))
        >>> precisions("float32 or bfloat16 on CUDA, the faster")
        ('float32-cuda', 'bfloat16-cuda')
    """
    if arithmetic == USUAL:
        return (USUAL,)
    return (USUAL + CUDA, "bfloat16" + CUDA) if "CUDA" in arithmetic else (USUAL, "bfloat16")


def device_of(precision: str) -> torch.device:
    """Where steps are taken in it.

    Raises:
        HeadstartError: when it names a card and there is none, as where a run that was begun on another machine is resumed.
    """
    if not precision.endswith(CUDA):
        return torch.device("cpu")
    if not has_cuda():
        raise HeadstartError(f"this run's steps were taken in {precision}, and torch sees no CUDA card here\n  fix: resume it where it began, or fit anew")
    _repeatable()
    return torch.device("cuda")


def autocast(precision: str) -> torch.autocast:
    """The numbers in which matrices are multiplied."""
    return torch.autocast(device_of(precision).type, torch.bfloat16, enabled=precision.startswith("bfloat16"))


@cache
def _repeatable() -> None:
    """Ask a card for the kernels that add in a fixed order, where there are any."""
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # nothing here reads what was not written
    warnings.filterwarnings("ignore", message=".*deterministic", category=UserWarning)
