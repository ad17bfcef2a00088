"""All model cards: those that come with headstart, the user's own, and those made for models subscribed to without a card file.

In: TOML files and manifests. Out: ModelCard records, found by name or by words.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.folders import home
from headstart.base.records import read_toml
from headstart.gallery.card import ModelCard, TextInput
from headstart.gallery.reads import spellings
from headstart.gallery.shelf import subscriptions

DEFAULTS = {"image": "efficientnet_lite0", "text": "minilm_l6", "audio": "speech_embedding"}  # the first to be asked, by kind of data
DEFAULT = DEFAULTS["image"]


def cards() -> tuple[ModelCard, ...]:
    """Every known model card, the default first, then by name.

    Raises:
        InputError: when a card of the user's cannot be read, or takes a name that is taken.
    """
    found: dict[str, ModelCard] = {}
    for path in _files():
        read = _read(path, path.stat().st_mtime_ns)
        if read.name in found:
            raise InputError(f"{path} has the name of another card", got=read.name, fix="give it another name")
        found[read.name] = read
    for one in subscriptions():
        found.setdefault(one.card.name, one.card)
    return tuple(found[name] for name in sorted(found, key=lambda name: (name != DEFAULT, name)))


def is_written(name: str) -> bool:
    """Whether a card file describes the model; else its card was made when it was subscribed to."""
    return any(_read(path, path.stat().st_mtime_ns).name == name for path in _files())


@lru_cache(maxsize=1024)
def _read(path: Path, changed_ns: int) -> ModelCard:  # noqa: ARG001 - a changed file is read anew
    return read_toml(ModelCard, path)


def card(name: str) -> ModelCard:
    """The card of that name, or of what was subscribed to as ``timm:…``, ``hf:…``, ``folder:…``.

    Raises:
        InputError: when there is none; the nearest name is suggested.
    """
    known = {one.name: one for one in cards()}
    if name in known:
        return known[name]
    asked = next((one.card for one in subscriptions() if one.requested == name), None)
    if asked is None:
        raise InputError("there is no such model in the gallery", got=name, allowed=known, fix="headstart gallery list")
    return asked


def search(text: str) -> tuple[ModelCard, ...]:
    """Cards in which every word of a text occurs: in name, title, task, architecture, training data, licence, source or languages."""
    words = text.casefold().split()
    return tuple(one for one in cards() if all(word in _haystack(one) for word in words))


def _haystack(card: ModelCard) -> str:
    seen, spoken = card.trained_on, spellings(card.input.languages) if isinstance(card.input, TextInput) else ""
    return " ".join((card.name, card.title, card.modality, card.task, card.architecture, seen.what, seen.kind, card.licence, card.source, spoken)).casefold()


def _files() -> list[Path]:
    shipped = Path(str(resources.files("headstart.gallery"))) / "cards"
    return sorted(shipped.glob("*.toml")) + sorted((home() / "cards").glob("*.toml"))
