"""Cards for models that have no card file: made from what a hub, or a folder saved by timm, says about itself.

In: ``hf:owner/name``, ``timm:name`` or ``folder:/path``. Out: a ModelCard whose revision is pinned; no weight byte has been fetched.
A ``config.json`` with an ``architecture`` is timm's and takes pictures; one with a ``model_type`` is of the transformers library and takes texts.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from headstart.base.errors import InputError
from headstart.base.events import silence
from headstart.base.hashing import digest, sha256_file
from headstart.gallery import hub
from headstart.gallery.card import InputRecipe, ModelCard, TrainedOn
from headstart.gallery.configs import FILE_LIMIT_BYTES, read_config
from headstart.gallery.describe_text import Found, licence_of, text_card
from headstart.gallery.fetch import PREFERRED, TIMM_OWNER, in_folder
from headstart.gallery.sources import Source

CONFIG = "config.json"
CONFIG_LIMIT_BYTES = 4 << 20
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CROP_FRACTION = 0.875  # timm's default where a config says nothing


def describe(source: Source) -> ModelCard:
    """Make the card of a model that has no card file.

    Raises:
        InputError: when nothing is there, or its description does not say which network it is.
    """
    if source.kind == "folder":
        return _of_folder(source)
    if source.kind in ("hf", "timm"):
        return _of_repository(source)
    raise InputError("a model from a package needs a card file", got=str(source), fix="write a card into the folder cards of HEADSTART_HOME")


def card_name(source: Source) -> str:
    """A name for the local gallery: ``timm--resnet50.a1_in1k``; where letters would be lost, with what tells it from others: ``folder------3f2a9c``."""
    name = Path(source.name).name if source.kind == "folder" else source.name.replace("/", "--")
    lost = any(letter.isalnum() and not letter.isascii() for letter in name)
    return f"{source.kind}--{re.sub(r'[^a-z0-9_.-]', '-', name.lower())}" + (f"-{digest(name)[:6]}" if lost else "")


def _of_folder(source: Source) -> ModelCard:
    folder = Path(source.name).expanduser().resolve()
    weights = in_folder(Source("folder", str(folder), member=source.member))
    config = folder / CONFIG
    if not config.is_file():
        raise InputError(f"{folder} holds no {CONFIG} as timm saves it", fix="write a card into the folder cards of HEADSTART_HOME")
    pinned = Source("folder", str(folder), member=weights.name)
    found = Found(card_name(source), pinned, None, sha256_file(weights), weights.stat().st_size)
    return _card(found, _read(config), lambda name: folder / name if (folder / name).is_file() else None)


def _of_repository(source: Source) -> ModelCard:
    name = source.name if source.kind == "hf" else _timm_repository(source.name)
    repository = hub.look(name, source.version)
    wanted = (source.member,) if source.member else PREFERRED
    weights = next((file for file in map(repository.file, wanted) if file is not None), None)
    if weights is None or repository.file(CONFIG) is None:
        raise InputError(
            f"{name} does not hold {CONFIG} and one of {', '.join(wanted)}",
            got=", ".join(file.name for file in repository.files),
            fix="write a card into the folder cards of HEADSTART_HOME",
        )
    called = source if source.kind != "timm" else Source("timm", name.partition("/")[2])
    pinned = Source("hf", name, repository.revision, weights.name)
    found = Found(card_name(called), pinned, repository.licence, weights.sha256, weights.bytes)
    with tempfile.TemporaryDirectory() as folder:

        def get(file: str) -> Path | None:
            there = repository.file(file)
            if there is None or there.bytes > FILE_LIMIT_BYTES:
                return None
            return hub.download(name, repository.revision, file, Path(folder), sink=silence)

        config = get(CONFIG)
        if config is None:
            raise InputError(f"{CONFIG} of {name} is larger than a description should be")
        return _card(found, _read(config), get)


def _timm_repository(name: str) -> str:
    """The repository of a timm model; a name without a tag is taken only if it has a single one: other weights are never chosen silently."""
    found = hub.named_like(TIMM_OWNER, name)
    exact = f"{TIMM_OWNER}/{name}"
    if exact in found:
        return exact
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f"the hub has no timm weights called {name}", got=name, fix="headstart gallery list   (or a name as timm spells it: timm:resnet50.a1_in1k)"
        )
    raise InputError(f"timm has several weights of {name}: name one", got=f"timm:{name}", allowed=[f"timm:{one.partition('/')[2]}" for one in found])


def _read(config: Path) -> dict[str, Any]:
    if config.stat().st_size > CONFIG_LIMIT_BYTES:
        raise InputError(f"{CONFIG} is larger than a description should be", got=config.stat().st_size)
    plain = read_config(config)
    if not isinstance(plain.get("architecture"), str) and not isinstance(plain.get("model_type"), str):
        raise InputError(
            f"{CONFIG} names neither a timm architecture nor a family of text networks", fix="write a card into the folder cards of HEADSTART_HOME"
        )
    return plain


def _card(found: Found, config: Mapping[str, Any], get: Callable[[str], Path | None]) -> ModelCard:
    if "architecture" not in config:
        return text_card(found, config, get)
    recipe = {**config, **config.get("pretrained_cfg", {})}
    terms, note = licence_of(found.licence, recipe.get("license"))
    what = ", ".join(filter(None, (str(recipe.get("tag", "")).replace("_", " "), recipe.get("description")))) or "not said"
    return ModelCard(
        name=found.name,
        title=str(config.get("architecture")),
        modality="image",
        task="classification",
        architecture=f"timm:{config['architecture']}",
        parameters=0,
        input=_input(recipe),
        trained_on=TrainedOn(what, 0, "not said"),
        licence=terms,
        licence_note=note,
        price="free",
        **found.facts(),
    )


def _input(recipe: Mapping[str, Any]) -> InputRecipe:
    filters: dict[str, Literal["bilinear", "bicubic"]] = {"bilinear": "bilinear", "bicubic": "bicubic"}
    channels, height, width = recipe.get("input_size", (3, 224, 224))
    if channels != 3 or height != width:
        raise InputError("only networks that take square colour pictures can be built", got=f"input_size {[channels, height, width]}")
    return InputRecipe(
        size=int(height),
        crop_fraction=float(recipe.get("crop_pct", CROP_FRACTION)),
        interpolation=filters.get(str(recipe.get("interpolation")), "bicubic"),
        mean=tuple(float(value) for value in recipe.get("mean", IMAGENET_MEAN)),
        std=tuple(float(value) for value in recipe.get("std", IMAGENET_STD)),
    )
