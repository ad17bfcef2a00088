"""The kinds of data by name; one line here admits a new one."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from headstart.base.errors import InputError
from headstart.modality.protocol import Modality

_MAKERS = {
    "image": ("headstart.modality.image", "ImageModality"),
    "text": ("headstart.modality.text", "TextModality"),
    "audio": ("headstart.modality.audio", "AudioModality"),
}


def names() -> tuple[str, ...]:
    """The kinds of data that can be asked for."""
    return tuple(sorted(_MAKERS))


@cache
def get(name: str) -> Modality:
    """The kind of data of that name; its decoder is imported only now.

    Raises:
        InputError: when there is none of that name.

    Example:
        >>> ".png" in get("image").suffixes
        True
    """
    if name not in _MAKERS:
        raise InputError("this kind of data is not known", got=name, allowed=_MAKERS)
    module, maker = _MAKERS[name]
    made: Modality = getattr(import_module(module), maker)()
    return made
