"""What a kind of data is: how its items are examined, prepared for a network and described without one; in: bytes, out: arrays."""

from headstart.modality.protocol import Examined, Modality, Preview, Recipe, Unreadable, Vocabulary
from headstart.modality.registry import get, names

__all__ = ["Examined", "Modality", "Preview", "Recipe", "Unreadable", "Vocabulary", "get", "names"]
