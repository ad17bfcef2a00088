"""GPT-2, Llama and Gemma 3 from plain values: a token sees itself and those before it; the modules are those of the transformers library.

In: checked values of a configuration and the kind of pooling. Out: a TextNetwork.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Gemma3TextConfig, GPT2Config, LlamaConfig
from transformers.models.gemma3.modeling_gemma3 import Gemma3DecoderLayer, Gemma3RMSNorm, Gemma3RotaryEmbedding, Gemma3TextScaledWordEmbedding
from transformers.models.gpt2.modeling_gpt2 import GPT2Block
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm, LlamaRotaryEmbedding

from headstart.backbone.networks.text import Family, Pool, TextNetwork, configured, seen_behind
from headstart.gallery.card import Value

ROPE_THETA = 10_000.0  # the base of rotary positions where a configuration names none; source: Su et al., RoFormer, 2021


class GPT2Embed(nn.Module):
    """Words and positions."""

    is_atom = True

    def __init__(self, configuration: GPT2Config) -> None:
        super().__init__()
        self.wte = nn.Embedding(configuration.vocab_size, configuration.n_embd)
        self.wpe = nn.Embedding(configuration.n_positions, configuration.n_embd)
        self.drop = nn.Dropout(configuration.embd_pdrop)

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to vectors (n, L, d)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x: Tensor = self.drop(self.wte(ids.clamp(min=0)) + self.wpe(places))
        return x


class GPT2Layer(GPT2Block):
    """One layer of GPT-2."""

    is_atom = True

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) of tokens, ones (n, L) where they are real, to vectors (n, L, d)."""
        output: Tensor = super().forward(x, attention_mask=seen_behind(mask))
        return output


class WordEmbed(nn.Module):
    """Words only: positions turn the queries and keys of each layer."""

    is_atom = True

    def __init__(self, embed_tokens: nn.Embedding) -> None:
        super().__init__()
        self.embed_tokens = embed_tokens

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to vectors (n, L, d)."""
        x: Tensor = self.embed_tokens(ids.clamp(min=0))
        return x


class LlamaLayer(LlamaDecoderLayer):
    """One layer of Llama with the rotary positions in it."""

    is_atom = True

    def __init__(self, configuration: LlamaConfig, number: int) -> None:
        super().__init__(configuration, number)
        self.rotary = LlamaRotaryEmbedding(configuration)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) of tokens, ones (n, L) where they are real, to vectors (n, L, d)."""
        turns = self.rotary(x, torch.arange(x.shape[1], device=x.device)[None])
        output: Tensor = super().forward(x, attention_mask=seen_behind(mask), position_embeddings=turns)
        return output


class Gemma3Layer(Gemma3DecoderLayer):
    """One layer of Gemma 3 with the rotary positions in it; most see only a window of what came before."""

    is_atom = True

    def __init__(self, configuration: Gemma3TextConfig, number: int) -> None:
        super().__init__(configuration, number)
        self.rotary = Gemma3RotaryEmbedding(configuration)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) of tokens, ones (n, L) where they are real, to vectors (n, L, d)."""
        turns = self.rotary(x, torch.arange(x.shape[1], device=x.device)[None], self.self_attn.layer_type)
        visible = seen_behind(mask, self.self_attn.sliding_window)
        output: Tensor = super().forward(x, position_embeddings=turns, attention_mask=visible)
        return output


def _numbered(configuration: Any, maker: Any) -> list[nn.Module]:
    return [maker(configuration, number) for number in range(configuration.num_hidden_layers)]


def gpt2(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """GPT-2. Source: Radford et al., 2019."""
    configuration = configured(GPT2Config, values)
    norm = nn.LayerNorm(configuration.n_embd, eps=configuration.layer_norm_epsilon)
    return TextNetwork(GPT2Embed(configuration), _numbered(configuration, GPT2Layer), Pool(pooling, norm))


def llama(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """Llama and all that is built like it: SmolLM2. Source: Touvron et al., 2023."""
    plain = {name: value for name, value in values.items() if name != "rope_theta"}
    configuration = configured(LlamaConfig, plain, rope_parameters={"rope_type": "default", "rope_theta": float(values.get("rope_theta", ROPE_THETA))})
    words = nn.Embedding(configuration.vocab_size, configuration.hidden_size)
    norm = LlamaRMSNorm(configuration.hidden_size, eps=configuration.rms_norm_eps)
    return TextNetwork(WordEmbed(words), _numbered(configuration, LlamaLayer), Pool(pooling, norm))


def gemma3(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """The text part of Gemma 3. Source: Gemma team, Gemma 3 technical report, 2025."""
    plain = {name: value for name, value in values.items() if not name.startswith("rope_")}
    bases = {"full_attention": values.get("rope_theta", 1e6), "sliding_attention": values.get("rope_local_base_freq", ROPE_THETA)}
    rope = {kind: {"rope_type": "default", "rope_theta": float(base)} for kind, base in bases.items()}
    configuration = configured(Gemma3TextConfig, plain, rope_parameters=rope)
    words = Gemma3TextScaledWordEmbedding(configuration.vocab_size, configuration.hidden_size, None, embed_scale=configuration.hidden_size**0.5)
    norm = Gemma3RMSNorm(configuration.hidden_size, eps=configuration.rms_norm_eps)
    return TextNetwork(WordEmbed(words), _numbered(configuration, Gemma3Layer), Pool(pooling, norm))


_TOKENS, _NORM = (r"^embed_tokens\.", "embed.embed_tokens."), (r"^norm\.", "pool.norm.")

FAMILIES = {
    "gpt2": Family(gpt2, ((r"^transformer\.", ""), (r"^(wte|wpe)\.", r"embed.\1."), (r"^h\.", "layers."), (r"^ln_f\.", "pool.norm.")), ("lm_head", "score")),
    "llama": Family(llama, ((r"^model\.", ""), _TOKENS, _NORM), ("lm_head", "score")),
    "gemma3_text": Family(gemma3, ((r"^model\.", ""), _TOKENS, _NORM), ("lm_head", "score")),
}
