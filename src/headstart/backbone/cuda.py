"""Is there a CUDA card? Asked in one place, because cuBLAS must be told to add repeatably before anything multiplies on it."""

from __future__ import annotations

import os
from functools import cache

import torch


@cache
def has_cuda() -> bool:
    """Does torch see a CUDA card?"""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read once, when the first matrices are multiplied
    found: bool = torch.cuda.is_available()
    return found
