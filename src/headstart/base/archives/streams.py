"""A (compressed) file in, its bytes forwards and metered out: no decoder is ever asked for more than a chunk at a time.

The decoders of the standard library are used directly: its file objects know neither a limit of memory (xz) nor one of output.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any

from headstart.base.archives.limits import Meter
from headstart.base.errors import IntegrityError

CHUNK_BYTES = 1 << 16  # in and out
XZ_MEMORY_BYTES = 128 << 20  # `xz -9` needs 65 MiB to unpack
FRAGMENTS_FREE = 1_000  # compressed streams one after another, as pigz and bgzip write them …
FRAGMENT_BYTES = 1_024  # … each of them at least so long on average
MAGICS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zst"}


class _Gzip:
    """zlib's decoder with the manners of bz2's and lzma's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)  # 31: with gzip's header and checksum
        self._full = False

    def decompress(self, data: bytes, most: int) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, most)
        self._full = len(out) == most
        return out

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._full

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _zstd() -> Any:
    try:
        zstd = import_module("compression.zstd")  # of the standard library from Python 3.14 on
    except ImportError:
        raise IntegrityError("the archive is compressed with zstd, which needs Python 3.14 or later; it was not unpacked") from None
    return zstd.ZstdDecompressor()


DECODERS: dict[str, Callable[[], Any]] = {
    "gz": _Gzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES),
    "zst": _zstd,
}


def compression_of(start: bytes) -> str | None:
    """How a file that begins so is compressed: ``gz``, ``bz2``, ``xz``, ``zst``; None when it is not."""
    return next((name for magic, name in MAGICS.items() if start.startswith(magic)), None)


class Forward:
    """The bytes behind a file, read once from front to back."""

    def __init__(self, raw: IO[bytes], meter: Meter, compression: str | None) -> None:
        """Begin at the front of the file."""
        self._raw, self._meter = raw, meter
        self._new = DECODERS[compression] if compression else None
        self._decoder = self._new() if self._new else None
        self._fragments, self._input, self._output = 1, b"", b""

    def read(self, count: int) -> bytes:
        """The next bytes: as many as were asked for, fewer only at the end."""
        pieces, left = [], count
        while left and (self._output or self._fill()):
            piece, self._output = self._output[:left], self._output[left:]
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def skip(self, count: int) -> None:
        """Pass over bytes; that fewer are left is found out by who reads next."""
        while count and (piece := self.read(min(count, CHUNK_BYTES))):
            count -= len(piece)

    def finish(self) -> None:
        """Pass over what is left of the compressed stream: only at its end stands the checksum of all that was read."""
        while self._decoder is not None and not self._decoder.eof:
            self._decode()
            self._meter.take(len(self._output))

    def _fill(self) -> bool:
        while not self._output:
            if self._decoder is None:
                self._output = self._raw.read(CHUNK_BYTES)
                if not self._output:
                    return False
            elif self._decoder.eof and not self._next_fragment():
                return False
            else:
                self._decode()
            self._meter.take(len(self._output))
        return True

    def _decode(self) -> None:
        assert self._decoder is not None
        if self._decoder.needs_input and not self._input:
            self._input = self._raw.read(CHUNK_BYTES)
            if not self._input:
                raise EOFError("it ends in the middle of its compressed data")
        try:
            self._output = self._decoder.decompress(self._input, CHUNK_BYTES)
        except OSError as error:  # what bz2 raises for damage: no fault of the disk
            raise ValueError(str(error)) from error
        self._input = b""

    def _next_fragment(self) -> bool:
        """Go on with the compressed stream that follows; zeros after the last one are padding."""
        assert self._decoder is not None and self._new is not None
        rest = self._decoder.unused_data.lstrip(b"\x00")
        while not rest:
            rest = self._raw.read(CHUNK_BYTES)
            if not rest:
                return False
            rest = rest.lstrip(b"\x00")
        self._fragments += 1
        if self._fragments > FRAGMENTS_FREE + self._meter.bytes // FRAGMENT_BYTES:
            raise IntegrityError(f"{self._meter.name} consists of too many compressed fragments; it was not unpacked")
        self._decoder, self._input = self._new(), rest
        return True
