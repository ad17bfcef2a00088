"""Content hashes: the names under which everything that can be recomputed is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

DIGEST_BYTES = 16  # 128 bits: a collision among 2**40 items has a chance of about 2**-49
CHUNK_BYTES = 1 << 20
SURROGATES = "surrogateescape"


def digest(*parts: bytes | str) -> str:
    """Hash parts into 32 hexadecimal digits; lengths are hashed too, so ``("ab", "c") != ("a", "bc")``.

    A file's name holds surrogates for bytes that the locale cannot read: they are hashed as the bytes that they were.

    Example:
        >>> digest("ab", "c") == digest("a", "bc")
        False
    """
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        raw = part.encode(errors=SURROGATES) if isinstance(part, str) else part
        state.update(len(raw).to_bytes(8, "little"))
        state.update(raw)
    return state.hexdigest()


def digest_content(content: bytes) -> str:
    """Hash the content of one item (a file's bytes, a row's text) into 32 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file in constant memory: the checksum that model cards publish."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()
