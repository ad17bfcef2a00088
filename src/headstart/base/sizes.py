"""Sizes as people write them: ``2GB`` in, bytes out, and back again; decimal, as disks and shops count."""

from __future__ import annotations

import re

from headstart.base.errors import InputError

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def bytes_in(words: str, *, option: str, fix: str) -> int:
    """Read a size.

    Args:
        words: A number with a unit.
        option: What it was given for, to be named where it cannot be read.
        fix: A line that would be understood.

    Raises:
        InputError: when it is not a number with a unit.

    Example:
        >>> bytes_in("1.5 GB", option="--to", fix=""), bytes_in("0", option="--to", fix="")
        (1500000000, 0)
    """
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([A-Za-z]*)\s*", words, re.ASCII)
    if match is None or match[2].upper() not in UNITS:
        raise InputError(f"{option} is not a size", got=words, allowed=["500MB", "2GB"], fix=fix)
    return int(float(match[1]) * UNITS[match[2].upper()])


def megabytes(size: float) -> str:
    """Bytes in whole megabytes.

    Example:
        >>> megabytes(1_234_567_890)
        '1,235 MB'
    """
    return f"{size / 1e6:,.0f} MB"
