"""Where things are kept outside the user's own folders: ``$HEADSTART_HOME``, else ``~/.cache/headstart``."""

from __future__ import annotations

import os
from pathlib import Path

from headstart.base.errors import InputError


def home() -> Path:
    """The folder that holds the local gallery, the activations and what was measured of this machine; it need not be there yet.

    Raises:
        InputError: when what was chosen is a file.
    """
    chosen = os.environ.get("HEADSTART_HOME")
    if chosen:
        place = Path(chosen).expanduser()
        if place.is_file():
            raise InputError("HEADSTART_HOME is a file, and has to be a folder", got=chosen, fix="unset HEADSTART_HOME   (or export the name of a folder)")
        return place
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "headstart"


def measured() -> Path:
    """The folder of what was measured of this machine (speeds of engines, steps, writing), as small JSON files, beside the networks that OpenVINO converted."""
    return home() / "engines"
