"""Which languages a data set is in: a Dataset in, shares by language out; nothing for pictures."""

from __future__ import annotations

from headstart.data.dataset import Dataset
from headstart.modality import language
from headstart.modality.encoding import decoded


def languages(dataset: Dataset) -> dict[str, float]:
    """The share of each language among the texts, the largest first; empty for other kinds of data and where nothing tells.

    `headstart.modality.language.suits` says which networks can read them.
    """
    if dataset.modality != "text":
        return {}
    places = range(0, len(dataset), max(1, len(dataset) // language.LOOKED_AT))
    return language.noticed([decoded(dataset.read(place))[0] for place in places])
