"""Data sets without pictures, for laws that are about labels, groups and likeness only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from headstart.base.hashing import digest
from headstart.data import Dataset
from headstart.data.rows import FileRows


def made(
    labels: Sequence[int],
    groups: Sequence[str] | None = None,
    near: Iterable[tuple[int, int]] = (),
    given: Sequence[str] | None = None,
    content: Sequence[str] | None = None,
) -> Dataset:
    """A data set of so many items; contents are all different unless given."""
    n, n_classes = len(labels), max(labels) + 1
    content = content or [digest("item", str(index)) for index in range(n)]
    return Dataset(
        root=Path("made"),
        modality="image",
        classes=tuple(f"class {label}" for label in range(n_classes)),
        sources=tuple(f"{index}.png" for index in range(n)),
        labels=np.array(labels, np.int64),
        groups=tuple(groups) if groups is not None else None,
        group_name="patient" if groups is not None else None,
        given_split=tuple(given) if given is not None else None,
        content=tuple(content),
        faults=(),
        near=np.array(sorted({(min(pair), max(pair)) for pair in near}), np.int64).reshape(-1, 2),
        sizes=np.full((n, 2), 32, np.int64),
        modes=("RGB",) * n,
        digest=digest(*content),
        rows=FileRows(tuple(f"{index}.png" for index in range(n))),
    )


def shuffled(dataset: Dataset, order: Sequence[int]) -> Dataset:
    """The same items under other names in another order."""
    place = np.argsort(order)
    return made(
        dataset.labels[list(order)].tolist(),
        [dataset.groups[index] for index in order] if dataset.groups is not None else None,
        [(int(place[left]), int(place[right])) for left, right in dataset.near.tolist()],
        [dataset.given_split[index] for index in order] if dataset.given_split is not None else None,
        [dataset.content[index] for index in order],
    )
