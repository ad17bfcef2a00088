"""Facts of a usual data set, to vary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headstart.planning.facts import Facts

USUAL = Facts(
    n_train=600,
    n_validation=200,
    n_test=200,
    classes=("a", "b", "c"),
    smallest_class=180,
    imbalance=1.2,
    models=("small", "large"),
    has_bfloat16=True,
    threads=2,
)


def facts(**changes: Any) -> Facts:
    """The usual facts, some of them changed."""
    return replace(USUAL, **changes)
