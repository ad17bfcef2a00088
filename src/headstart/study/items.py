"""A data set under one preparation recipe: what a forward pass reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.base.hashing import digest
from headstart.data import Dataset
from headstart.modality import Modality, Recipe, get

PREPARATION = 1  # raise it when `prepare` gives other pixels: stored activations of older ones are then not found


@dataclass(frozen=True)
class PreparedItems:
    """Items as the network takes them."""

    dataset: Dataset
    modality: Modality
    recipe: Recipe

    @property
    def content(self) -> Sequence[str]:
        """Content hash of each item."""
        return self.dataset.content

    @property
    def identity(self) -> str:
        """Names the preparation in every stored activation's key."""
        return digest(self.modality.name, str(PREPARATION), str(self.recipe.size), repr(self.recipe.crop_fraction), self.recipe.interpolation)

    def prepare(self, index: int) -> NDArray[np.generic]:
        """Read and prepare one item: ``(3, size, size)`` bytes for pictures."""
        return self.modality.prepare(self.dataset.read(index), self.recipe)


def prepared(dataset: Dataset, recipe: Recipe) -> PreparedItems:
    """A data set under a recipe."""
    return PreparedItems(dataset, get(dataset.modality), recipe)
