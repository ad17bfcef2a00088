"""A data set under one preparation recipe, as it is or in a varied view: what a forward pass reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headstart import gallery
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.data import Dataset
from headstart.gallery.card import ModelCard
from headstart.modality import Modality, Recipe, Vocabulary, get


@dataclass(frozen=True)
class PreparedItems:
    """Items as the network takes them.

    Attributes:
        view: 0 is the item as it is; each other number is one variation of every item, always the same one.
    """

    dataset: Dataset
    modality: Modality
    recipe: Recipe
    view: int = 0

    @property
    def content(self) -> Sequence[str]:
        """Content hash of each item."""
        return self.dataset.content

    def name(self, index: int) -> str:
        """What people call an item: its file, its row."""
        return self.dataset.sources[index]

    @property
    def identity(self) -> str:
        """Names the preparation in every stored activation's key; the view's number stands there by itself."""
        return digest(self.modality.name, self.recipe.identity)

    def prepare(self, index: int) -> NDArray[np.generic]:
        """Read and prepare one item: ``(3, size, size)`` bytes for pictures, ``(length,)`` tokens for texts, ``(samples,)`` for clips."""
        plain = self.modality.prepare(self.dataset.read(index), self.recipe)
        if self.view == 0:
            return plain
        return self.augment(plain, np.random.default_rng(seed_for(self.view, f"view of {self.content[index]}")))

    def vocabulary(self, places: Sequence[int]) -> Vocabulary | None:
        """How the model's vocabulary fits some items; None where they have no words."""
        return self.modality.vocabulary((self.dataset.read(place) for place in places), self.recipe)

    def augment(self, prepared: NDArray[np.generic], generator: np.random.Generator) -> NDArray[np.generic]:
        """Vary a prepared item."""
        return self.modality.augment(prepared, generator)

    def seen_as(self, view: int) -> PreparedItems:
        """The same items in another view."""
        return replace(self, view=view)


def prepared(dataset: Dataset, recipe: Recipe) -> PreparedItems:
    """A data set under a recipe."""
    return PreparedItems(dataset, get(dataset.modality), recipe)


def prepared_for(card: ModelCard, dataset: Dataset) -> PreparedItems:
    """A data set as a model of the gallery takes it."""
    return prepared(dataset, get(dataset.modality).recipe(card.input, gallery.folder(card.name), dataset.sizes))
