"""The noun of this floor: a labelled data set whose every item has been read, hashed and examined once; a path flows in, a Dataset out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.base import archives
from headstart.base.errors import Fault, IntegrityError
from headstart.base.events import Event, Sink, silence
from headstart.base.hashing import digest, digest_content
from headstart.data import refuse
from headstart.data.blocks import in_blocks
from headstart.data.duplicates import near_duplicates
from headstart.data.examine import Within, examine_all
from headstart.data.kind import kind_of
from headstart.data.labels import is_other_sound, is_wake_word, to_look_at, wake_word
from headstart.data.layout import lay_out, refuse_no_place
from headstart.data.listing import Listing, Wanted, in_order
from headstart.data.remembered import Finding, Remembered
from headstart.data.rows import Rows, chosen
from headstart.data.unpacked import unpacked
from headstart.modality import Examined, get

MINIMUM_PER_CLASS = 4  # two to train, one to validate, one to test: fewer prove nothing


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled items, all of them readable; what was not is named in ``faults``.

    Attributes:
        root: Where it lies.
        modality: What kind of data it is: ``image``, ``text`` or ``audio``.
        classes: Names of the classes; a label is a place in this list.
        sources: ``(n,)`` printable name of each item, relative to the root.
        labels: ``(n,)`` class of each item.
        groups: ``(n,)`` what each item must stay together with (a patient); "" for none; None when the data set knows no groups.
        group_name: The column that the groups come from.
        given_split: ``(n,)`` ``train``, ``validation`` or ``test`` where the data set itself says so; else None.
        content: ``(n,)`` hash of each item's bytes.
        faults: What was left out, and why.
        near: ``(m, 2)`` pairs of items that look the same and differ in bytes.
        sizes: ``(n, 2)`` the two measures that the modality names: width and height, characters and words.
        modes: ``(n,)`` how each item is written.
        digest: Hash of contents, labels, groups and given parts, whatever the order or the names of the files.
        rows: How bytes are fetched; use `read`.
        notes: What a person should be told of how it was read: an encoding, quotes that do not pair, other columns that may be meant.
        columns: Of a table the columns that were taken, by what for: ``{"text": "review", "label": "stars"}``.
    """

    root: Path
    modality: str
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    labels: NDArray[np.int64]
    groups: tuple[str, ...] | None
    group_name: str | None
    given_split: tuple[str, ...] | None
    content: tuple[str, ...]
    faults: tuple[Fault, ...]
    near: NDArray[np.int64]
    sizes: NDArray[np.int64]
    modes: tuple[str, ...]
    digest: str
    rows: Rows
    notes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many items it has."""
        return len(self.sources)

    def read(self, index: int) -> bytes:
        """Fetch the bytes of one item; may be called from several threads.

        Raises:
            IntegrityError: when the file is gone or no longer holds what was examined: what is computed from it would be kept under a wrong name.
        """
        try:
            raw = self.rows.read(index)
        except OSError as error:
            raise IntegrityError(f"{self.sources[index]} cannot be read any more: {error.strerror or error}") from None
        if digest_content(raw) != self.content[index]:
            raise IntegrityError(f"{self.sources[index]} has changed since the data set was read: start again")
        return raw


def load(
    path: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    sink: Sink = silence,
    minimum_per_class: int = MINIMUM_PER_CLASS,
    modality: str | None = None,
    cut: Callable[[str], bool] | None = None,
    to_learn: bool = True,
    to_look: bool = False,
    within: Within | None = None,
) -> Dataset:
    """Read a labelled data set, whatever its layout; name what is broken and refuse what cannot be learnt from.

    Args:
        path: A folder of class folders, with or without train / validation / test; a folder with ``metadata.csv``; a CSV, TSV, JSON Lines, Parquet or
            Arrow file or a folder of such; a folder saved by Hugging Face ``datasets``; ``pos.txt`` and ``neg.txt`` with one text a
            line; an archive (zip, tar) of any of these.
        text: The column of the text; found by its name when not given.
        label: The column of the class; found by its name when not given.
        group: The column of what must stay together (patient, site); found by its name when not given; ``none`` for: there are no groups.
        sink: Hears of the stage ``read``.
        minimum_per_class: Fewer readable items of a class are refused.
        modality: The kind of data; found by what lies there when not given.
        cut: Of which classes long recordings are read in blocks, each an item, and may be silent: an hour in which nothing was heard is an hour. None when
            not given: recordings are whole, and silent ones left out.
        within: How long reading may take; as soon as the first items tell that it takes longer, it is refused.
        to_learn: Refuse what cannot be learnt from; what a finished run is judged on may be one item of one class.
        to_look: Read what is laid out as a wake word's recordings as that task reads them: long ones in blocks, and one of a kind may do.

    Raises:
        InputError: with all faults at once.

    Cost: the first time 0.2 ms an item of 28 x 28 pixels and 2 ms a photo of 0.5 Mpx; later 0.03 ms; a few hundred bytes of memory an item.
    """
    root, wanted = Path(path).expanduser(), Wanted(text, label, group)
    refuse_no_place(root)
    given = root  # what a person knows it by
    if root.is_file() and archives.is_archive(root):
        root = unpacked(root)
    kind = get(modality or kind_of(root, wanted))
    refuse.column_of_texts(text, kind)
    listing = lay_out(root, kind, wanted)
    if to_look and kind.name == "audio" and is_wake_word(listing.labels):
        cut, minimum_per_class = is_other_sound, 1
    listing = in_blocks(listing, cut) if cut else listing
    for_a_word = wake_word(given, listing.labels) if kind.name == "audio" and cut is None and to_learn else ()
    listing = replace(listing, notes=(*listing.notes, *to_look_at(listing.labels), *for_a_word))
    for note in (*_columns(listing), *listing.notes):
        sink(Event("note", "read", text=note))
    refuse.nothing(root, listing, kind)
    if to_learn and listing.columns.label is not None:
        refuse.numbers(root, listing)
    store = Remembered(kind.name, kind.version)
    try:
        findings = examine_all(listing.rows, len(listing.sources), kind, store, sink, within)
        kept, faults = _readable(listing, findings, cut)
        examined = [seen for index in kept if (seen := findings[index].examined)]
        left_out = (*listing.faults, *faults)
        if left_out and not to_look:  # who looks is shown them all
            more = f"; so {'is' if len(left_out) == 2 else 'are'} {len(left_out) - 1:,} more, headstart inspect names them all" if len(left_out) > 1 else ""
            sink(Event("note", "read", text=f"left out: {left_out[0].source}: {left_out[0].reason}{more}"))
        content = tuple(findings[index].content for index in kept)
        if to_learn:
            refuse.unfit(root, listing, kept, faults, minimum_per_class, kind.unit)
        elif not kept:
            refuse.unreadable(root, faults, kind.unit)
        thumbnails = np.frombuffer(b"".join(seen.thumbnail for seen in examined), np.uint8).reshape(len(examined), -1)
        heard = np.array([place for place, index in enumerate(kept) if not findings[index].reason], np.int64)
        near = heard[near_duplicates(chosen(content, heard), thumbnails[heard], kind, store)]  # one silence is like another, whatever it is a part of
    finally:
        store.close()
    return _assembled(given, kind.name, listing, kept, left_out, content, examined, near)


def _columns(listing: Listing) -> Iterator[str]:
    """Which columns of a table were taken, said so that nobody learns from a wrong one unawares."""
    if taken := listing.columns.by_use:
        yield f"columns: {', '.join(f'{what} from {name}' for what, name in taken.items())}"


def _readable(listing: Listing, findings: list[Finding], empty: Callable[[str], bool] | None) -> tuple[list[int], list[Fault]]:
    """What can be used, and why the rest cannot; of some classes also what holds nothing.

    The same bytes under two labels are left out altogether: no one can say which label is right, one of them would be trained on or tested against
    wrongly, and refusing fifty thousand items for one such pair would help nobody. Where it is not one pair, `refuse.unfit` stops.
    """
    faults, conflicts = list[Fault](), list[Fault]()
    labels: dict[str, dict[str, str]] = {}
    for source, label, finding in zip(listing.sources, listing.labels, findings, strict=True):
        if not finding.reason:
            labels.setdefault(finding.content, {}).setdefault(label, source)
    kept = []
    for index, finding in enumerate(findings):
        if finding.reason and (finding.examined is None or empty is None or not empty(listing.labels[index])):
            faults.append(Fault(listing.sources[index], finding.reason))
            continue
        others = {label: source for label, source in labels.get(finding.content, {}).items() if label != listing.labels[index]}
        if others:
            said = ", ".join(f"{label} ({source})" for label, source in others.items())
            conflicts.append(Fault(listing.sources[index], f"{refuse.CONFLICT}: {listing.labels[index]} here, {said}"))
        else:
            kept.append(index)
    return kept, [*faults, *conflicts]


def _assembled(
    root: Path,
    modality: str,
    listing: Listing,
    kept: list[int],
    faults: tuple[Fault, ...],
    content: tuple[str, ...],
    examined: list[Examined],
    near: NDArray[np.int64],
) -> Dataset:
    names = chosen(listing.labels, kept)
    present = set(names)
    classes = tuple(name for name in dict.fromkeys(listing.classes) if name in present) or in_order(present)
    place = {name: index for index, name in enumerate(classes)}
    groups = chosen(listing.groups, kept) if listing.groups is not None else None
    parts = chosen(listing.parts, kept) if listing.parts is not None else None
    empty = ("",) * len(kept)
    return Dataset(
        root=root,
        modality=modality,
        classes=classes,
        sources=chosen(listing.sources, kept),
        labels=np.array([place[name] for name in names], np.int64),
        groups=groups,
        group_name=listing.group_name,
        given_split=parts,
        content=content,
        faults=faults,
        near=near,
        sizes=np.array([seen.size for seen in examined], np.int64).reshape(-1, 2),
        modes=tuple(seen.mode for seen in examined),
        digest=digest(modality, *classes, *sorted("\t".join(row) for row in zip(content, names, groups or empty, parts or empty, strict=True))),
        rows=listing.rows.take(kept),
        notes=listing.notes,
        columns=listing.columns.by_use,
    )
