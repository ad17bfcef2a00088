"""Packages of the npm registry as data: ``npm pack`` in a subprocess, no script of the package runs.

In: a package's name and version. Out: its archive.
"""

from __future__ import annotations

import shutil
import subprocess
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
    command = [program, "pack", f"{name}@{version}", "--ignore-scripts", "--pack-destination", str(folder), "--loglevel=error", "--no-update-notifier"]
    before = set(folder.glob("*.tgz"))
    with stage(sink, "fetch", unit="bytes"):
        packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    archives = set(folder.glob("*.tgz")) - before
    if packed.returncode != 0 or len(archives) != 1:
        raise InputError(f"npm cannot fetch {name} {version}", details=packed.stderr.strip().splitlines()[:3])
    archive = archives.pop()
    if archive.stat().st_size > limit or (sha256 and sha256_file(archive) != sha256):
        archive.unlink()
        raise IntegrityError(f"{name} {version} is too large or not the archive that was expected; it was not used")
    return archive
