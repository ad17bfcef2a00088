"""Import torchvision even where its compiled part cannot load, which is so beside a torch of another build (CPU and CUDA, say).

In: nothing. Out: the module. Models and transforms work afterwards; only compiled operators (nms, roi_align, decode_jpeg) raise when called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

MISSING = "torchvision::nms"
OPERATORS = ("nms", "qnms")
_kept: list[Any] = []  # a library that is collected takes its operators along


def import_torchvision() -> ModuleType:
    """Import torchvision; call this before the first import of timm.

    Declaring the operators where the compiled part does load aborts the process, so they are declared only after exactly that failure.
    """
    try:
        return _imported()
    except RuntimeError as error:
        if MISSING not in str(error):
            raise
    import torch

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for operator in OPERATORS:
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)
    return _imported()


def _imported() -> ModuleType:
    import torchvision

    module: ModuleType = torchvision
    return module
