"""What an archive may cost: limits in, a meter that every byte passes out; and one word for every way in which an archive can be broken."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headstart.base.errors import IntegrityError

MEMBERS_LIMIT = 500_000  # more members than any package or data set of ours has; a bound against archives made to exhaust memory
BYTES_LIMIT = 16 << 30  # all members together: twice the largest weights that fit this machine's memory
RATIO_LIMIT = 200  # bytes out for each byte in: text compresses 3 to 20 times, tables of zeros 100 times, bombs 1,000 times and more
RATIO_FREE_BYTES = 64 << 20  # a small file may compress as well as it likes


@dataclass(frozen=True)
class Limits:
    """What all members of an archive together may be.

    Attributes:
        members: How many.
        bytes: Their bytes, unpacked.
        ratio: Bytes unpacked for each byte of the archive, beyond the first 64 MiB.
    """

    members: int = MEMBERS_LIMIT
    bytes: int = BYTES_LIMIT
    ratio: int = RATIO_LIMIT


@dataclass
class Meter:
    """Counts what comes out of one archive and stops it at its limits.

    Attributes:
        name: Of the archive, for the message.
        size: Bytes of the archive itself.
        limits: Where it stops.
    """

    name: str
    size: int
    limits: Limits
    members: int = field(default=0, init=False)
    claimed: int = field(default=0, init=False)
    bytes: int = field(default=0, init=False)

    def admit(self, size: int) -> None:
        """Count a member by what its header claims.

        Raises:
            IntegrityError: when it is one too many.
        """
        self.members += 1
        self.claimed += size
        if self.members > self.limits.members:
            raise IntegrityError(f"{self.name} holds more than {self.limits.members:,} members, the limit; it was not unpacked")
        if self.claimed > self.limits.bytes:
            raise IntegrityError(f"{self.name} is larger inside than {self.limits.bytes:,} bytes, the limit; it was not unpacked")

    def take(self, count: int) -> None:
        """Count bytes that really came out.

        Raises:
            IntegrityError: when they are more than the limits allow.
        """
        self.bytes += count
        if self.bytes > self.limits.bytes:
            raise IntegrityError(f"{self.name} is larger inside than {self.limits.bytes:,} bytes, the limit; it was not unpacked")
        if self.bytes > RATIO_FREE_BYTES + self.limits.ratio * self.size:
            raise IntegrityError(f"{self.name} unpacks to more than {self.limits.ratio:,} times its size, the limit: a bomb; it was not unpacked")


@contextmanager
def damage(archive: Path) -> Iterator[None]:
    """Name the archive when what a decoder says about it goes wrong.

    Raises:
        IntegrityError: in place of whatever a broken archive raised.
    """
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, ValueError, NotImplementedError, OverflowError) as error:
        raise IntegrityError(f"{archive.name} cannot be read as a zip or tar archive: {' '.join(str(error).split())[:200]}") from error
