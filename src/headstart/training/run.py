"""The run folder, the only interface between training and what comes after: files written whole, the manifest last."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Event
from headstart.base.files import read_json, write, write_json
from headstart.base.hashing import sha256_file
from headstart.base.records import to_plain

MANIFEST = "manifest.json"
EVENTS = "events.jsonl"


class RunWriter:
    """Fills a run folder; ``finish`` makes it a run."""

    def __init__(self, folder: Path) -> None:
        """Create the folder.

        Raises:
            InputError: when it cannot be created or written, or holds a finished run.
        """
        self.folder = folder
        if (folder / MANIFEST).exists():
            raise InputError("this folder holds a finished run; nothing is written over", got=folder, fix=f"--out {folder}-2")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._events = (folder / EVENTS).open("w", encoding="utf-8")
        except OSError as error:
            raise InputError("the run folder cannot be written", got=folder, details=[str(error)], fix="--out ANOTHER_FOLDER") from None

    def __enter__(self) -> RunWriter:
        """Enter."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the events; a run that was refused before anything was computed leaves no folder behind."""
        self.close()
        if isinstance(error, InputError) and [path.name for path in self.folder.iterdir()] == [EVENTS]:
            (self.folder / EVENTS).unlink()
            self.folder.rmdir()

    def record(self, event: Event) -> None:
        """The sink that keeps events, progress left out."""
        if event.kind != "progress":
            self._events.write(json.dumps(to_plain(event), ensure_ascii=False) + "\n")
            self._events.flush()

    def json(self, name: str, value: Any) -> None:
        """Write a JSON file of records or plain values."""
        write_json(self.folder / name, to_plain(value))

    def tensors(self, name: str, tensors: Mapping[str, Tensor | NDArray[np.generic]]) -> None:
        """Write a safetensors file."""
        arrays = {key: np.ascontiguousarray(value.detach().cpu().numpy() if isinstance(value, Tensor) else value) for key, value in tensors.items()}
        write(self.folder / name, save(arrays))

    def close(self) -> None:
        """Close the events."""
        if not self._events.closed:
            self._events.flush()
            os.fsync(self._events.fileno())
            self._events.close()

    def finish(self) -> None:
        """Write the manifest: the checksum of every file, last."""
        self.close()
        files = {path.relative_to(self.folder).as_posix(): sha256_file(path) for path in sorted(self.folder.rglob("*")) if path.is_file()}
        write_json(self.folder / MANIFEST, {"files": files})


def check_run(folder: Path, *names: str) -> None:
    """Check that a run is finished and that the named files are those that were written.

    Raises:
        InputError: when the folder is no finished run.
        IntegrityError: when a file is missing or differs, or the manifest cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        what = "is not a finished run (no manifest)" if folder.is_dir() else "does not exist"
        raise InputError(f"the run folder {what}", got=folder, fix="headstart runs list")
    try:
        recorded = dict(read_json(folder / MANIFEST)["files"])
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(f"{folder / MANIFEST} is damaged; nothing of the run is used") from None
    wrong = [name for name in names if name not in recorded or not (folder / name).is_file() or sha256_file(folder / name) != recorded[name]]
    if wrong:
        raise IntegrityError(f"{folder}: {', '.join(wrong)} differ from what the run wrote; they are not used")
