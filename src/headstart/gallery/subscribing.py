"""Subscribing: licence, bytes, checksum, conversion, manifest, in this order; afterwards everything works without a network.

In: a card's name, or ``timm:…``, ``hf:…``, ``folder:…``. Out: a Subscription and, from then on, the path of verified weights.
"""

from __future__ import annotations

import math
import shlex
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Sink, silence, stage
from headstart.base.files import left_beside, new_folder
from headstart.base.hashing import sha256_file
from headstart.gallery import catalogue, conversion, describe, fetch, licences, reads, sources
from headstart.gallery.card import MADE_FROM_WEIGHTS, ModelCard, TextInput
from headstart.gallery.configs import read_config
from headstart.gallery.shelf import WEIGHTS, Subscription, folder_of, header, root, subscription, subscriptions, write

MADE_BY = ("source", "files", "format", "layout")  # what of a card decides, with the checksum, which weights are written
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # counted apart from what a network learns


def subscribe(name: str, *, accept: Collection[str] = (), languages: Collection[str] = (), prefix: str | None = None, sink: Sink = silence) -> Subscription:
    """Fetch a model, check it, keep it as safetensors; a model that is already there and whole is not fetched again.

    Args:
        name: A card's name, or ``timm:NAME``, ``hf:owner/name``, ``folder:/path`` for a model without a card.
        accept: Licences (or models) whose terms the user accepts, by name.
        languages: Codes of those that a text model without a card file reads, where its publisher does not say or is wrong; ``multilingual`` for many.
        prefix: What stands before each text, for such a model; what its publisher says when not given.
        sink: Hears of the stages ``fetch`` and ``convert``.

    Raises:
        LicenceError: when the licence is not permissive and was not accepted; nothing was fetched.
        InputError: when the model cannot be found, fetched or read.
        IntegrityError: when its bytes are not those of the card; nothing was kept.

    Cost: the download, then a few seconds and about four times the file's size in memory.
    """
    card = _as_told(_card(name), languages, prefix)
    accepted = licences.demand(card, accept, name)
    with _alone(card.name):
        _refuse_taken(card)
        there = _whole(card)
        if there is not None and there.accepted >= accepted:
            return there if (there.card.input, there.card.network) == (card.input, card.network) else _told_anew(there, card)
        return _fetch(card, name, accepted, sink)


def is_subscribed(name: str) -> bool:
    """Whether a model is in the local gallery."""
    return any(name in (one.card.name, one.requested) for one in subscriptions())


def weights(name: str) -> Path:
    """The verified weights of a model in the local gallery.

    Raises:
        InputError: when it is not subscribed to.
        LicenceError: when its licence is not permissive and no acceptance is recorded.
        IntegrityError: when its bytes have changed since.

    Cost: reads the file once for its checksum (100 MB: about 0.1 s).
    """
    verify(name)
    found = _present(name)
    for card in (found.card, catalogue.card(name)):  # as it was then, and as the card says today
        licences.demand(card, [found.licence] if found.accepted else [])
    return found.weights


def verify(name: str) -> None:
    """Check that the weights of a model, and the files beside them, are the bytes that were recorded.

    Raises:
        InputError: when it is not subscribed to.
        IntegrityError: when they are not.
    """
    found = _present(name)
    kept = [(found.weights, "weights", found.bytes, found.sha256), *((found.folder / one.name, one.name, one.bytes, one.sha256) for one in found.card.files)]
    for path, what, size, sha256 in kept:
        if not path.is_file() or path.stat().st_size != size or sha256_file(path) != sha256:
            raise IntegrityError(
                f"the {what} of {name} are not the bytes that were recorded; they were not used\n  fix: headstart gallery subscribe {shlex.quote(name)}"
            )


def remove(name: str) -> None:
    """Take a model out of the local gallery.

    Raises:
        InputError: when it is not there.
    """
    called = catalogue.card(name).name if ":" in name else name  # by its name alone: a damaged record must not stand in its own way
    with _alone(called):
        folder = folder_of(called)
        if not folder.is_dir():
            raise _absent(name)
        shutil.rmtree(folder)


def _card(name: str) -> ModelCard:
    if ":" in name and not is_subscribed(name):
        return describe.describe(sources.parse(name))
    known = catalogue.card(name)
    kind, _, place = known.source.partition(":")
    if kind != "folder" or catalogue.is_written(known.name) or not Path(place.partition("#")[0]).is_dir():
        return known
    # A folder may hold other weights than it did: it is described anew, and what the user said of its languages and its prefix stays.
    anew, said = describe.describe(sources.parse(name if ":" in name else known.source)), known.input
    if not isinstance(said, TextInput) or not isinstance(anew.input, TextInput):
        return anew
    return _as_told(anew, () if set(reads.NOT_SAID) & set(known.caveats) else said.languages, said.prefix)


def _as_told(card: ModelCard, languages: Collection[str], prefix: str | None) -> ModelCard:
    """The card with what the user says of its languages and its prefix; a card that somebody wrote is changed where it is written."""
    if not languages and prefix is None:
        return card
    if not isinstance(card.input, TextInput):
        raise InputError("--languages and --prefix are for models of texts", got=f"{card.name}, of {card.modality}s")
    if catalogue.is_written(card.name):
        raise InputError("--languages and --prefix are for models without a card", got=card.name, fix=f"leave them out: headstart gallery show {card.name}")
    wanted = replace(card.input, languages=reads.told(languages) or card.input.languages, prefix=card.input.prefix if prefix is None else prefix)
    return replace(card, input=wanted, caveats=tuple(one for one in card.caveats if not languages or one not in reads.NOT_SAID))


def _told_anew(there: Subscription, card: ModelCard) -> Subscription:
    """The same bytes under a card that says otherwise how texts reach them, or how large the network is."""
    made = replace(there, card=replace(there.card, input=card.input, network=card.network, caveats=card.caveats))
    write(made, made.folder)
    return made


def _present(name: str) -> Subscription:
    found = subscription(catalogue.card(name).name)
    if found is None:
        raise _absent(name)
    return found


def _absent(name: str) -> InputError:
    known = name in {one.name for one in catalogue.cards()} or ":" in name
    fix = f"headstart gallery subscribe {shlex.quote(name)}" if known else "headstart gallery list"
    return InputError(f"{name} is not subscribed", got=name, allowed=[one.card.name for one in subscriptions()], fix=fix)


def _refuse_taken(card: ModelCard) -> None:
    """Two folders that end alike have one name: the second does not take the place of the first in silence."""
    try:
        there = subscription(card.name) if card.source.startswith("folder:") else None
    except IntegrityError:
        return  # a damaged record is written anew
    if there is not None and there.card.source.partition("#")[0] != card.source.partition("#")[0]:
        fix = f"rename one of the folders, or headstart gallery remove {card.name}"
        raise InputError(f"{card.name} is the name of another model in the gallery", got=card.source, allowed=[there.card.source], fix=fix)


def _whole(card: ModelCard) -> Subscription | None:
    """What is recorded of the card, if its bytes are still those of the card and of the record."""
    try:
        found = subscription(card.name)
        if found is None or (card.sha256 and found.card.sha256 != card.sha256) or any(getattr(found.card, one) != getattr(card, one) for one in MADE_BY):
            return None
        verify(card.name)
    except IntegrityError:
        return None  # fetched again
    return found


def _fetch(card: ModelCard, requested: str, accepted: bool, sink: Sink) -> Subscription:
    started = time.perf_counter()
    work = root() / f".{card.name}.fetch"  # left there when fetching fails: the next try may take it up again
    fetcher = fetch.Fetcher(work, sink)
    path = fetcher.fetch(sources.parse_joined(card.source), size=card.bytes)
    beside = {one.name: fetcher.fetch(sources.parse_joined(one.source), size=one.bytes) for one in card.files if one.source != MADE_FROM_WEIGHTS}
    try:
        pinned = _pinned(card, path)
        with stage(sink, "convert"), new_folder(folder_of(card.name)) as folder:
            conversion.convert(pinned, path, folder / WEIGHTS)
            for one in card.files:
                if one.name in beside:
                    shutil.copyfile(beside[one.name], folder / one.name)
                _demand(folder / one.name, one.source, one.sha256, one.bytes)
                read_config(folder / one.name) if one.name.endswith(".json") else None  # a tokenizer or configuration may not choose code either
            made = _record(pinned, folder / WEIGHTS, requested, accepted, time.perf_counter() - started)
            write(made, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return made


def _pinned(card: ModelCard, path: Path) -> ModelCard:
    """The card with the checksum of the bytes, which must be the card's where it has one."""
    found, size = _demand(path, card.source, card.sha256, card.bytes)
    return replace(card, sha256=found, bytes=size)


def _demand(path: Path, source: str, sha256: str, size: int) -> tuple[str, int]:
    """Checksum and size of a file, which must be those expected where any are."""
    found, count = (sha256_file(path), path.stat().st_size) if path.is_file() else ("", 0)
    if (sha256 and found != sha256) or (size and count != size):
        raise IntegrityError(f"{source} has {count:,} bytes with the checksum {found}; the card says {size:,} and {sha256}: they were not used")
    return found, count


def _record(card: ModelCard, file: Path, requested: str, accepted: bool, seconds: float) -> Subscription:
    tensors = {name: entry["shape"] for name, entry in header(file).items() if name != "__metadata__"}
    counted = sum(math.prod(shape) for name, shape in tensors.items() if not name.endswith(STATISTICS))
    return Subscription(
        card=card if card.parameters else replace(card, parameters=counted),
        folder=folder_of(card.name),
        sha256=sha256_file(file),
        bytes=file.stat().st_size,
        licence=card.licence,
        accepted=accepted,
        requested=requested,
        tensors=len(tensors),
        seconds=round(seconds, 3),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one process at a time work on a model; what a killed one left behind is swept away."""
    folder = folder_of(name)
    root().mkdir(parents=True, exist_ok=True)
    with FileLock(root() / f".{name}.lock"):
        for left in left_beside(folder):
            shutil.rmtree(left, ignore_errors=True)
        yield
