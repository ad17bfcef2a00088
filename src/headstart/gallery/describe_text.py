"""The card of a text model that has none: from its ``config.json``, its ``tokenizer.json``, its README and what sentence-transformers keeps beside them.

In: what was found of its weights, its configuration, and a way to get small files. Out: a ModelCard; only plain values of known families count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from headstart.base.errors import InputError
from headstart.base.hashing import sha256_file
from headstart.gallery import licences, reads, text_config
from headstart.gallery.card import CardFile, ModelCard, TextInput, TrainedOn
from headstart.gallery.configs import read_config, read_plain
from headstart.gallery.sources import Source

TOKENIZER, POOLING, SENTENCES, MODULES = "tokenizer.json", "1_Pooling/config.json", "sentence_bert_config.json", "modules.json"
TOKENS_AT_MOST = 512
# How sentence-transformers makes one vector of a text's tokens, as far as it is built here, and its modules that are (Normalize only scales).
POOLED: dict[str, Literal["mean", "first", "last"]] = {"mean": "mean", "cls": "first", "lasttoken": "last"}
BUILT = ("Transformer", "Pooling", "Normalize")
OTHERS = "choose a model that is built here: headstart gallery list"
LAST_IS_WHOLE = ("xlnet",)  # families whose token for the whole text stands at the end
NO_PRIOR = "no published accuracy was found beside the weights, so there is no prior"


@dataclass(frozen=True)
class Found:
    """What is known of a model before its configuration is read.

    Attributes:
        name: Its name in the local gallery.
        pinned: Where its weights are, the revision included.
        licence: What its publisher says, or None.
        sha256: Checksum of its weights; empty where nobody says.
        bytes: Their size.
    """

    name: str
    pinned: Source
    licence: str | None
    sha256: str
    bytes: int

    def facts(self) -> dict[str, Any]:
        """The fields of a card that say where the weights are."""
        written_as = "safetensors" if self.pinned.member.endswith(".safetensors") else "torch"
        weights = {"source": str(self.pinned), "sha256": self.sha256, "bytes": self.bytes, "format": written_as, "keys": "name"}
        return weights | {"prior": None, "caveats": (NO_PRIOR,)}


def text_card(found: Found, config: Mapping[str, Any], get: Callable[[str], Path | None]) -> ModelCard:
    """Make the card of a text model.

    Args:
        found: What is known of its weights.
        config: The checked values of its ``config.json``.
        get: Gives the place of a small file beside the weights, or None.

    Raises:
        InputError: when its family is not known, a value would make another network, or it has no ``tokenizer.json``.
    """
    family, values = text_config.read(config)
    tokenizer = get(TOKENIZER)
    if tokenizer is None:
        raise InputError(f"{found.pinned.name} has no {TOKENIZER}", fix="save its tokenizer with the tokenizers library, then subscribe to the folder")
    words = read_config(tokenizer)  # refuses programs and expressions made to run for ever
    readme, title = reads.readme(get), found.pinned.name.rpartition("/")[2] or family
    languages, caveat = reads.languages_of(readme, words)
    terms, note = licence_of(found.licence, None)
    beside = CardFile(TOKENIZER, str(replace(found.pinned, member=TOKENIZER)), sha256_file(tokenizer), tokenizer.stat().st_size)
    return ModelCard(
        name=found.name,
        title=title,
        modality="text",
        task="text",
        architecture=f"transformers:{family}",
        parameters=0,
        input=TextInput(_longest(get, values, family), _pooling(get, family), reads.prefix_of(readme, get, title), languages),
        trained_on=TrainedOn("not said", 0, "not said"),
        licence=terms,
        licence_note=note,
        price="free",
        **found.facts() | {"caveats": (NO_PRIOR, *filter(None, (caveat,)))},
        files=(beside,),
        network=values,
    )


def licence_of(page: str | None, config: str | None) -> tuple[str, str]:
    """One licence from the model page and from the weights' own configuration; where they differ, both must be allowed."""
    terms = sorted({licences.spelling(text) for text in (page, config) if text})
    if len(terms) > 1:
        return licences.together(terms), "the model page and the weights' config name different licences: both count"
    return (terms[0], "as the publisher says") if terms else (licences.UNKNOWN, "the publisher names no licence")


def _pooling(get: Callable[[str], Path | None], family: str) -> Literal["mean", "first", "last"]:
    """What sentence-transformers keeps, else the mean of the tokens, or the last one where that stands for the whole text."""
    _check_modules(get)
    path = get(POOLING)
    if path is None:
        return "last" if family in LAST_IS_WHOLE else "mean"
    plain = read_config(path)
    known = plain.get("pooling_mode") or [name.removeprefix("pooling_mode_") for name, chosen in plain.items() if name.startswith("pooling_mode_") and chosen]
    modes = [re.sub("_tokens?$", "", str(one)) for one in ([known] if isinstance(known, str) else known)] or ["mean"]
    if len(modes) > 1 or modes[0] not in POOLED:
        raise InputError(f"{POOLING} makes a vector of a text in a way that is not built here", got=", ".join(modes), allowed=POOLED, fix=OTHERS)
    return POOLED[modes[0]]


def _check_modules(get: Callable[[str], Path | None]) -> None:
    """Refuse what sentence-transformers puts behind the pooling and would be left out in silence, a Dense layer above all."""
    path = get(MODULES)
    found = read_plain(path) if path is not None else []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise InputError(f"{MODULES} is no list of modules", fix=OTHERS)
    others = [kind for one in found if (kind := str(one.get("type")).rpartition(".")[2]) not in BUILT]
    moved = [place for one in found if str(one.get("type")).endswith(".Pooling") and (place := f"{one.get('path')}/config.json") != POOLING]
    if others or moved:
        raise InputError(f"{MODULES} makes a network that is not built here", got=", ".join((*others, *moved)), allowed=BUILT, fix=OTHERS)


def _longest(get: Callable[[str], Path | None], values: Mapping[str, Any], family: str) -> int:
    path = get(SENTENCES)
    said = read_config(path).get("max_seq_length") if path is not None else None
    longest = min(text_config.longest(values, family), TOKENS_AT_MOST)
    return min(said, longest) if isinstance(said, int) and said > 0 else longest
