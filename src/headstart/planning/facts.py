"""Facts: what the plan's rules look at. Wishes: what the user pinned."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Effort = Literal["quick", "usual", "thorough"]


@dataclass(frozen=True)
class Wishes:
    """What the user pinned; None leaves it to the rules and the evidence.

    Attributes:
        model: Name of a subscribed card.
        cut: ``head``, ``last``, ``last2``, ``all``, a number of frozen blocks or a block's name.
        seed: From which every other seed is derived.
        effort: How long the twins and the candidates may take.
        learning_rate: Peak rate of the fine-tuning.
        precision: ``fast`` (this machine's best engine) or ``float32`` (torch's own numbers).
        twins: Train the scratch twin and the plain model?
    """

    model: str | None = None
    cut: str | None = None
    seed: int = 0
    effort: Effort = "usual"
    learning_rate: float | None = None
    precision: Literal["fast", "float32"] = "fast"
    twins: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known before anything is computed.

    Attributes:
        n_train: Items that train.
        n_validation: Items that choose.
        n_test: Items that judge, once.
        classes: Names of the classes.
        smallest_class: Training items of the rarest class.
        imbalance: Items of the commonest class per item of the rarest.
        models: Names of the subscribed candidates.
        has_bfloat16: Does the processor multiply matrices in bfloat16 natively?
        threads: Processor threads.
    """

    n_train: int
    n_validation: int
    n_test: int
    classes: tuple[str, ...]
    smallest_class: int
    imbalance: float
    models: tuple[str, ...]
    has_bfloat16: bool
    threads: int


def has_bfloat16() -> bool:
    """Does this processor have AMX or AVX-512 bfloat16? Elsewhere autocast to bfloat16 is slower than float32."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def threads() -> int:
    """Threads this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
