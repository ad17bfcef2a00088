"""What a kind of data is: how its items are examined, prepared for a network and described without one; in: bytes, out: arrays."""

from headstart.modality.protocol import Examined, Modality, Recipe, Unreadable
from headstart.modality.registry import get, names

__all__ = ["Examined", "Modality", "Recipe", "Unreadable", "get", "names"]
