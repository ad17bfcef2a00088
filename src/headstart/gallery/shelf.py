"""What has been subscribed to: one folder a model, whose manifest is written last, so a folder without one does not count.

In: ``home()/gallery``. Out: Subscription records.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from headstart.base.errors import HeadstartError, InputError, IntegrityError
from headstart.base.files import write_json
from headstart.base.folders import home
from headstart.base.records import from_plain, to_plain
from headstart.gallery.card import NAME, ModelCard

MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Subscription:
    """One model in the local gallery.

    Attributes:
        card: The card as it was then; checksum, size and parameters are filled in.
        folder: Where it lies; found anew each time, so the gallery may be moved.
        sha256: Checksum of ``weights.safetensors``.
        bytes: Size of that file.
        licence: The licence that counted then.
        accepted: Whether the user had to accept it, and did.
        requested: What the user asked for: the card's name, or ``timm:resnet18``.
        tensors: Number of tensors in the file.
        seconds: Wall-clock seconds of fetching and converting.
        date: When, in UTC.
    """

    card: ModelCard
    folder: Path
    sha256: str
    bytes: int
    licence: str
    accepted: bool
    requested: str
    tensors: int
    seconds: float
    date: str

    @property
    def weights(self) -> Path:
        """The safetensors file; ``gallery.weights`` gives it verified."""
        return self.folder / WEIGHTS


def root() -> Path:
    """The folder of all subscriptions."""
    return home() / "gallery"


def folder_of(name: str) -> Path:
    """The folder of one model, whether it exists or not."""
    if NAME.fullmatch(name) is None:
        raise InputError("that is no name of a model", got=name, fix="headstart gallery list")
    return root() / name


def subscription(name: str) -> Subscription | None:
    """What is recorded of one model, or None.

    Raises:
        IntegrityError: when the record cannot be read.
    """
    folder = folder_of(name)
    return _read(folder, _changed(folder)) if (folder / MANIFEST).is_file() else None


def subscriptions() -> tuple[Subscription, ...]:
    """Every model in the local gallery, by name."""
    folders = sorted(root().iterdir()) if root().is_dir() else []
    return tuple(_read(folder, _changed(folder)) for folder in folders if not folder.name.startswith(".") and (folder / MANIFEST).is_file())


def write(subscription: Subscription, folder: Path) -> None:
    """Write the manifest into a folder; the last thing written there."""
    plain = to_plain(subscription)
    del plain["folder"]
    write_json(folder / MANIFEST, plain)


def header(path: Path) -> dict[str, Any]:
    """Names, shapes and types of a safetensors file, without its numbers.

    Source: the format's definition: eight bytes of length, then JSON.
    """
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        found: dict[str, Any] = json.loads(stream.read(length))
    return found


def _changed(folder: Path) -> tuple[int, ...]:
    found = (folder / MANIFEST).stat()
    return found.st_mtime_ns, found.st_ino, found.st_size


@lru_cache(maxsize=1024)
def _read(folder: Path, changed: tuple[int, ...]) -> Subscription:  # noqa: ARG001 - a changed manifest is read anew
    try:
        plain = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        card = from_plain(ModelCard, plain.pop("card"), str(folder))
        known = {field.name for field in fields(Subscription)}
        return Subscription(card=card, folder=folder, **{name: value for name, value in plain.items() if name in known})
    except (ValueError, KeyError, TypeError, AttributeError, HeadstartError) as error:
        raise IntegrityError(f"{folder / MANIFEST} is damaged ({error})\n  fix: headstart gallery remove {folder.name}") from error
