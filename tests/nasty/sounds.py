"""Nasty clips: headers of WAV and FLAC that claim hours, rates and channels that nothing has, and files that are no sound."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.nasty.nasty import Nasty, patched


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    """A chunk of a RIFF file."""
    return kind + struct.pack("<I", len(content) if length is None else length) + content + bytes(len(content) % 2)


def wav(
    *, kind: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, data: bytes = bytes(16_000), length: int | None = None, before: bytes = b""
) -> bytes:
    """A WAV file that claims anything."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    body = b"WAVE" + before + chunk(b"fmt ", form) + chunk(b"data", data, length)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def flac(rate: int = 8000, channels: int = 1, bits: int = 16, n: int = 8000, after: bytes = b"") -> bytes:
    """A FLAC file's first block and no frame."""
    packed = (rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | n).to_bytes(8, "big")
    info = struct.pack(">HH", 16, 65_535) + bytes(6) + packed + bytes(16)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + after


def encoded(kind: str) -> Callable[[Path], None]:
    """Half a second of noise, as libsndfile writes it: a sound file that is sound."""

    def make(path: Path) -> None:
        import soundfile

        soundfile.write(path, np.frombuffer(NOISE[:8000], "<i2"), 8000, format=kind)

    return make


NOISE = random.Random(3).randbytes(16_000)
NAN = struct.pack("<f", float("nan")) * 4000
ANY = "."

CLIPS: dict[str, tuple[str, bytes, str | None]] = {
    "empty": ("a.wav", b"", ANY),
    "magic": ("a.wav", b"RIFF", ANY),
    "header-only": ("a.wav", wav(data=b""), ANY),
    "no-format": ("a.wav", b"RIFF\x10\x00\x00\x00WAVE" + chunk(b"data", NOISE), ANY),
    "claims-more": ("a.wav", wav(data=NOISE[:64], length=0xFFFFFFF0), ANY),
    "channels": ("a.wav", wav(channels=65_535), ANY),
    "no-channels": ("a.wav", wav(channels=0), ANY),
    "no-rate": ("a.wav", wav(rate=0), ANY),
    "rate": ("a.wav", wav(rate=0xFFFFFFFF), ANY),
    "bits": ("a.wav", wav(bits=65_528), ANY),
    "kind": ("a.wav", wav(kind=0x1234), ANY),
    "nan": ("a.wav", wav(kind=3, bits=32, data=NAN), ANY),
    "long-chunk": ("a.wav", wav(before=chunk(b"LIST", b"x", 0x7FFFFFFF)), ANY),
    "noise": ("a.wav", NOISE, ANY),
    "picture": ("a.wav", b"\x89PNG\r\n\x1a\n" + NOISE, ANY),
    "flac-cut": ("a.flac", flac(), ANY),
    "flac-hours": ("a.flac", flac(n=(1 << 36) - 1), ANY),
    "flac-noise": ("a.flac", flac(after=b"\xff\xf8" + NOISE), ANY),
    "flac-magic": ("a.flac", b"fLaC", ANY),
    "flac-block": ("a.flac", patched(flac(), (5, b"\xff\xff\xff")), ANY),
    "ogg-noise": ("a.ogg", b"OggS" + NOISE, ANY),
    "mp3-noise": ("a.mp3", b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f" + NOISE, ANY),
}

ALL = [Nasty(f"{key}/{name}", "clip", content, words) for key, (name, content, words) in CLIPS.items()]
