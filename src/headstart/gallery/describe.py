"""Cards for models that have no card file: made from what a hub, or a folder saved by timm, says about itself.

In: ``hf:owner/name``, ``timm:name`` or ``folder:/path``. Out: a ModelCard whose revision is pinned; no weight byte has been fetched.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from headstart.base.errors import InputError
from headstart.base.events import silence
from headstart.base.hashing import sha256_file
from headstart.gallery import hub, licences
from headstart.gallery.card import InputRecipe, ModelCard, TrainedOn
from headstart.gallery.configs import check_config
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
    """A name for the local gallery: ``timm--resnet50.a1_in1k``."""
    name = Path(source.name).name if source.kind == "folder" else source.name.replace("/", "--")
    return f"{source.kind}--{re.sub(r'[^a-z0-9_.-]', '-', name.lower())}"


def _of_folder(source: Source) -> ModelCard:
    folder = Path(source.name).expanduser().resolve()
    weights = in_folder(Source("folder", str(folder), member=source.member))
    config = folder / CONFIG
    if not config.is_file():
        raise InputError(f"{folder} holds no {CONFIG} as timm saves it", fix="write a card into the folder cards of HEADSTART_HOME")
    pinned = Source("folder", str(folder), member=weights.name)
    return _card(source, pinned, _read(config), licence=None, sha256=sha256_file(weights), size=weights.stat().st_size)


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
    with tempfile.TemporaryDirectory() as folder:
        config = _read(hub.download(name, repository.revision, CONFIG, Path(folder), sink=silence))
    pinned = Source("hf", name, repository.revision, weights.name)
    return _card(source, pinned, config, licence=repository.licence, sha256=weights.sha256, size=weights.bytes)


def _timm_repository(name: str) -> str:
    """The repository of a timm model; a name without a tag is taken only if it has a single one: other weights are never chosen silently."""
    found = hub.named_like(TIMM_OWNER, name)
    exact = f"{TIMM_OWNER}/{name}"
    if exact in found:
        return exact
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"the hub has no timm weights called {name}", got=name)
    raise InputError(f"timm has several weights of {name}: name one", got=f"timm:{name}", allowed=[f"timm:{one.partition('/')[2]}" for one in found])


def _read(config: Path) -> dict[str, Any]:
    if config.stat().st_size > CONFIG_LIMIT_BYTES:
        raise InputError(f"{CONFIG} is larger than a description should be", got=config.stat().st_size)
    try:
        plain = json.loads(config.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{CONFIG} is not JSON", got=str(error)) from None
    if not isinstance(plain, dict) or not isinstance(plain.get("architecture"), str):
        raise InputError(f"{CONFIG} does not name a timm architecture", fix="write a card into the folder cards of HEADSTART_HOME")
    return check_config(plain, CONFIG)


def _card(asked: Source, pinned: Source, config: Mapping[str, Any], *, licence: str | None, sha256: str, size: int) -> ModelCard:
    recipe = {**config, **config.get("pretrained_cfg", {})}
    terms, note = _licence(licence, recipe.get("license"))
    what = ", ".join(filter(None, (str(recipe.get("tag", "")).replace("_", " "), recipe.get("description")))) or "not said"
    return ModelCard(
        name=card_name(asked if asked.kind != "timm" else Source("timm", pinned.name.partition("/")[2])),
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
        source=str(pinned),
        sha256=sha256,
        bytes=size,
        format="safetensors" if pinned.member.endswith(".safetensors") else "torch",
        keys="name",
        prior=None,
        caveats=("no published accuracy was found beside the weights, so there is no prior",),
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


def _licence(page: str | None, config: str | None) -> tuple[str, str]:
    """One licence from the model page and from timm's config; where they differ, both must be allowed."""
    terms = sorted({licences.spelling(text) for text in (page, config) if text})
    if len(terms) > 1:
        return " AND ".join(terms), "the model page and the weights' config name different licences: both count"
    return (terms[0], "as the publisher says") if terms else (licences.UNKNOWN, "the publisher names no licence")
