"""Nasty pictures: sizes that no memory holds, chunks that unpack to gigabytes, loops, frames without end, and files that are no pictures."""

from __future__ import annotations

import io
import random
import struct
import zlib

from PIL import Image
from tests.nasty.nasty import Nasty, chunk, patched, pixels, png

LARGE = 96 << 20


def packed_text(kind: bytes, keyword: bytes = b"k\x00\x00") -> bytes:
    """A PNG chunk whose text unpacks to a hundred megabytes."""
    return chunk(kind, keyword + zlib.compress(bytes(LARGE), 9))


def encoded(kind: str, size: tuple[int, int] = (8, 8), mode: str = "RGB", **options: object) -> bytes:
    raw = io.BytesIO()
    Image.new(mode, size).save(raw, kind, **options)
    return raw.getvalue()


def tiff(*tags: tuple[int, int, int, int], following: int = 0, data: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory; a tag is number, type, count, value."""
    body = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + body + struct.pack("<I", following) + data


def sized(width: int, height: int, *more: tuple[int, int, int, int], following: int = 0) -> bytes:
    usual = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 200),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, 64),
    ]
    replaced = {tag[0] for tag in more}
    return tiff(*[tag for tag in usual if tag[0] not in replaced], *more, following=following, data=bytes(256))


def jpeg(width: int, height: int) -> bytes:
    """A JPEG of eight pixels that claims others in its frame header."""
    raw = encoded("JPEG")
    return patched(raw, (raw.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width)))


def gif(width: int, height: int, frame: tuple[int, int, int, int] = (0, 0, 8, 8), n: int = 1) -> bytes:
    """A GIF with a canvas and frames of other sizes."""
    start = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    piece = b"!\xf9\x04\x00\x01\x00\x00\x00" + b"," + struct.pack("<HHHHB", *frame, 0) + b"\x02\x02\x4c\x01\x00"
    return start + piece * n + b";"


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended_webp(width: int, height: int) -> bytes:
    return riff(b"VP8X" + struct.pack("<IB3x", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def jpeg2000(width: int, height: int) -> bytes:
    """A code stream's beginning: SOC, SIZ with one tile, then nothing."""
    siz = struct.pack(">HHIIIIIIIIHBBB", 41, 0, width, height, 0, 0, width, height, 0, 0, 1, 7, 1, 1)
    return b"\xff\x4f\xff\x51" + siz + b"\xff\x90"


def box(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    return struct.pack(">I", len(content) + 8 if length is None else length) + kind + content


def avif(width: int, height: int) -> bytes:
    raw = encoded("AVIF", (16, 16))
    place = raw.index(b"ispe") + 8
    return patched(raw, (place, struct.pack(">II", width, height)))


def bmp(width: int, height: int, bits: int = 24, compression: int = 0, data: bytes = bytes(64)) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + head + data


NOISE = random.Random(5).randbytes(4000)
EXIF_LOOP = b"II*\x00\x08\x00\x00\x00\x01\x00\x69\x87\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00"  # a directory that is its own sub-directory
OTHER_FRAME = chunk(b"acTL", b"\0\0\0\2\0\0\0\0"), chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 60_000, 60_000, 0, 0, 1, 1, 0, 0))
BAD = "damaged|truncated|not a picture|too many|zero size|memory"

ALL = [
    Nasty("png-bomb/a.png", "picture", png(60_000, 60_000), "too many pixels"),
    Nasty("png-largest/a.png", "picture", png(0x7FFFFFFF, 0x7FFFFFFF), "too many pixels"),
    Nasty("png-signed/a.png", "picture", png(0xFFFFFFFF, 1), "too many pixels|damaged"),
    Nasty("png-zero/a.png", "picture", png(0, 5), "zero size"),
    Nasty("png-line/a.png", "picture", png(170_000_000, 1), "truncated|damaged"),
    Nasty("png-no-pixels/a.png", "picture", png(100, 100), "truncated|damaged"),
    Nasty("png-pixels-bomb/a.png", "picture", png(8, 8, chunk(b"IDAT", zlib.compress(bytes(LARGE), 9))), None),
    Nasty("png-ztxt-bomb/a.png", "picture", png(8, 8, packed_text(b"zTXt"), pixels(8, 8)), "damaged"),
    Nasty("png-itxt-bomb/a.png", "picture", png(8, 8, packed_text(b"iTXt", b"k\x00\x01\x00\x00\x00"), pixels(8, 8)), "damaged"),
    Nasty("png-iccp-bomb/a.png", "picture", png(8, 8, packed_text(b"iCCP"), pixels(8, 8)), "damaged"),
    Nasty("png-texts/a.png", "picture", png(8, 8, *[packed_text(b"zTXt", b"%d\x00\x00" % n) for n in range(70)], pixels(8, 8)), "damaged"),
    Nasty("png-chunks/a.png", "picture", png(8, 8, chunk(b"tEXt", b"a\x00b") * 100_000, pixels(8, 8)), None),
    Nasty("png-long-chunk/a.png", "picture", patched(png(8, 8, pixels(8, 8)), (33, b"\x7f\xff\xff\xff")), None),
    Nasty("png-exif/a.png", "picture", png(8, 8, chunk(b"eXIf", NOISE), pixels(8, 8)), None),
    Nasty("png-exif-loop/a.png", "picture", png(8, 8, chunk(b"eXIf", EXIF_LOOP), pixels(8, 8)), None),
    Nasty("png-depth/a.png", "picture", png(8, 8, pixels(8, 8), depth=3), BAD),
    Nasty("png-palette-missing/a.png", "picture", png(8, 8, pixels(8, 8), colours=3), BAD),
    Nasty("apng-frames/a.png", "picture", png(8, 8, chunk(b"acTL", b"\xff" * 8), pixels(8, 8)), None),
    Nasty("apng-frame-size/a.png", "picture", png(8, 8, *OTHER_FRAME, pixels(8, 8)), "damaged"),
    Nasty("jpeg-size/a.jpg", "picture", jpeg(65_535, 65_535), "too many pixels"),
    Nasty("jpeg-tall/a.jpg", "picture", jpeg(8, 65_535), "truncated|damaged"),
    Nasty("jpeg-zero/a.jpg", "picture", jpeg(0, 0), BAD),
    Nasty("jpeg-cut/a.jpg", "picture", encoded("JPEG", (400, 400))[:500], "truncated|damaged"),
    Nasty("jpeg-app-chain/a.jpg", "picture", b"\xff\xd8" + b"\xff\xe1\x00\x08Exif\x00\x00" * 50_000 + encoded("JPEG")[2:], None),
    Nasty("jpeg-fill/a.jpg", "picture", b"\xff\xd8" + b"\xff" * 3_000_000, BAD),
    Nasty("jpeg-icc-claims/a.jpg", "picture", b"\xff\xd8" + b"\xff\xe2\x00\x12ICC_PROFILE\x00\xff\xff\x00\x00" + encoded("JPEG")[2:], None),
    Nasty("gif-canvas/a.gif", "picture", gif(65_535, 65_535), "too many pixels"),
    Nasty("gif-frame-outside/a.gif", "picture", gif(8, 8, (60_000, 60_000, 8, 8)), "too many pixels|damaged"),
    Nasty("gif-frame-huge/a.gif", "picture", gif(8, 8, (0, 0, 65_535, 65_535)), "too many pixels|damaged|truncated"),
    Nasty("gif-frames/a.gif", "picture", gif(8, 8, n=50_000), BAD),
    Nasty("gif-comment-endless/a.gif", "picture", b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b"!\xfe" + b"\xff" * (1 << 20), BAD),
    Nasty("tiff-size/a.tif", "picture", sized(100_000, 100_000), "too many pixels"),
    Nasty("tiff-loop/a.tif", "picture", sized(8, 8, following=8), None),
    Nasty("tiff-tag-count/a.tif", "picture", sized(8, 8, (273, 4, 0x3FFFFFFF, 200)), BAD),
    Nasty("tiff-tag-far/a.tif", "picture", sized(8, 8, (273, 4, 9999, 0xFFFFFFF0)), BAD),
    Nasty("tiff-zero-strips/a.tif", "picture", sized(8, 8, (278, 4, 1, 0)), f"{BAD}|"),
    Nasty("tiff-bits/a.tif", "picture", sized(8, 8, (258, 3, 1, 65_535)), BAD),
    Nasty("tiff-deflate-noise/a.tif", "picture", sized(8, 8, (259, 3, 1, 8)), BAD),
    Nasty("bmp-size/a.bmp", "picture", bmp(60_000, 60_000), "too many pixels"),
    Nasty("bmp-upside/a.bmp", "picture", bmp(8, -2_147_483_648), BAD),
    Nasty("bmp-run-lengths/a.bmp", "picture", bmp(10_000, 10_000, 8, 1, b"\xff\x00" * 50), BAD),
    Nasty("webp-canvas/a.webp", "picture", extended_webp(16_383, 16_383), BAD),
    Nasty("webp-cut/a.webp", "picture", encoded("WEBP", (64, 64))[:40], BAD),
    Nasty("webp-riff-only/a.webp", "picture", riff(), BAD),
    Nasty("jp2-size/a.jp2", "picture", jpeg2000(100_000, 100_000), "too many pixels|damaged"),
    Nasty("jp2-cut/a.jp2", "picture", jpeg2000(8_000, 8_000), BAD),
    Nasty("avif-size/a.avif", "picture", avif(60_000, 60_000), BAD),
    Nasty("avif-header/a.avif", "picture", box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", b"", 0x7FFFFFFF), BAD),
    Nasty("ppm-size/a.ppm", "picture", b"P6 99999 99999 255\n", "too many pixels"),
    Nasty("ppm-digits/a.ppm", "picture", b"P6 " + b"9" * 100_000 + b" 1 255\n", BAD),
    Nasty("ppm-comment/a.ppm", "picture", b"P6\n#" + b"a" * 3_000_000, BAD),
    Nasty("ppm-plain/a.ppm", "picture", b"P3 12000 12000 255\n" + b"1 " * 1000, BAD),
    Nasty("eps-program/a.jpg", "picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(touch evil) run", "not a picture"),
    Nasty("svg-laughs/a.png", "picture", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>', "XML"),
    Nasty("pdf/a.png", "picture", b"%PDF-1.7\n", "PDF"),
    Nasty("zip/a.png", "picture", b"PK\x03\x04" + bytes(99), "ZIP archive"),
    Nasty("noise/a.png", "picture", NOISE, "not a picture"),
    Nasty("empty/a.png", "picture", b"", "empty file"),
]  # fmt: skip
