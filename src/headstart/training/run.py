"""The run folder, the only interface between training and what comes after: files written whole, the manifest last."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors.numpy import save

from headstart.base.errors import ChangedRunError, InputError, ShortageError, shortage
from headstart.base.events import Event
from headstart.base.files import read_json, write, write_json
from headstart.base.hashing import sha256_file
from headstart.base.journal import JOURNAL
from headstart.base.records import to_plain
from headstart.training.keeping import WORK

if TYPE_CHECKING:
    from torch import Tensor  # not in earnest: a wrong path is answered without torch

MANIFEST = "manifest.json"
EVENTS = "events.jsonl"
ASKED = "asked.json"  # what was asked for: with it, a run folder can go on
LOCK = ".lock"
PAGE = "report.html"
MODEL_FILES = "files"  # what the model needs beside its weights
BEGINNINGS = {EVENTS, ASKED, JOURNAL, LOCK}  # what lies there before anything dear has been computed
RECORDS = ("about", "engine", "evidence", "history", "keyword", "mistakes", "model", "race", "ranking", "split", "verdict")
WEIGHTS = ("model", "plain", "scratch")
ENDINGS = {  # everything else that a run writes; what people put beside it is theirs
    *(f"{name}.json" for name in RECORDS),
    *(f"{name}.safetensors" for name in WEIGHTS),
    *("plan.toml", PAGE, MODEL_FILES, "label_errors", "mistakes", "predictions"),
}


class RunWriter:
    """Fills a run folder, the only one at a time; ``finish`` makes it a run.

    Attributes:
        folder: The run folder.
        again: Does it go on with what an interrupted one left?
    """

    def __init__(self, folder: Path, *, again: bool = False) -> None:
        """Create the folder, or with ``again`` take up one that was begun: what it wrote of its end is removed, what it computed stays.

        Raises:
            InputError: when it cannot be created or written, holds a finished run, or another process is at work on it.
        """
        self.folder, self.again = folder, again
        if (folder / MANIFEST).exists():
            raise InputError("this folder holds a finished run; nothing is written over", got=folder, fix=f"--out {shlex.quote(f'{folder}-2')}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / LOCK, timeout=0)
            self._lock.acquire()
            if again:
                _clear(folder)
            elif (folder / ASKED).exists():
                self._lock.release()
                raise unfinished(folder)
            self._events = (folder / EVENTS).open("a" if again else "w", encoding="utf-8")
            if again and not (folder / EVENTS).read_bytes().endswith(b"\n"):
                self._events.write("\n")  # the line in whose middle it was killed
        except Timeout:
            raise at_work(folder) from None
        except OSError as error:
            raise InputError("the run folder cannot be written", got=folder, details=[str(error)], fix="--out ANOTHER_FOLDER") from None

    def __enter__(self) -> RunWriter:
        """Enter."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close; a run that was refused before anything was computed leaves no folder behind, any other says how it goes on."""
        try:
            self.close()
        except OSError:
            if error is None:
                raise
        if error is None:
            return
        refused = isinstance(error, InputError) and not isinstance(error, ShortageError) and not self.again
        if refused and {path.name for path in self.folder.iterdir()} <= BEGINNINGS:
            for name in BEGINNINGS:
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()
            return
        go_on = f"headstart resume {shlex.quote(str(self.folder))}" if (self.folder / ASKED).is_file() else ""
        if isinstance(error, Exception) and (known := shortage(error, go_on or "make room or give permission, then the same command again")) is not None:
            raise known from error
        if go_on:
            error.add_note(go_on)

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
        arrays = {key: np.ascontiguousarray(value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()) for key, value in tensors.items()}
        write(self.folder / name, save(arrays))

    def copy(self, name: str, file: Path) -> None:
        """Keep a file as it is."""
        write(self.folder / name, file.read_bytes())

    def close(self) -> None:
        """Close the events and let go of the folder."""
        try:
            self._close_events()
        finally:
            self._lock.release()

    def finish(self) -> None:
        """Write the manifest: the checksum of every file that a run writes, last; then what was kept for a resume may go."""
        self._close_events()
        ours = (BEGINNINGS | ENDINGS) - {LOCK}
        paths = [path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.relative_to(self.folder).parts[0] in ours]
        write_json(self.folder / MANIFEST, {"files": {path.relative_to(self.folder).as_posix(): sha256_file(path) for path in paths}})
        self.close()
        tidy(self.folder)

    def _close_events(self) -> None:
        try:
            if not self._events.closed:
                self._events.flush()
                os.fsync(self._events.fileno())
        finally:
            self._events.close()


def tidy(folder: Path) -> None:
    """Remove from a finished run what only a resume would have needed."""
    shutil.rmtree(folder / WORK, ignore_errors=True)
    (folder / LOCK).unlink(missing_ok=True)


def is_at_work(folder: Path) -> bool:
    """Does another process fill this run folder now?"""
    if not (folder / LOCK).is_file():
        return False
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False  # a folder that must not be written: nobody fills it either


def at_work(folder: Path) -> InputError:
    """The refusal to be the second on a run folder."""
    return InputError("another process is at work on this run folder", got=folder, fix="wait until it has ended, or name another")


def unfinished(folder: Path, what: str = "this folder holds a run that was begun and can go on") -> InputError:
    """The refusal to begin anew, or to use a run, where it goes on or can."""
    return at_work(folder) if is_at_work(folder) else InputError(what, got=folder, fix=f"headstart resume {shlex.quote(str(folder))}")


def _clear(folder: Path) -> None:
    """Remove what an interrupted try wrote of its end, and half-written files; what was asked, decided and computed stays."""
    for path in folder.iterdir():
        if path.name in ENDINGS:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for partial in (folder / WORK).glob(".*.partial"):
        partial.unlink()


def check_told(folder: Path) -> None:
    """Check everything of a finished run that its page tells of, which is all but the weights and the page itself.

    Raises:
        ChangedRunError: when a file is missing or differs, or the manifest cannot be read.
    """
    if (folder / MANIFEST).is_file():
        check_run(folder, *(name for name in recorded(folder) if name != PAGE and not name.startswith(f"{MODEL_FILES}/") and not name.endswith(".safetensors")))


def recorded(folder: Path) -> dict[str, str]:
    """The checksums that a run wrote last, by file.

    Raises:
        ChangedRunError: when they cannot be read.
    """
    try:
        return dict(read_json(folder / MANIFEST)["files"])
    except (ValueError, KeyError, TypeError):
        raise changed(folder, f"{folder / MANIFEST} is damaged; nothing of the run is used") from None


def changed(folder: Path, what: str) -> ChangedRunError:
    """The refusal to use a run whose files are not those that it wrote."""
    return ChangedRunError(what, fix=f"take the folder from where it was copied, or fit again: what it was asked is in {folder / ASKED}")


def check_begun(folder: Path) -> None:
    """Check that a run can go on.

    Raises:
        InputError: when the folder holds no run that was begun, or a finished one.
    """
    if (folder / MANIFEST).is_file():
        tidy(folder)  # a kill between the manifest and the end leaves what only a resume would have needed
        raise InputError("this run is finished: there is nothing to resume", got=folder, fix=f"headstart report {shlex.quote(str(folder))}")
    if not (folder / ASKED).is_file():
        what = "the folder holds no run that was begun (no asked.json)" if folder.is_dir() else "the run folder does not exist"
        raise InputError(what, got=folder, fix="headstart runs list" if not folder.is_dir() else "headstart fit DATA")


def check_run(folder: Path, *names: str) -> None:
    """Check that a run is finished and that the named files are those that were written.

    Raises:
        InputError: when the folder is no finished run.
        ChangedRunError: when a file is missing or differs, or the manifest cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        if (folder / ASKED).is_file():
            raise unfinished(folder, "this run is not finished")
        what = "is not a finished run (no manifest)" if folder.is_dir() else "does not exist"
        raise InputError(f"the run folder {what}", got=folder, fix="headstart runs list")
    wrote = recorded(folder)
    wrong = [name for name in names if name not in wrote or not (folder / name).is_file() or sha256_file(folder / name) != wrote[name]]
    if wrong:
        raise changed(folder, f"{folder}: {', '.join(wrong)} {'differ' if len(wrong) > 1 else 'differs'} from what the run wrote; nothing of it is used")
