"""Errors that say what is wrong, what was got, what is allowed and how to fix it, and carry the exit code."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headstart.base.harmless import harmless
from headstart.base.resident import is_out_of_memory


class HeadstartError(Exception):
    """Something went wrong on our side; the command line leaves with 1."""

    exit_code = 1

    def __str__(self) -> str:
        """The message; what a terminal would obey in names and values of others is shown as escapes."""
        return harmless(super().__str__())


class InputError(HeadstartError):
    r"""The user's input is wrong; nothing expensive has started; the command line leaves with 2.

    Example:
        >>> str(InputError("the folder holds no pictures", fix="headstart inspect flowers/"))
        'the folder holds no pictures\n  fix: headstart inspect flowers/'
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        got: object = None,
        allowed: Iterable[object] | None = None,
        fix: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        """Compose the message.

        Args:
            what: What is wrong, in the user's words.
            got: The offending value, as the user wrote it.
            allowed: Values that would have been accepted; the nearest one to ``got`` is suggested.
            fix: A line that the user can paste.
            details: One line per further fault (file names, rows); all of them are listed at once.
        """
        lines = [what]
        lines += [f"  {detail}" for detail in details]
        if got is not None:
            lines.append(f"  got: {got}")
        if allowed is not None:
            choices = sorted(str(choice) for choice in allowed)
            lines.append(f"  allowed: {', '.join(choices) if choices else '(nothing)'}")
            near = difflib.get_close_matches(str(got), choices, n=1)
            if near:
                lines.append(f"  did you mean: {near[0]}")
        if fix is not None:
            lines.append(f"  fix: {fix}")
        self.what = what
        self.fix = fix
        super().__init__("\n".join(lines))


class LicenceError(InputError):
    """A licence outside the allow-list has not been accepted; no byte of the weights was loaded."""


class ShortageError(InputError):
    """Something ran out; nothing that was kept before is lost."""


class StorageError(ShortageError):
    """The disk is full, or a folder must not be written."""


class MemoryShortageError(ShortageError):
    """There was no memory left."""


class IntegrityError(HeadstartError):
    """Bytes on disk are not the bytes that were recorded; they were not used."""


class ChangedRunError(InputError, IntegrityError):
    """Files of a run folder are not those that the run wrote: whoever changed, moved or deleted them can mend it, so the command line leaves with 2."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one item of the user's data: it is named, left out, and the work goes on.

    Attributes:
        source: Where: a path relative to the data set, or ``rows.parquet#17``.
        reason: What is wrong, in a few words: ``truncated``, ``empty file``, ``not a picture``.
    """

    source: str
    reason: str


_STORAGE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this system allows",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "there is no permission to use",
    errno.EPERM: "there is no permission to use",
}


def shortage(error: BaseException, fix: str) -> ShortageError | None:
    """What a person can mend about memory or the disk, said so; None when the error is of another kind.

    Args:
        error: What the system, or a library, said.
        fix: The line that goes on afterwards.
    """
    if is_out_of_memory(error):
        details = ["what was computed so far is kept; end other programs, or begin anew with a limit (--memory), then go on"]
        return MemoryShortageError("the memory of this machine, or what this process may have of it, is used up", details=details, fix=fix)
    if not isinstance(error, OSError) or (what := _STORAGE.get(error.errno or 0)) is None:
        return None
    where = f": {error.filename}" if error.filename else ""
    return StorageError(f"{what}{where}", details=["what was computed so far is kept; make room or give permission, then go on"], fix=fix)
