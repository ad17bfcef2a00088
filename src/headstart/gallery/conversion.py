"""Any weight file into safetensors: starts the bounded subprocess ``convert``, waits for it and explains its end.

In: a fetched file whose checksum was verified, and its card. Out: ``weights.safetensors``, the tokenizer beside it where the file carries it; or an InputError.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from headstart.base.errors import InputError
from headstart.gallery.card import MADE_FROM_WEIGHTS, ModelCard

CPU_SECONDS = 120
CPU_SECONDS_PER_GB = 120
WALL_SECONDS_PER_CPU_SECOND = 5  # a busy machine
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "HOME", "LANG")  # of the environment; no token, no proxy
OTHERWISE = "fetch or save the file anew, then subscribe again; or choose another model: headstart gallery list"


def convert(card: ModelCard, path: Path, to: Path) -> None:
    """Convert one file.

    Args:
        card: Says how the file is written.
        path: The fetched file; its checksum has been verified.
        to: The safetensors file to write.

    Raises:
        InputError: when the file is not what the card says, or passes the bounds.
    """
    size = path.stat().st_size
    seconds = CPU_SECONDS + CPU_SECONDS_PER_GB * size // (1 << 30)
    made = [one.name for one in card.files if one.source == MADE_FROM_WEIGHTS]
    if made and (card.format != "gguf" or len(made) > 1):
        raise InputError(f"{card.name}: only a tokenizer can be made from the weights, and only from a GGUF file", got=", ".join(made))
    task = {
        "format": card.format, "layout": card.layout, "path": str(path.absolute()), "to": str(to.absolute()), "bytes": size, "seconds": seconds,
        "tokenizer": "".join(made),
    }  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name in KEPT} | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "headstart.gallery.convert", json.dumps(task)],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds * WALL_SECONDS_PER_CPU_SECOND, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InputError(f"{card.name}: its weight file took too long to read", got=f"{card.format}, {size:,} bytes", fix=OTHERWISE) from None
    if done.returncode != 0 and is_disk_full(_why(done)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(to))
    if done.returncode != 0 or not to.is_file():
        raise InputError(f"{card.name}: its weight file cannot be read as {card.format}", got=_why(done), fix=OTHERWISE)


def is_disk_full(said: str) -> bool:
    """Whether the subprocess's last words say so, as Python does or as the Rust of safetensors.

    Example:
        >>> is_disk_full("OSError: [Errno 28] No space left on device"), is_disk_full("SafetensorError: No space left on device (os error 28)")
        (True, True)
    """
    return any(form in said for form in (f"[Errno {errno.ENOSPC}]", f"(os error {errno.ENOSPC})"))


def _why(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "it used up the time or memory that a file of this size may use"
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
