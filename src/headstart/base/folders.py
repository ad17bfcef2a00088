"""Where things are kept outside the user's own folders: ``$HEADSTART_HOME``, else ``~/.cache/headstart``."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder that holds the local gallery, the activations and what was measured of this machine."""
    chosen = os.environ.get("HEADSTART_HOME")
    if chosen:
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "headstart"


def measured() -> Path:
    """The folder of what was measured of this machine (speeds of engines, steps, writing), as small JSON files, beside the networks that OpenVINO converted."""
    return home() / "engines"
