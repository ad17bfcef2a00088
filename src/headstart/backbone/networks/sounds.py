"""The networks of sound by the name in their cards' ``headstart:NAME``: nothing flows in, tables of makers and of translators of names flow out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from headstart.backbone.networks import silero_vad
from headstart.backbone.networks.crepe_tiny import crepe_tiny
from headstart.backbone.networks.keyword_resnet50 import keyword_resnet50
from headstart.backbone.networks.resemblyzer import resemblyzer
from headstart.backbone.networks.speech_embedding import speech_embedding

SOUNDS: Mapping[str, Callable[[], nn.Module]] = {
    "crepe_tiny": crepe_tiny,
    "keyword_resnet50": keyword_resnet50,
    "resemblyzer": resemblyzer,
    "silero_vad": silero_vad.silero_vad,
    "speech_embedding": speech_embedding,
}
TRANSLATORS: Mapping[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {"silero_vad": silero_vad.translate}
