"""What was asked of a run, kept in ``asked.json`` from its first moment: arguments and circumstances in, the same back when the run goes on."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import headstart
from headstart import gallery
from headstart.backbone.engines.race import machine
from headstart.base.errors import InputError, IntegrityError
from headstart.base.files import read_json, write_json
from headstart.base.hashing import digest
from headstart.base.journal import Journal
from headstart.base.records import from_plain, to_plain
from headstart.data import Dataset
from headstart.data.layout import nearest, quoted
from headstart.gallery.card import ModelCard
from headstart.planning.facts import Wishes
from headstart.training.run import ASKED, check_begun

DECIDING = ("torch", "torchvision", "timm", "transformers", "tokenizers", "openvino", "numpy", "scipy", "pillow", "soundfile", "soxr", "optuna", "cleanlab")

WISHED = ("seed", "model", "cut", "effort", "learning_rate", "precision", "max_mb", "max_ms", "licence")  # by the names of their options


@dataclass(frozen=True)
class Asked:
    """The arguments of a fit, and what else its numbers depend on.

    Attributes:
        data: Where the data lies, from the root of the file system; where it was moved to, once a run went on from there.
        wishes: What the user pinned.
        label: The column of the label.
        group: The column of what must stay on one side.
        accept: Models to subscribe to first, their licences accepted.
        headstart: Version.
        versions: Of the libraries that compute.
        machine: Processor, threads and what computes on them.
        text: The column of the text.
        modality: The kind of data; found by what lies there when None.
        task: ``classification``, or ``keyword`` for a wake word.
        false_accepts: An hour, of a wake word.
    """

    data: str
    wishes: Wishes
    label: str | None
    group: str | None
    accept: tuple[str, ...]
    headstart: str
    versions: dict[str, str]
    machine: str
    text: str | None = None
    modality: str | None = None
    task: str = "classification"
    false_accepts: float = 0.0

    def write(self, folder: Path) -> None:
        """Keep it in a run folder."""
        plain = to_plain(self)
        write_json(folder / ASKED, {**plain, "sum": _sum(plain)})

    def moved(self, data: Path) -> Asked:
        """The same of data that lies elsewhere now."""
        return replace(self, data=_place(data))

    def check(self, folder: Path) -> None:
        """Refuse to go on where the numbers could differ.

        Raises:
            InputError: naming what is another than it was, or that the data is gone from where it was.
        """
        if not Path(self.data).exists():
            raise self._gone(folder)
        now = asked(Path(self.data), self.wishes, self.label, self.group, self.accept, self.text, self.modality, self.task, self.false_accepts)
        others = [f"headstart {self.headstart}, here {now.headstart}"] if self.headstart != now.headstart else []
        others += [f"{name} {was}, here {now.versions.get(name, 'none')}" for name, was in self.versions.items() if now.versions.get(name) != was]
        others += [f"begun on {self.machine}; here {now.machine}"] if self.machine != now.machine and not others else []
        if others:
            what = "this run was begun with other versions or on another machine, where the same work gives other numbers"
            raise InputError(what, got=folder, details=others, fix=f"begin anew: {self.line} --out {quoted(Path(f'{folder}-2'))}")

    def _gone(self, folder: Path) -> InputError:
        """What is said of data that lies elsewhere now; what lies beside with a similar name may be it."""
        there = Path(self.data)
        above, near = nearest(there)
        place = near if near and above == there.parent else Path("DATA")
        details = [f"or fit anew from where it lies now: {replace(self, data=str(place)).line} --out {quoted(Path(f'{folder}-2'))}"]
        what = "the data of this run is not where it was when the run began"
        return InputError(what, got=self.data, details=details, fix=f"headstart resume {quoted(folder)} --data {quoted(place)}")

    @property
    def line(self) -> str:
        """What a person types to begin such a run anew: all that was asked, for without its column of groups it would be another."""
        wishes, usual, is_wake_word = self.wishes, Wishes(), self.task != "classification"
        given: dict[str, object] = {"task": self.task, "false_accepts": f"{self.false_accepts:g}"} if is_wake_word else {}
        given |= {name: getattr(wishes, name) for name in (WISHED[:1] if is_wake_word else WISHED) if getattr(wishes, name) != getattr(usual, name)}
        given |= {"budget": f"{wishes.budget_seconds:g}s"} if wishes.budget_seconds is not None else {}
        given |= {"memory": f"{wishes.memory_bytes}B"} if wishes.memory_bytes is not None else {}
        given |= {name: value for name in ("text", "label", "group", "modality") if (value := getattr(self, name)) is not None}
        pairs = [*given.items(), *(("accept_licence", name) for name in self.accept)]
        options = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in pairs]
        return " ".join([f"headstart fit {shlex.quote(self.data)}", *options, *([] if wishes.twins else ["--no-twins"])])


def asked(
    data: Path,
    wishes: Wishes,
    label: str | None,
    group: str | None,
    accept: tuple[str, ...] = (),
    text: str | None = None,
    modality: str | None = None,
    task: str = "classification",
    false_accepts: float = 0.0,
) -> Asked:
    """What is asked here and now."""
    versions = {name: version(name) for name in DECIDING}
    return Asked(_place(data), wishes, label, group, accept, headstart.__version__, versions, machine(), text, modality, task, false_accepts)


def recorded(folder: Path) -> Asked:
    """What was asked of a run that is to go on.

    Raises:
        InputError: when the folder holds no run that was begun, or a finished one.
        IntegrityError: when what was asked is damaged.
    """
    check_begun(folder)
    try:
        plain: dict[str, Any] = dict(read_json(folder / ASKED))
        if plain.pop("sum") != _sum(plain):
            raise ValueError
        return from_plain(Asked, plain, str(folder / ASKED))
    except (ValueError, KeyError, TypeError, InputError):
        raise IntegrityError(f"{folder / ASKED} is damaged: what was asked of this run is not known\n  fix: begin anew with headstart fit DATA") from None


def unchanged(journal: Journal, dataset: Dataset, given: Asked, folder: Path) -> None:
    """Record which data a run learns from and where it lies, or refuse other data.

    Args:
        journal: Of the run.
        dataset: What lies there now.
        given: What was asked; the data may have been moved since.
        folder: Of the run.

    Raises:
        InputError: when the data is not what it was when the run began.
    """
    was = journal.recall("data", lambda: {"items": len(dataset), "identity": identity(dataset)})
    if was["identity"] != identity(dataset):
        details = [f"{was['items']} items then, {len(dataset)} now", "files were added, taken away, renamed or changed"]
        raise InputError("the data is not what it was when this run began", got=dataset.root, details=details, fix=given.line)
    given.write(folder)


def same_models(journal: Journal, cards: Sequence[ModelCard]) -> list[ModelCard]:
    """Record which models compete, or go on with those that did.

    Raises:
        InputError: when one of them is gone, or its weights are others.
    """
    here = {card.name: card for card in cards}
    weights = {one.card.name: one.sha256 for one in gallery.subscriptions() if one.card.name in here}
    was = journal.recall("models", lambda: {name: weights[name] for name in here})
    gone = sorted(name for name, sha256 in was.items() if weights.get(name) != sha256)
    if gone:
        raise InputError("models of this run are gone, or their weights are others now", got=", ".join(gone), fix=f"headstart gallery subscribe {gone[0]}")
    return [here[name] for name in was]


def identity(dataset: Dataset) -> str:
    """Names a data set with the order and the names of its items: two that differ in it give other numbers or other words."""
    places = [str(one) for one in dataset.labels.tolist()]
    return digest(dataset.digest, *dataset.classes, *dataset.sources, *dataset.content, *places, *(dataset.given_split or ()), *(dataset.groups or ()))


def _place(data: Path) -> str:
    return os.path.abspath(data.expanduser())  # noqa: PTH100 - links stay


def _sum(plain: dict[str, Any]) -> str:
    return digest(json.dumps(plain, sort_keys=True, ensure_ascii=False))
