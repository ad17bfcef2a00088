"""Which values of a ``config.json`` decide a text network: the plain ones of eight families, checked; nothing else of such a file is looked at.

In: plain values of a file that strangers wrote, or of a card. Out: the values that a family admits, or an InputError with every fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headstart.base.errors import InputError
from headstart.gallery.card import Value

SIZE_LIMIT = 1 << 20  # widths, lengths, words: the largest vocabulary of a published model has 262,208
LAYERS_LIMIT = 512
PARAMETERS_LIMIT = 16 << 30
WORD = re.compile(r"[a-z_0-9]{1,32}")

_BERT = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", "hidden_dropout_prob",
    "attention_probs_dropout_prob", "max_position_embeddings", "layer_norm_eps", "pad_token_id", "initializer_range",
)  # fmt: skip
_LLAMA = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size",
    "attention_dropout", "attention_bias", "max_position_embeddings", "rms_norm_eps", "rope_theta", "initializer_range",
)  # fmt: skip
# The values of each family, by the names that transformers gives them.
NAMES: dict[str, tuple[str, ...]] = {
    "bert": (*_BERT, "type_vocab_size"),
    "distilbert": (
        "vocab_size", "dim", "n_layers", "n_heads", "hidden_dim", "activation", "dropout", "attention_dropout", "max_position_embeddings",
        "pad_token_id", "initializer_range",
    ),
    "roberta": (*_BERT, "type_vocab_size"),
    "xlm-roberta": (*_BERT, "type_vocab_size"),
    "mpnet": (*_BERT, "relative_attention_num_buckets"),
    "xlnet": ("vocab_size", "d_model", "n_layer", "n_head", "d_head", "d_inner", "ff_activation", "dropout", "layer_norm_eps", "initializer_range"),
    "gpt2": (
        "vocab_size", "n_embd", "n_layer", "n_head", "n_inner", "n_positions", "activation_function", "resid_pdrop", "embd_pdrop", "attn_pdrop",
        "layer_norm_epsilon", "scale_attn_weights", "scale_attn_by_inverse_layer_idx", "initializer_range",
    ),
    "llama": (*_LLAMA, "hidden_act", "mlp_bias"),
    "gemma3_text": (*_LLAMA, "hidden_activation", "query_pre_attn_scalar", "sliding_window", "rope_local_base_freq", "sliding_window_pattern"),
}  # fmt: skip
# Values that would make another network than the one that is built: only these are admitted where a file has them at all.
ONLY: dict[str, tuple[Any, ...]] = {
    "is_decoder": (False, None), "add_cross_attention": (False, None), "position_embedding_type": ("absolute", None), "rope_scaling": (None,),
    "sinusoidal_pos_embds": (False, True, None), "attn_type": ("bi",), "bi_data": (False, None), "clamp_len": (-1, 0, None), "same_length": (False, None),
    "use_bidirectional_attention": (False, None), "attn_logit_softcapping": (None,), "pretraining_tp": (1, None),
}  # fmt: skip
# Where transformers 5 writes what rotary positions turn by, a kind of layer each, and what the value is called here.
ROPE: dict[str, dict[str, str]] = {"llama": {"": "rope_theta"}, "gemma3_text": {"full_attention": "rope_theta", "sliding_attention": "rope_local_base_freq"}}
LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
WIDTHS = ("hidden_size", "dim", "d_model", "n_embd")
LONGEST = ("max_position_embeddings", "n_positions")


def read(plain: Mapping[str, Any]) -> tuple[str, dict[str, Value]]:
    """The family and its values, out of a ``config.json``.

    Raises:
        InputError: when the family is not known, or a value would make another network.
    """
    family = plain.get("model_type")
    if family not in NAMES:
        raise InputError("text networks of this family cannot be built", got=family, allowed=NAMES)
    faults = [f"{name} = {plain[name]!r} makes a network that is not built here" for name, admitted in ONLY.items() if plain.get(name) not in (None, *admitted)]
    values = {name: plain[name] for name in NAMES[family] if plain.get(name) is not None}
    faults += _read_rope(family, plain.get("rope_parameters"), values)
    faults += _read_kinds(family, plain.get("layer_types"), values)
    if faults:
        raise InputError("this network cannot be built", details=faults)
    return family, checked(family, values)


def _read_rope(family: str, said: Any, values: dict[str, Any]) -> list[str]:
    """Take what rotary positions turn by out of ``rope_parameters``; a line for each that is not built here."""
    if said is None:
        return []
    if not isinstance(said, Mapping):
        return ["rope_parameters is no table"]
    faults = []
    for kind, part in (said if any(isinstance(one, Mapping) for one in said.values()) else {"": said}).items():
        name, called = ROPE.get(family, {}).get(kind), f"of {kind}" if kind else "of all layers"
        if name is None or not isinstance(part, Mapping):
            faults.append(f"rope_parameters {called} are not built here")
        elif (kept := part.get("rope_type", part.get("type", "default"))) != "default" or part.get("partial_rotary_factor", 1) != 1:
            faults.append(f"rope_type {kept!r} {called} is not built here")
        elif part.get("rope_theta") is not None:
            values[name] = part["rope_theta"]
    return faults


def _read_kinds(family: str, said: Any, values: dict[str, Any]) -> list[str]:
    """Take from ``layer_types`` how often a layer sees everything; a line where the kinds follow no such rhythm."""
    layers = values.get("num_hidden_layers")
    if said is None or not isinstance(layers, int) or layers > LAYERS_LIMIT:
        return []  # a wrong number of layers is named with the sizes
    for rhythm in range(1, layers + 2) if family == "gemma3_text" else (1,):
        if said == ["sliding_attention" if number % rhythm else "full_attention" for number in range(1, layers + 1)]:
            values |= {"sliding_window_pattern": rhythm} if family == "gemma3_text" else {}
            return []
    return [f"layer_types {str(said)[:80]} makes a network that is not built here"]


def checked(family: str, values: Mapping[str, Any]) -> dict[str, Value]:
    """Values of a family, each of its type and within its bounds.

    Raises:
        InputError: with a line for each that is not.
    """
    if family not in NAMES:
        raise InputError("text networks of this family cannot be built", got=family, allowed=NAMES)
    faults = [f"{name}: no value of {family}" for name in sorted(values.keys() - set(NAMES[family]))]
    faults += [f"{name}: {fault}" for name, value in values.items() if (fault := _fault(name, value))]
    if not faults and _parameters(values) > PARAMETERS_LIMIT:
        faults.append("together they make a network larger than any machine holds")
    if faults:
        raise InputError(f"these are no sizes of a network of the family {family}", details=faults)
    return dict(values)


def longest(values: Mapping[str, Value], family: str) -> int:
    """The longest input in tokens that a network of these values takes."""
    length = next((int(values[name]) for name in LONGEST if name in values), 512)
    return length - 2 if family in ("roberta", "xlm-roberta", "mpnet") else length  # their positions begin behind that of the padding


def _fault(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "" if name.startswith("scale_attn") or name.endswith("_bias") else "a number or a word is needed"
    if isinstance(value, str):
        return "" if WORD.fullmatch(value) and "act" in name else "this is no name of an activation"
    if isinstance(value, float) or "drop" in name:
        return "" if isinstance(value, (int, float)) and 0 <= value <= (1 if "drop" in name else 1e9) else "it is out of bounds"
    if not isinstance(value, int):
        return "a number or a word is needed"
    limit = LAYERS_LIMIT if name in LAYERS else SIZE_LIMIT
    return "" if (0 if name in ("pad_token_id", "rope_theta") else 1) <= value <= (1e9 if name.startswith("rope") else limit) else "it is out of bounds"


def _parameters(values: Mapping[str, Value]) -> int:
    """About how many parameters these sizes make; an upper bound within a factor of two."""
    width, layers = (next((int(values[name]) for name in names if name in values), 0) for names in (WIDTHS, LAYERS))
    inner = max(int(values.get(name) or 0) for name in ("intermediate_size", "hidden_dim", "d_inner", "n_inner", "n_embd"))
    tables = sum(int(values.get(name) or 0) for name in ("vocab_size", *LONGEST))
    return width * (tables + layers * (4 * width + 3 * max(inner, 4 * width)))
