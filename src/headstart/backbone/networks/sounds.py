"""The networks of sound by the name in their cards' ``headstart:NAME``: nothing flows in, a table of makers flows out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from headstart.backbone.networks.crepe_tiny import crepe_tiny
from headstart.backbone.networks.resemblyzer import resemblyzer
from headstart.backbone.networks.speech_embedding import speech_embedding

SOUNDS: Mapping[str, Callable[[], nn.Module]] = {"crepe_tiny": crepe_tiny, "resemblyzer": resemblyzer, "speech_embedding": speech_embedding}
