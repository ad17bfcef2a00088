"""The networks of sound by the name in their cards' ``headstart:NAME``: nothing flows in, a table of makers flows out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from headstart.backbone.networks.speech_embedding import speech_embedding

SOUNDS: Mapping[str, Callable[[], nn.Module]] = {"speech_embedding": speech_embedding}
