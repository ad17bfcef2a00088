"""What an engine is: a name, a number format, and a way to make a part of a network callable on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import fx

Arrays = tuple[NDArray[np.generic], ...]
Runner = Callable[[Arrays], Arrays]

BATCH_ITEMS = 32  # items that one call of a runner takes where all are of one shape: short batches are padded, so that numbers do not depend on neighbours


class Engine(Protocol):
    """A way to run a frozen part of a network."""

    @property
    def name(self) -> str:
        """Engine and number format, ``openvino-bfloat16``; part of every stored activation's key."""

    @property
    def version(self) -> str:
        """Of the library that computes; part of every stored activation's key as well."""

    @property
    def exact(self) -> bool:
        """Does it give torch's own float32 numbers, bit for bit?"""

    def available(self) -> bool:
        """Can it run on this machine?"""

    def load(self, part: fx.GraphModule, example: Arrays, key: str, varying: Sequence[bool] = ()) -> Runner:
        """Make a part callable.

        Args:
            part: Takes and returns tuples of tensors, evaluation mode.
            example: One batch: the shapes and types that every call will have.
            key: Hash of the part's weights, under which an engine may keep what it compiled.
            varying: Which inputs may have another second axis in each call; none when not given. Where one does, the first axis may differ as well.

        Returns:
            A function from a batch (arrays of the example's shapes) to a tuple of float32 arrays.
        """


def stored_type(engine: Engine) -> np.dtype[np.generic]:
    """Exact engines are kept in float32, the others in float16, which takes half the bytes.

    That is finer than bfloat16, in which most of these compute; of ``openvino-float32`` it drops 13 of the 23 bits of each number, up to one part in 2,048.
    """
    return np.dtype(np.float32 if engine.exact else np.float16)
