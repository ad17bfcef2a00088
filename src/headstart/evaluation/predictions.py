"""Predictions: what one model said about items whose label is known; Parquet in, Parquet out."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.base import files
from headstart.base.errors import InputError

if TYPE_CHECKING:
    import pyarrow

CLASSES_KEY = b"headstart.classes"
COLUMNS = ("item", "truth", "unit", "probabilities")
SUM_TOLERANCE = 1e-3  # rows of a softmax computed in bfloat16 still sum to 1 within this


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities of one model for n items, beside the truth.

    Attributes:
        items: Names of the n items (paths relative to the data set), in a fixed order so that two models can be paired.
        truth: (n,) index of the right class.
        probabilities: (n, k) probability of each class, rows sum to 1.
        classes: Names of the k classes.
        units: (n,) id of the cluster an item belongs to (patient, site, family of near-duplicates): intervals resample units, not items.

    Raises:
        InputError: when lengths, ranges or sums do not fit; every fault is named.
    """

    items: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    units: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Bring the arrays to their types and refuse what does not fit together."""
        object.__setattr__(self, "items", tuple(self.items))
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "truth", np.asarray(self.truth, np.int64))
        object.__setattr__(self, "units", np.asarray(self.units, np.int64))
        object.__setattr__(self, "probabilities", np.asarray(self.probabilities, np.float32))
        faults = list(_faults(self))
        if faults:
            raise InputError("these predictions do not fit together", details=faults)

    def __eq__(self, other: object) -> bool:
        """Equal when every name and every number is equal."""
        if not isinstance(other, Predictions):
            return NotImplemented
        same_names = (self.items, self.classes) == (other.items, other.classes)
        return same_names and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in ("truth", "units", "probabilities"))

    __hash__ = None  # type: ignore[assignment]  # arrays cannot be hashed

    def __len__(self) -> int:
        """Number of items."""
        return len(self.items)

    def among(self, items: Sequence[str]) -> Predictions:
        """Those about some items, in their order.

        Raises:
            InputError: when nothing is said of one of them.
        """
        if tuple(items) == self.items:
            return self
        place = {item: number for number, item in enumerate(self.items)}
        if missing := [item for item in items if item not in place]:
            raise InputError("two models can only be compared on the same items", details=[f"one says nothing of {item}" for item in missing[:3]])
        kept = [place[item] for item in items]
        return Predictions(tuple(items), self.truth[kept], self.probabilities[kept], self.classes, self.units[kept])

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) index of the most probable class; of equals the first."""
        return np.asarray(np.argmax(self.probabilities, axis=1), np.int64)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the most probable class is the right one."""
        return np.equal(self.predicted, self.truth)

    def to_parquet(self, path: Path) -> Path:
        """Write one row per item (``item``, ``truth``, ``unit``, ``probabilities``); class names are in the file's metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        flat = pa.array(self.probabilities.reshape(-1), pa.float32())
        columns = [
            pa.array(self.items, pa.string()),
            pa.array(self.truth, pa.int64()),
            pa.array(self.units, pa.int64()),
            pa.FixedSizeListArray.from_arrays(flat, len(self.classes)),
        ]
        named = pa.table(columns, names=list(COLUMNS)).replace_schema_metadata({CLASSES_KEY: json.dumps(self.classes, ensure_ascii=False).encode()})
        stream = io.BytesIO()
        pq.write_table(named, stream)
        return files.write(path, stream.getvalue())

    @classmethod
    def from_parquet(cls, path: Path) -> Predictions:
        """Read what ``to_parquet`` wrote.

        Raises:
            InputError: when the file is not Parquet or lacks a column or the class names.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            read = pq.ParquetFile(io.BytesIO(path.read_bytes())).read()
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"{path} cannot be read as Parquet", got=str(error).splitlines()[0]) from None
        return _from_table(read, path)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of disjoint items, one after another."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Predictions(
        tuple(item for part in parts for item in part.items),
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        first.classes,
        np.concatenate([part.units for part in parts]),
    )


def _from_table(read: pyarrow.Table, path: Path) -> Predictions:
    missing = [name for name in COLUMNS if name not in read.column_names]
    metadata = read.schema.metadata or {}
    if missing or CLASSES_KEY not in metadata:
        raise InputError(f"{path} does not hold predictions", details=[f"column {name} is missing" for name in missing] or ["the class names are missing"])
    classes = tuple(json.loads(metadata[CLASSES_KEY]))
    probabilities = read["probabilities"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Predictions(
        items=tuple(read["item"].to_pylist()),
        truth=read["truth"].to_numpy(),
        probabilities=probabilities.reshape(-1, len(classes)),
        classes=classes,
        units=read["unit"].to_numpy(),
    )


def _faults(predictions: Predictions) -> list[str]:
    n, k = len(predictions.items), len(predictions.classes)
    shapes = {"truth": (n,), "units": (n,), "probabilities": (n, k)}
    wrong = {name: getattr(predictions, name).shape for name, shape in shapes.items() if getattr(predictions, name).shape != shape}
    faults = [f"{name} has shape {shape}, expected {shapes[name]}" for name, shape in wrong.items()]
    if n == 0:
        faults.append("there is no item")
    if faults:
        return faults
    if predictions.truth.min() < 0 or predictions.truth.max() >= k:
        faults.append(f"truth must lie in 0..{k - 1}")
    sums = predictions.probabilities.sum(axis=1, dtype=np.float64)
    if not np.all(np.isfinite(predictions.probabilities)) or predictions.probabilities.min() < 0:
        faults.append("probabilities must be finite and not negative")
    elif np.abs(sums - 1).max() > SUM_TOLERANCE:
        faults.append(f"probabilities of an item must sum to 1, the worst sums to {sums[np.abs(sums - 1).argmax()]:.4f}")
    return faults
