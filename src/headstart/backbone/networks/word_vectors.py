"""A table of word vectors as a network: tokens (n, L) in, the mean vector of the words of each text (n, d) out; the cut lies behind the table.

Source: Pennington, Socher and Manning, GloVe: Global Vectors for Word Representation, 2014. A word that the table does not know has, as they advise, the
mean of all vectors.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from headstart.backbone.networks.text import Pool, TextNetwork
from headstart.base.errors import InputError
from headstart.gallery.card import Value

WORDS_MOST, WIDTH_MOST = 5_000_000, 4_096


class Words(nn.Module):
    """Tokens (n, L) to vectors (n, L, d); padding stands for any word, since nobody reads what becomes of it."""

    is_atom = True

    def __init__(self, n_words: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(n_words, width)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up."""
        vectors: Tensor = self.table(ids.clamp(min=0).long())
        return vectors


def word_vectors(network: Mapping[str, Value], pooling: str) -> TextNetwork:
    """The network of a card, one word more than its table: the unknown one.

    Args:
        network: ``vocab_size`` and ``hidden_size``.
        pooling: As for every text network.

    Raises:
        InputError: when the card does not say its sizes.
    """
    n_words, width = network.get("vocab_size"), network.get("hidden_size")
    if not (isinstance(n_words, int) and isinstance(width, int) and 0 < n_words <= WORDS_MOST and 0 < width <= WIDTH_MOST):
        raise InputError("a table of word vectors needs vocab_size and hidden_size in its card's [network]", got=dict(network))
    return TextNetwork(Words(n_words + 1, width), [], Pool(pooling))


def translate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published table, and behind it the mean of all vectors for what it does not know."""
    table = tensors["array"]
    return {"embed.table.weight": torch.cat([table, table.mean(dim=0, keepdim=True)])}
