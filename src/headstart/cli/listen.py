"""The verb of a wake word's ear: a finished run and a sound file, or the microphone, in; detections with their times, and how fast it was, out."""

from __future__ import annotations

import importlib
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from headstart.base.amounts import percent
from headstart.base.errors import InputError
from headstart.base.files import special
from headstart.cli import words
from headstart.cli.show import talk
from headstart.cli.words import give

if TYPE_CHECKING:
    from headstart.study.listening import Detection

MICROPHONE = "-"
FULL_SCALE = 32_768.0
MESSAGE_BYTES = 4_096


def listen(
    run_folder: words.RunFolder,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A sound file, or - for the microphone.")] = MICROPHONE,
    as_json: words.Json = False,
) -> None:
    """Say when a wake word is heard, as it is heard, and how much faster than real time that was."""
    from headstart.training.run import check_run

    check_run(run_folder)
    if file != MICROPHONE:
        refuse_no_file(Path(file), run_folder)
    from headstart.study.listening import SAMPLES_A_SECOND as RATE
    from headstart.study.listening import open_listener
    from headstart.task.linear import one_thread

    listener, console = open_listener(run_folder), talk()
    found: list[Detection] = []
    heard, busy, began = 0, 0.0, time.perf_counter()
    with one_thread():
        try:
            for chunk in microphone(RATE) if file == MICROPHONE else recorded(Path(file)):
                came = time.perf_counter()
                detections = listener.hear(chunk)
                heard, busy = heard + len(chunk), busy + time.perf_counter() - came
                for detection in detections:
                    found.append(detection)
                    console.print(f"{detection.seconds:9.2f} s  {percent(detection.probability, 0)}")
        except KeyboardInterrupt:
            if file != MICROPHONE:
                raise
    seconds = busy if file == MICROPHONE else time.perf_counter() - began  # a microphone is waited for: only what was computed counts
    factor = seconds / (heard / RATE) if heard else None
    told = {"run": run_folder, "file": file, "detections": found, "seconds": heard / RATE, "took_seconds": seconds, "real_time_factor": factor}
    give(told, lambda: ending(found, heard / RATE, factor), as_json=as_json)


def ending(found: Iterable[Detection], seconds: float, factor: float | None) -> list[RenderableType]:
    """What was heard in all."""
    times = ", ".join(f"{one.seconds:.2f} s ({percent(one.probability, 0)})" for one in found) or "nothing"
    speed = "" if factor is None else f"; real-time factor {factor:.3f} ({pace(1 / max(factor, 1e-9))})"
    return [Text(f"heard in {seconds:.1f} s of sound: {times}{speed}")]


def pace(times: float) -> str:
    """How fast it heard, beside the sound itself.

    Example:
        >>> pace(20.3), pace(1.32), pace(0.5)
        ('20 times as fast as the sound', '1.3 times as fast as the sound', 'slower than the sound')
    """
    return "slower than the sound" if times < 1 else f"{times:.{0 if times >= 10 else 1}f} times as fast as the sound"


def recorded(file: Path) -> Iterator[Any]:
    """A sound file, 80 ms at a time.

    Raises:
        InputError: when it is none.
    """
    from headstart.modality import Unreadable
    from headstart.study.listening import chunks

    refuse_no_file(file)
    try:
        yield from chunks(file)
    except (OSError, Unreadable) as error:
        raise InputError("this sound file cannot be listened to", got=f"{file}: {error}", fix="save it as WAV or FLAC") from None


def refuse_no_file(file: Path, run: Path = Path("RUN")) -> None:
    """Refuse what is no file, before anything is opened.

    Raises:
        InputError: saying what stands there instead.
    """
    from headstart.data.layout import nearest, quoted

    if file.is_dir():
        raise InputError("this is a folder, and one sound file is listened to", got=file, fix=f"headstart predict {quoted(run)} {quoted(file)}")
    if kind := special(file):
        raise InputError(f"this is {kind}, not a sound file", got=file, fix="save it as a file first, or name - for the microphone")
    if not file.is_file():
        above, near = nearest(file)
        fix = f"headstart listen {quoted(run)} {quoted(near)}" if near else f"ls {quoted(above)}"
        raise InputError("there is no such sound file", got=file, fix=fix)


def microphone(rate: int) -> Iterator[Any]:
    """The default microphone, 80 ms at a time, until Ctrl-C: through the package sounddevice where it is installed, else through ALSA's ``arecord``.

    Raises:
        InputError: when there is none, or nothing that could ask it.
    """
    try:
        devices = importlib.import_module("sounddevice")
    except (ImportError, OSError):
        yield from through_arecord(rate)
        return
    size = rate * 8 // 100
    try:
        stream = devices.InputStream(samplerate=rate, channels=1, dtype="float32", blocksize=size)
    except Exception as error:  # its own errors are known only where it is installed
        raise no_microphone(str(error)) from None
    with stream:
        while True:
            yield stream.read(size)[0][:, 0]


def through_arecord(rate: int) -> Iterator[Any]:
    """What ``arecord`` writes: whole numbers of 16 bits, one channel, without a header.

    Raises:
        InputError: when it is not installed, or ends by itself: there is no microphone, or it was taken away.
    """
    import numpy as np

    program, size = shutil.which("arecord"), rate * 8 // 100
    if program is None:
        what = "the microphone needs the package sounddevice or the program arecord"
        raise InputError(what, got="neither", fix="pip install sounddevice, or apt-get install alsa-utils, or name a sound file")
    command = [program, "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate)]
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as recorder:
        try:
            while recorder.stdout is not None and len(content := recorder.stdout.read(2 * size)) == 2 * size:
                yield np.frombuffer(content, "<i2").astype(np.float32) / FULL_SCALE
            recorder.wait()
            said.seek(0)
            lines = said.read(MESSAGE_BYTES).decode("utf-8", "replace").strip().splitlines()
            raise no_microphone(lines[-1] if lines else f"arecord ended with {recorder.returncode}")
        finally:
            recorder.terminate()


def no_microphone(said: str) -> InputError:
    """The refusal where nothing can be heard."""
    return InputError("there is no microphone to listen to, or it stopped", got=said, fix="headstart listen RUN FILE")


def keyword_parts(result: Any) -> list[RenderableType]:
    """How a finished wake word looks."""
    run = shlex.quote(str(result.folder))
    page = Text(f"\nreport: {result.folder / 'report.html'}\nuse it: headstart listen {run} FILE, or headstart predict {run} FILE...")
    return [Text(result.sentence, style="bold"), page]
