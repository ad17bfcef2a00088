"""The half of pip that a source archive needs: find its link, download it, check the published hash. Its set-up never runs.

In: name, version, folder and a limit in bytes, on the command line of a subprocess. Out: the archive in the folder.
pip's own finder and session do the work, so its index, find-links, proxy, certificates and credentials all count. Used with pip 23.2 and 26.3.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 18
OPTIONS = ["--no-deps", "--no-binary=:all:", "--ignore-requires-python", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]


def fetch(name: str, version: str, folder: Path, limit: int) -> None:
    """Download the source archive of one version into a folder; leave with a message when there is none."""
    from pip._internal.commands import create_command
    from pip._vendor.packaging.specifiers import SpecifierSet

    command: Any = create_command("download")
    options, _ = command.parse_args(OPTIONS)
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session, ignore_requires_python=True)
        best = finder.find_best_candidate(name, SpecifierSet(f"=={version}")).best_candidate
        if best is None:
            sys.exit(f"No archive of {name} {version} on the package index")
        _save(session, best.link, folder / Path(best.link.filename).name, limit)


def _save(session: Any, link: Any, to: Path, limit: int) -> None:
    with session.get(link.url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True) as response, to.open("wb") as target:
        response.raise_for_status()
        state, done = hashlib.new(link.hash_name or "sha256"), 0
        for chunk in response.iter_content(CHUNK_BYTES):
            done += len(chunk)
            if done > limit:
                sys.exit(f"{link.filename} is larger than {limit} bytes")
            state.update(chunk)
            target.write(chunk)
    if link.hash and state.hexdigest() != link.hash:
        sys.exit(f"{link.filename} is not the file that the index published")


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
