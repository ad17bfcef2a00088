"""Nasty archives: names that leave, links, bombs, lies about sizes, headers made to exhaust; and odd ones that must be read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib

from tests.nasty.nasty import Nasty, header, member, patched, pax, tarred, zipped

BOMB_BYTES = 120 << 20
FEW = {"HEADSTART_ARCHIVE_MEMBERS": "20"}
CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
TWO = [("cat/1.txt", b"one" * 50), ("dog/2.txt", b"two" * 50)]


def at_central(raw: bytes, offset: int, content: bytes, n: int = 0) -> bytes:
    """Change an entry of the directory."""
    place = -1
    for _ in range(n + 1):
        place = raw.index(CENTRAL, place + 1)
    return patched(raw, (place + offset, content))


def in_zip(name: str) -> bytes:
    return zipped([("cat/1.txt", b"one"), (name, b"x")])


def overlapping() -> bytes:
    """Two entries, one place: the second one's offset is the first one's."""
    raw = zipped([("a", bytes(3000)), ("b", bytes(3000))])
    return at_central(raw, 42, struct.pack("<I", 0), 1).replace(b"b", b"a")


def quoting() -> bytes:
    """An entry whose bytes hold the next one's header, as the better zip bomb quotes it: sizes in both headers reach over the neighbour."""
    raw = zipped([("a", b"A" * 64), ("b", b"B" * 64)], zipfile.ZIP_STORED)
    longer = struct.pack("<II", 100, 100)
    crc = struct.pack("<I", zlib.crc32(raw[31:131]))
    raw = patched(raw, (14, crc + longer))
    return at_central(raw, 16, crc + longer)


def deep_zip() -> bytes:
    raw = b"x"
    for _ in range(6):
        raw = zipped([(f"{n}.zip", raw) for n in range(10)], zipfile.ZIP_DEFLATED)
    return raw


def heavy_xz() -> bytes:
    """An xz whose header asks the decoder for a gigabyte of memory."""
    raw = lzma.compress(tarred(member(b"a")), format=lzma.FORMAT_XZ)
    size = (raw[12] + 1) * 4
    block = bytearray(raw[12 : 12 + size])
    block[4] = 36  # 2**30 bytes
    block[-4:] = struct.pack("<I", zlib.crc32(bytes(block[:-4])))
    return raw[:12] + bytes(block) + raw[12 + size :]


def bomb() -> bytes:
    return header(b"zeros.bin", BOMB_BYTES) + bytes(BOMB_BYTES) + bytes(1024)


def encrypted() -> bytes:
    raw = zipped(TWO)
    return at_central(patched(raw, (6, b"\x01\x00")), 8, b"\x01\x00")


def method(number: int) -> bytes:
    raw = zipped([("a", b"a" * 100)])
    return at_central(patched(raw, (8, struct.pack("<H", number))), 10, struct.pack("<H", number))


def zip64(size: int) -> bytes:
    """A directory that refers to its zip64 extra for a size."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        info = zipfile.ZipInfo("a", (2026, 1, 1, 0, 0, 0))
        info.extra = struct.pack("<HHQQ", 1, 16, size, size)
        archive.writestr(info, b"a" * 30)
    return at_central(raw.getvalue(), 20, b"\xff" * 8)


def noise(n: int) -> bytes:
    return random.Random(n).randbytes(n)


NAMES = {
    "climbing": ("../evil.txt", "leaves its folder"), "climbing-within": ("cat/../../evil.txt", "leaves its folder"),
    "absolute": ("/etc/evil.txt", "leaves its folder"), "drive": ("C:evil.txt", "leaves its folder"), "unc": ("//server/evil.txt", "leaves its folder"),
    "backslash": ("..\\evil.txt", "leaves its folder"), "unc-backslash": ("\\\\server\\evil", "leaves its folder"),
    "nul": ("cat/a\x00.png", "control characters"), "line": ("cat/a\nb", "control characters"), "escape": ("cat/\x1b[2Jb", "control characters"),
    "bidi": ("cat/\u202egnp.exe", "control characters"), "device": ("cat/con.png", "reserved on Windows"), "lpt": ("LPT1", "reserved on Windows"),
    "dot": ("cat/a.", "reserved on Windows"), "blank": ("cat/a ", "reserved on Windows"), "long": ("x" * 300, "too long"),
    "long-utf8": ("猫" * 90, "too long"), "deep": ("a/" * 80 + "b", "too long or too deep"), "twice": ("cat/1.txt", "two members of one name"),
    "case": ("CAT/1.txt", "differ in case"), "case-file": ("cat/1.TXT", "two members of one name"), "conflict": ("cat/1.txt/x", "a file and a folder"),
    "conflict-back": ("cat", "a file and a folder"), "accents": ("e\u0301", None),
}  # fmt: skip

ZIPS = [
    *(Nasty(f"zip-name-{key}/a.zip", "archive", in_zip(name), words) for key, (name, words) in NAMES.items()),
    Nasty("zip-accents-twice/a.zip", "archive", zipped([("é", b"1"), ("e\u0301", b"2")]), "two members of one name"),
    Nasty("zip-symlink/a.zip", "archive", zipped([("a", b"/etc/passwd")], mode=0o120777), "a symbolic link"),
    Nasty("zip-device/a.zip", "archive", zipped([("a", b"")], mode=0o020666), "a device or pipe"),
    Nasty("zip-setuid/a.zip", "archive", zipped([("cat/a", b"x"), ("dog/b", b"x")], mode=0o104777), None),
    Nasty("zip-overlap/a.zip", "archive", overlapping(), "overlap"),
    Nasty("zip-quoting/a.zip", "archive", quoting(), "overlap"),
    Nasty("zip-bomb/a.zip", "archive", zipped([("a", bytes(BOMB_BYTES))]), "a bomb"),
    Nasty("zip-bomb-as-package/a.whl", "package", zipped([("a", bytes(BOMB_BYTES))]), "a bomb"),
    Nasty("zip-nested/a.zip", "archive", deep_zip(), None),
    Nasty("zip-size-smaller/a.zip", "archive", at_central(zipped(TWO), 24, struct.pack("<I", 7)), "contradicts the directory"),
    Nasty("zip-size-both/a.zip", "archive", patched(at_central(zipped([("a", b"a" * 999)]), 24, b"\x07\0\0\0"), (22, b"\x07\0\0\0")), "cannot be read"),
    Nasty("zip-size-larger/a.zip", "archive", patched(at_central(zipped([("a", b"a" * 9)]), 24, b"\xff\0\0\0"), (22, b"\xff\0\0\0")), "cannot be read|long as"),
    Nasty("zip-crc/a.zip", "archive", patched(at_central(zipped([("a", b"a" * 9)]), 16, b"\1\2\3\4"), (14, b"\1\2\3\4")), "cannot be read"),
    Nasty("zip-encrypted/a.zip", "archive", encrypted(), "is encrypted"),
    Nasty("zip-lzma/a.zip", "archive", zipped([("a", b"a" * 99)], zipfile.ZIP_LZMA), "method that is not read"),
    Nasty("zip-bzip2/a.zip", "archive", zipped([("a", b"a" * 99)], zipfile.ZIP_BZIP2), "method that is not read"),
    Nasty("zip-unknown-method/a.zip", "archive", method(97), "method that is not read"),
    Nasty("zip-zip64-exabytes/a.zip", "archive", zip64(1 << 62), "larger inside"),
    Nasty("zip-zip64-short/a.zip", "archive", at_central(zipped(TWO), 20, b"\xff" * 8), "contradicts the directory"),
    Nasty("zip-truncated/a.zip", "archive", zipped(TWO)[:-30], "cannot be read"),
    Nasty("zip-start-only/a.zip", "archive", zipped(TWO)[:60], "cannot be read"),
    Nasty("zip-magic-only/a.zip", "archive", b"PK\x03\x04", "cannot be read"),
    Nasty("zip-empty/a.zip", "archive", zipped([]), "holds no files"),
    Nasty("zip-folders-only/a.zip", "archive", zipped([("cat/", b"")]), "holds no files"),
    Nasty("zip-offset/a.zip", "archive", at_central(zipped(TWO), 42, b"\xf0\xff\xff\x7f", 1), "cannot be read|not where"),
    Nasty("zip-name-differs/a.zip", "archive", patched(zipped(TWO), (30, b"bat")), "cannot be read"),
    Nasty("zip-self-extracting/a.zip", "archive", b"MZ" + bytes(500) + zipped(TWO), None),
    Nasty("zip-comment/a.zip", "archive", patched(zipped(TWO), (-2, b"\xff\xff")) + bytes(65535), None),
    Nasty("zip-directory/a.zip", "archive", zipped([(f"{n:0250d}", b"") for n in range(300)]), "too many|more than 20", FEW),
    Nasty("zip-members/a.zip", "archive", zipped([(str(n), b"") for n in range(30)]), "more than 20 members", FEW),
    Nasty("zip-other-disk/a.zip", "archive", patched(zipped(TWO), (-18, b"\x05\x00\x05\x00")), None),
    Nasty("zip-bad-utf8/a.zip", "archive", zipped([("猫/1", b"x"), ("狗/2", b"x")]).replace("猫".encode(), b"\xff\xfe\xfd"), "cannot be read"),
    Nasty("zip-noise/a.zip", "archive", noise(5000), "cannot be read"),
]  # fmt: skip

TARS = [
    *(
        # a name in a tar ends at its first NUL
        Nasty(f"tar-name-{key}/a.tar", "archive", tarred(member(b"cat/1.txt"), member(name.encode())), None if key == "nul" else words)
        for key, (name, words) in NAMES.items()
        if len(name.encode()) <= 100
    ),
    Nasty("tar-pax-climbing/a.tar", "archive", tarred(pax((b"path", b"../../evil")), member(b"a")), "leaves its folder"),
    Nasty("tar-global-climbing/a.tar", "archive", tarred(pax((b"path", b"/evil"), kind=b"g"), member(b"a")), "leaves its folder"),
    Nasty("tar-long-climbing/a.tar", "archive", tarred(member(b"././@LongLink", b"../" * 50 + b"evil\x00", b"L"), member(b"a")), "leaves its folder"),
    Nasty("tar-symlink/a.tar", "archive", tarred(header(b"a", 0, b"2", b"/etc"), member(b"a/passwd")), "a symbolic link"),
    Nasty("tar-hard-link/a.tar", "archive", tarred(header(b"a", 0, b"1", b"/etc/passwd")), "a hard link"),
    Nasty("tar-device/a.tar", "archive", tarred(header(b"a", 0, b"3")), "a device"),
    Nasty("tar-block-device/a.tar", "archive", tarred(header(b"a", 0, b"4")), "a device"),
    Nasty("tar-pipe/a.tar", "archive", tarred(header(b"a", 0, b"6")), "a pipe"),
    Nasty("tar-sparse/a.tar", "archive", tarred(member(b"a", b"x", b"S")), "a sparse file"),
    Nasty("tar-pax-sparse/a.tar", "archive", tarred(pax((b"GNU.sparse.realsize", b"99999999999")), member(b"a")), "a sparse file"),
    Nasty("tar-volume/a.tar", "archive", tarred(member(b"a", b"x", b"M")), "another volume"),
    Nasty("tar-unknown-kind/a.tar", "archive", tarred(member(b"a", b"x", b"Z")), "unknown kind"),
    Nasty("tar-pax-huge/a.tar", "archive", header(b"p", 1 << 30, b"x") + bytes(4096), "oversized extended header"),
    Nasty("tar-long-huge/a.tar", "archive", header(b"p", 1 << 30, b"L") + bytes(4096), "oversized extended header"),
    Nasty("tar-pax-digits/a.tar", "archive", tarred(member(b"p", b"1" * 900_000, b"x"), member(b"a")), "cannot be read"),
    Nasty("tar-pax-chain/a.tar", "archive", tarred(*[pax((b"comment", b"x"))] * 50, member(b"a")), "oversized extended header"),
    Nasty("tar-pax-length/a.tar", "archive", tarred(member(b"p", b"99 path=a\n", b"x"), member(b"a")), "cannot be read"),
    Nasty("tar-pax-many/a.tar", "archive", tarred(pax(*[(b"k", b"v")] * 100_000), member(b"a")), None),
    Nasty("tar-pax-size/a.tar", "archive", tarred(pax((b"size", b"9" * 18)), member(b"a")), "larger inside"),
    Nasty("tar-pax-size-negative/a.tar", "archive", tarred(pax((b"size", b"-512")), member(b"a")), "cannot be read"),
    Nasty("tar-negative/a.tar", "archive", tarred(header(b"a", b"\xff" * 12)), "cannot be read"),
    Nasty("tar-binary-size/a.tar", "archive", tarred(header(b"a", b"\x80" + bytes(3) + b"\x7f" * 8)), "larger inside"),
    Nasty("tar-size-letters/a.tar", "archive", tarred(header(b"a", b"12x4567\x00")), "cannot be read"),
    Nasty("tar-size-beyond/a.tar", "archive", tarred(header(b"a", 1 << 20)), "cannot be read"),
    Nasty("tar-checksum/a.tar", "archive", tarred(member(b"a"), patched(member(b"b"), (0, b"c"))), "checksum is wrong"),
    Nasty("tar-truncated/a.tar", "archive", member(b"a", b"x" * 5000)[:2000], "cannot be read"),
    Nasty("tar-truncated-header/a.tar", "archive", (member(b"a") + header(b"b"))[:1100], "cannot be read"),
    Nasty("tar-no-end/a.tar", "archive", member(b"cat/a") + member(b"dog/b"), "cut off"),
    Nasty("tar-empty/a.tar", "archive", b"", "cannot be read"),
    Nasty("tar-only-zeros/a.tar", "archive", bytes(10240), "holds no files"),
    Nasty("tar-noise/a.tar", "archive", noise(5120), "cannot be read"),
    Nasty("tar-name-in-no-encoding/a.tar", "archive", tarred(member(b"cat/\xff\xff\xff")), "no known encoding"),
    Nasty("tar-name-empty/a.tar", "archive", tarred(member(b"")), "is empty"),
    Nasty("gz-bomb/a.tar.gz", "archive", gzip.compress(bomb(), mtime=0), "a bomb"),
    Nasty("bz2-bomb/a.tar.bz2", "archive", bz2.compress(bomb()), "a bomb"),
    Nasty("xz-bomb/a.tar.xz", "archive", lzma.compress(bomb(), preset=0), "a bomb"),
    Nasty("gz-bomb-as-package/a.tgz", "package", gzip.compress(bomb(), mtime=0), "a bomb"),
    Nasty("gz-fragments/a.tar.gz", "archive", gzip.compress(b"", mtime=0) * 20_000, "too many compressed fragments"),
    Nasty("gz-truncated/a.tar.gz", "archive", gzip.compress(tarred(member(b"a", noise(9000))), mtime=0)[:4000], "cannot be read"),
    Nasty("gz-crc/a.tar.gz", "archive", patched(gzip.compress(tarred(member(b"a", noise(900))), mtime=0), (-8, b"abcd")), "cannot be read"),
    Nasty("gz-no-tar/a.tar.gz", "archive", gzip.compress(b"text,label\n" * 200, mtime=0), "neither a zip nor a tar"),
    Nasty("xz-memory/a.tar.xz", "archive", heavy_xz(), "[Mm]emory usage limit"),
    Nasty("zst/a.tar.zst", "archive", b"\x28\xb5\x2f\xfd" + bytes(100), "zstd"),
    Nasty("tar-inside-tar/a.tar", "archive", tarred(member(b"cat/inner.tar", tarred(member(b"../evil"))), member(b"dog/x")), None),
]  # fmt: skip

ALL = [*ZIPS, *TARS]
