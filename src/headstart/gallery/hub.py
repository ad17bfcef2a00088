"""Files and facts of a Hugging Face hub (``HF_ENDPOINT``, else the public one), asked only while a model is being subscribed to.

In: a repository and a revision. Out: its description (revision pinned, licence, files with checksums) and single files; broken downloads resume.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.base.errors import InputError
from headstart.base.events import Sink, stage

ENDPOINT_VARIABLE = "HF_ENDPOINT"
REACH_SECONDS = 20.0
TRANSPORTS = ("httpx", "httpx2", "httpcore", "httpcore2")  # the HTTP client of huggingface_hub; it changed between versions


@dataclass(frozen=True)
class HubFile:
    """One file of a repository; the checksum is empty for small files that the hub keeps without one."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Repository:
    """What a hub says about a repository at one revision."""

    name: str
    revision: str
    licence: str | None
    files: tuple[HubFile, ...]

    def file(self, name: str) -> HubFile | None:
        """The file of that name, or None."""
        return next((file for file in self.files if file.name == name), None)


def look(name: str, revision: str = "") -> Repository:
    """Ask the hub what a repository holds.

    Raises:
        InputError: when there is no such repository or revision, or the hub cannot be reached.
    """
    with _explained(name):
        _reach()
        info = _api().model_info(name, revision=revision or None, files_metadata=True)
    licence = info.card_data.get("license") if info.card_data else None
    files = tuple(HubFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "") for file in info.siblings or [])
    return Repository(name, info.sha or revision, licence if isinstance(licence, str) else None, files)


def named_like(owner: str, name: str) -> tuple[str, ...]:
    """Repositories of an owner whose name is the given one or the given one with a tag after a dot."""
    with _explained(f"{owner}/{name}"):
        _reach()
        found = [info.id for info in _api().list_models(author=owner, search=name)]
    return tuple(sorted(one for one in found if one == f"{owner}/{name}" or one.startswith(f"{owner}/{name}.")))


def download(name: str, revision: str, file: str, folder: Path, *, total: int = 0, sink: Sink) -> Path:
    """Download one file of a repository into a folder; a line that breaks is taken up again where it broke.

    Raises:
        InputError: when it is not there or the hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download

    with stage(sink, "fetch", total=total or None, unit="bytes") as advance, _quiet(), _explained(name):
        path = Path(hf_hub_download(name, file, revision=revision or None, local_dir=folder, endpoint=_endpoint()))
        advance(path.stat().st_size)
    return path


def _endpoint() -> str | None:
    return os.environ.get(ENDPOINT_VARIABLE) or None


def _api() -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint(), library_name="headstart")


def _reach() -> None:
    """Fail at once where there is no hub: the client itself would try for half a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    get_session().head(_endpoint() or constants.ENDPOINT, timeout=REACH_SECONDS)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

    shown, level = not are_progress_bars_disabled(), logging.get_verbosity()
    disable_progress_bars()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            enable_progress_bars()


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn the hub's errors into ones that say what to do."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise InputError(f"{name} is given only to people who accepted its terms on the hub", fix="hf auth login") from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise InputError(f"the hub has no {name}, or not that revision or file", got=str(error).splitlines()[0]) from error
    except errors.HFValidationError as error:
        raise InputError("a repository of the hub is named owner/name", got=name) from error
    except Exception as error:
        if not isinstance(error, (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, OSError)) and type(error).__module__.partition(".")[0] not in TRANSPORTS:
            raise
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"the hub cannot be reached for {name}", got=said, fix="check the network, HF_ENDPOINT and HF_HUB_OFFLINE") from error
