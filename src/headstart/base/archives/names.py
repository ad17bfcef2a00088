"""Names of members: text that somebody else wrote in, a relative path that means the same on every system out, or a refusal."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from headstart.base.errors import IntegrityError

PART_BYTES = 255  # the longest name that ext4, APFS and NTFS hold
PATH_BYTES = 2_000  # half of what Linux allows, so that a folder fits before it
DEPTH = 64  # folders within folders; a bound against trees made to exhaust recursion
# Names that Windows gives to devices, whatever stands after the first dot. Source: Microsoft, "Naming files, paths, and namespaces".
DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")})
DRIVE = re.compile(r"[A-Za-z]:")
# Marks that turn the direction of writing, so that a name reads as another: "gnp.exe" for "exe.png". Source: Unicode TR 36, 2.
TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def inside(name: str) -> PurePosixPath:
    """The path of a member below the folder that it is unpacked to.

    Raises:
        IntegrityError: when it could be written elsewhere, or means something else on another system.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or DRIVE.match(name):
        raise _refused("leaves its folder", name)
    if not path.parts:
        raise _refused("is empty", name)
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in TURNING for letter in name):
        raise _refused("holds control characters or is in no known encoding", name)
    if len(name.encode()) > PATH_BYTES or len(path.parts) > DEPTH or any(len(part.encode()) > PART_BYTES for part in path.parts):
        raise _refused("is too long or too deep", name)
    for part in path.parts:
        if part.split(".")[0].rstrip(" ").lower() in DEVICES or part.endswith((" ", ".")):
            raise _refused("is reserved on Windows", name)
    return path


def _refused(why: str, name: str) -> IntegrityError:
    shown = repr(name if len(name) <= 100 else f"{name[:100]}…").encode("ascii", "backslashreplace").decode()
    return IntegrityError(f"the archive holds a path that {why}: {shown}; it was not unpacked")


def alike(name: str) -> str:
    """One spelling for all names that some file system takes for the same: case and composed letters differ on none of them."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


class Tree:
    """The paths of an archive so far; two that would be one file on some system are refused."""

    def __init__(self) -> None:
        """Nothing has been admitted."""
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def admit(self, name: str, *, is_folder: bool = False) -> PurePosixPath:
        """Check a member's name, by itself and against those before it.

        Raises:
            IntegrityError: when it cannot be written beside them.
        """
        path = inside(name)
        above = [str(PurePosixPath(*path.parts[:depth])) for depth in range(1, len(path.parts) + is_folder)]
        for folder in above:
            key = alike(folder)
            if key in self._files:
                raise IntegrityError(f"the archive holds a file and a folder of one name: {folder!r}; it was not unpacked")
            if self._folders.setdefault(key, folder) != folder:
                raise IntegrityError(f"the archive holds two folders that differ in case or accents only: {folder!r}; it was not unpacked")
        if not is_folder:
            key = alike(str(path))
            if key in self._folders:
                raise IntegrityError(f"the archive holds a file and a folder of one name: {str(path)!r}; it was not unpacked")
            if key in self._files:
                raise IntegrityError(f"the archive holds two members of one name (or differing in case or accents only): {str(path)!r}; it was not unpacked")
            self._files.add(key)
        return path
