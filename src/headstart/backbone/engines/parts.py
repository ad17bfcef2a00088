"""A stretch of a backbone and an engine in, something that runs it out: tables are looked up in torch, the rest runs on the engine.

A table of word vectors costs no arithmetic and holds most of a multilingual network's bytes: an engine that converts it copies hundreds of megabytes for
nothing. So where a backbone begins with a table, its rows are taken here, and what they say goes into the engine.
"""

from __future__ import annotations

import numpy as np
import torch

from headstart.backbone.cut import Backbone
from headstart.backbone.engines.protocol import Arrays, Engine, Runner


def runner(engine: Engine, backbone: Backbone, start: int, stop: int, taps: tuple[int, ...], example: Arrays) -> Runner:
    """Make blocks ``start`` to ``stop`` callable on arrays.

    Args:
        engine: What runs them.
        backbone: Whose blocks.
        start: Cut at which the input is taken.
        stop: Cut at which the output is taken.
        taps: Cuts in between whose tensors are put out as well, before those of ``stop``.
        example: One batch of what crosses at ``start``; where items vary in length, later ones may be of any length.
    """
    if start > 0 or not backbone.begins_with_table:
        return engine.load(backbone.part(start, stop, taps), example, backbone.part_key(start, stop, taps), backbone.varying(start))
    table = backbone.part(0, 1).eval()

    def looked_up(batch: Arrays) -> Arrays:
        with torch.inference_mode():
            return tuple(np.ascontiguousarray(output.float().numpy()) for output in table(*(torch.from_numpy(array) for array in batch)))

    if stop == 1:
        return looked_up
    behind = tuple(cut for cut in taps if cut > 1)
    rest = runner(engine, backbone, 1, stop, behind, looked_up(example))

    def run(batch: Arrays) -> Arrays:
        first = looked_up(batch)
        return (*(first if 1 in taps else ()), *rest(first))

    return run
