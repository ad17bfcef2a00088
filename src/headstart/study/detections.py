"""A finished wake word's run and sound files in, when the word was said in each of them out: what a listener would have said, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.events import Sink, silence, stage
from headstart.data.layout import quoted
from headstart.modality import Unreadable, get
from headstart.study.inputs import items_in
from headstart.study.listening import SAMPLES_A_SECOND, Detection, Listener, chunks, open_listener
from headstart.task.linear import one_thread

AT_ONCE_SECONDS = 60  # of a file, however it is cut a listener says the same


@dataclass(frozen=True)
class Heard:
    """What a wake word's run says of one file.

    Attributes:
        source: The file, as it was asked for.
        detections: When the word was recognised, and how surely; of a file that ends in damage, before it.
        seconds: How much of the file was heard, with the half second of silence behind it.
        fault: Why it could not be read, or not to its end; None where it could.
    """

    source: str
    detections: tuple[Detection, ...]
    seconds: float
    fault: str | None = None


def detect(run: Path, inputs: Sequence[str | Path], *, sink: Sink = silence) -> list[Heard]:
    """Listen to files, or to every sound file in folders.

    Args:
        run: A finished run folder of a wake word.
        inputs: Files and folders; a folder's files are taken in order of their names.
        sink: Receives progress.

    Returns:
        One record a file, in order; unreadable ones are named in theirs.

    Raises:
        InputError: when an input does not exist or a folder holds no sound file.
    """
    items, found = items_in(inputs, get("audio"), run), list[Heard]()
    listener = open_listener(run)
    with stage(sink, "listen", len(items), "files") as advance, one_thread():
        for one in items:
            found.append(Heard(one.source, (), 0.0, one.fault) if one.fault else _heard(listener.afresh(), one.source))
            advance(len(found))
    return found


def refuse_options(run: Path, coverage: float | None, text: str | None, *, lines: bool) -> None:
    """Refuse what makes no sense of a wake word.

    Raises:
        InputError: when one of these options is given.
    """
    given = [name for name, value in (("--coverage", coverage), ("--text", text), ("--lines", lines or None)) if value is not None]
    if given:
        raise InputError("a wake word is heard or not: these options are for other runs", got=", ".join(given), fix=f"headstart predict {quoted(run)} FILE")


def _heard(listener: Listener, source: str) -> Heard:
    seconds = 0.0
    detections: list[Detection] = []
    fault = None
    try:
        for samples in chunks(Path(source), AT_ONCE_SECONDS * SAMPLES_A_SECOND):
            seconds += len(samples) / SAMPLES_A_SECOND
            detections += listener.hear(samples)
    except (OSError, Unreadable) as error:
        fault = str(error)
    return Heard(source, tuple(detections), seconds, fault)
