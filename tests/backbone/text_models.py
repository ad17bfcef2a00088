"""Tiny random text networks of every family: ours, and the same weights in the transformers library's own model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from headstart.backbone.build import Network, build
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.gallery import ModelCard, TextInput, TrainedOn

WORDS, LONGEST = 60, 40
_BERT = {
    "vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": LONGEST,
    "type_vocab_size": 2,
}  # fmt: skip
_LLAMA = {
    "vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48,
    "max_position_embeddings": LONGEST,
}  # fmt: skip
# The sizes of each family, and the class of the library that has them.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertModel", _BERT),
    "distilbert": (
        "DistilBertModel", {"vocab_size": WORDS, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": LONGEST},
    ),
    "roberta": ("RobertaModel", {**_BERT, "type_vocab_size": 1, "pad_token_id": 1}),
    "xlm-roberta": ("XLMRobertaModel", {**_BERT, "type_vocab_size": 1, "pad_token_id": 1}),
    "mpnet": ("MPNetModel", {name: value for name, value in _BERT.items() if name != "type_vocab_size"} | {"pad_token_id": 1}),
    "xlnet": ("XLNetModel", {"vocab_size": WORDS, "d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 48}),
    "gpt2": ("GPT2Model", {"vocab_size": WORDS, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": LONGEST}),
    "llama": ("LlamaModel", {**_LLAMA, "rope_theta": 500.0}),
    "gemma3_text": ("Gemma3TextModel", {**_LLAMA, "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 4, "sliding_window_pattern": 3}),
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """One network twice."""

    ours: Network
    theirs: Any
    card: ModelCard


def card_of(family: str, sizes: dict[str, Any], pooling: Any = "mean", **changes: Any) -> ModelCard:
    facts: dict[str, Any] = {
        "name": family, "title": family, "modality": "text", "task": "text", "architecture": f"transformers:{family}", "parameters": 0,
        "input": TextInput(LONGEST - 2, pooling), "trained_on": TrainedOn("nothing", 0, "random numbers"), "licence": "MIT", "licence_note": "ours",
        "price": "free", "source": "folder:/none#model.safetensors", "sha256": "", "bytes": 0, "format": "safetensors", "keys": "name", "prior": None,
        "network": sizes,
    }  # fmt: skip
    return ModelCard(**facts | changes)


def theirs_of(family: str, seed: int = 0) -> Any:
    """The library's own model with random weights."""
    import_torchvision()
    import transformers

    maker, sizes = FAMILIES[family]
    name = {"Gemma3TextModel": "Gemma3TextConfig"}.get(maker, maker.replace("Model", "Config"))
    options = dict(sizes)
    if family == "llama":
        options["rope_parameters"] = {"rope_type": "default", "rope_theta": options.pop("rope_theta")}
    configuration = getattr(transformers, name)(**options)
    configuration._attn_implementation = "eager"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, maker)(configuration).eval()
        with torch.no_grad():
            for parameter in model.parameters():  # larger than usual, or all tokens would look alike
                if parameter.dim() > 1:
                    parameter.normal_(0, 0.3)
                else:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def pair_of(family: str, folder: Path, pooling: Any = "mean") -> Pair:
    """Ours, filled from a file that holds the weights of the library's."""
    theirs = theirs_of(family)
    file = folder / "model.safetensors"
    save_file({name: value.contiguous() for name, value in theirs.state_dict().items()}, file)
    card = card_of(family, FAMILIES[family][1], pooling, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    return Pair(build(card, file), theirs, card)


def texts(*lengths: int, seed: int = 0) -> torch.Tensor:
    """Random texts of these lengths, padded with -1; no token means padding in any family."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.full((len(lengths), max(lengths)), -1, dtype=torch.int32)
    for row, length in zip(ids, lengths, strict=True):
        row[:length] = torch.randint(5, WORDS, (length,), generator=generator)
    return ids
