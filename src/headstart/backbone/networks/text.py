"""The common shape of every text network: tokens (n, L) flow through mask, embedding, layers and pooling to features (n, d).

Tokens are whole numbers, -1 is padding and stands at the end. Between any two layers cross the mask (n, L), 1 for a token and 0 for padding, and the
tokens' vectors (n, L, d); what stands at padded places is never read. Each step is an atom for ``trace``, so a backbone is cut behind the embedding and
behind every layer. The layers themselves are the modules of the transformers library, given a mask of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from headstart.gallery.card import Value

BLOCKED = -1e30  # added to the attention of what must not be seen: its share becomes exactly 0, in bfloat16 too, and a text without tokens stays finite
SPREAD = 0.02  # standard deviation of fresh weights; source: Devlin et al., BERT, 2018
TABLE_SHARE = 0.5  # a word table that holds more than this share of all parameters stays as it is while a pretrained network trains


class Mask(nn.Module):
    """Which places hold a token."""

    is_atom = True

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to 1 and 0 (n, L)."""
        return (ids >= 0).to(torch.float32)


class Pool(nn.Module):
    """The vectors of the tokens to one of the text.

    Attributes:
        kind: ``mean`` of the tokens, the ``first``, or the ``last`` that is no padding.
        norm: What a decoder puts behind its last layer.
    """

    is_atom = True

    def __init__(self, kind: str, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.kind, self.norm = kind, norm or nn.Identity()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) to features (n, d)."""
        x = self.norm(x)
        if self.kind == "first":
            return x[:, 0]
        last = mask * (mask.cumsum(1) == mask.sum(1, keepdim=True)).to(mask.dtype)  # the only place where as many ones stand up to here as in all
        chosen = mask if self.kind == "mean" else last
        pooled: Tensor = torch.where(chosen[..., None] > 0, x, 0.0).sum(1) / chosen.sum(1, keepdim=True).clamp(min=1)
        return pooled

    def extra_repr(self) -> str:
        """Part of the hash of what was stored behind it."""
        return self.kind


class TextNetwork(nn.Module):
    """Tokens (n, L) to features (n, d)."""

    def __init__(self, embed: nn.Module, layers: list[nn.Module], pool: Pool) -> None:
        super().__init__()
        self.mask, self.embed, self.layers, self.pool = Mask(), embed, nn.ModuleList(layers), pool

    def hidden(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The vectors of the tokens behind the last layer, and the mask."""
        mask = self.mask(ids)
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, mask)
        return x, mask

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to features (n, d)."""
        features: Tensor = self.pool(*self.hidden(ids))
        return features

    @property
    def table(self) -> nn.Parameter:
        """The vectors of the words."""
        return next(module.weight for module in self.embed.modules() if isinstance(module, nn.Embedding))


@dataclass(frozen=True)
class Family:
    """How the networks of one family are made and how others name their parts.

    Attributes:
        make: From checked values and the kind of pooling to a network with the library's own first weights.
        names: Pairs of a pattern and its replacement that bring published names to ours, tried in order.
        heads: First parts of the names of what is no part of the network: heads of tasks, buffers of old versions.
    """

    make: Callable[[Mapping[str, Value], str], TextNetwork]
    names: tuple[tuple[str, str], ...]
    heads: tuple[str, ...] = ()


def family(name: str) -> Family:
    """The family of that name; the library that makes its layers is imported only now (about 2 s)."""
    if name in ("gpt2", "llama", "gemma3_text"):
        from headstart.backbone.networks.text_decoders import FAMILIES
    else:
        from headstart.backbone.networks.text_encoders import FAMILIES
    return FAMILIES[name]


def seen(mask: Tensor) -> Tensor:
    """What is added to attention so that padding is not seen: (n, 1, 1, L)."""
    return (1 - mask)[:, None, None, :] * BLOCKED


def seen_behind(mask: Tensor, window: int | None = None) -> Tensor:
    """The same where a token sees itself and those before it, the nearest ``window`` of them: (n, 1, L, L)."""
    places = torch.arange(mask.shape[1], device=mask.device)
    distance = places[:, None] - places[None, :]
    visible = distance >= 0
    if window is not None:
        visible = visible & (distance < window)
    return (1 - visible.to(mask.dtype) * mask[:, None, None, :]) * BLOCKED


def draw(network: TextNetwork, spread: float) -> None:
    """Fresh weights as these families start: matrices and tables from a normal distribution, biases at 0, norms as the library makes them."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, spread)
            elif name.endswith("bias"):
                parameter.zero_()


def keep_table(network: TextNetwork) -> bool:
    """Exempt the word table from training where it holds most of the parameters: it would cost most of the memory and hardly learn from few texts.

    Returns:
        Whether it was exempted.
    """
    total = sum(parameter.numel() for parameter in network.parameters())
    kept = bool(network.table.numel() > TABLE_SHARE * total)
    if kept:
        network.table.requires_grad_(False)
    return kept


def configured(maker: Callable[..., Any], values: Mapping[str, Value], **options: Any) -> Any:
    """A configuration of the transformers library with these values and its own defaults for the rest; attention is torch's fused one."""
    configuration = maker(**values, **options)
    configuration._attn_implementation = "sdpa"
    return configuration
