"""Sound files in, files that are nearly sound out: mutations that know where lengths stand, with checksums repaired so that decoders look further.

Random bytes are refused at the first check; what finds faults is a file that is right but for one number. Places that hold a number which could be a
length or an offset of the file are therefore drawn as often as all others together, and values are those at which arithmetic goes wrong.
"""

from __future__ import annotations

import gzip
import lzma
import pickle
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tests.nasty import pictures, sounds, tables, weights
from tests.nasty.archives import TWO
from tests.nasty.nasty import Content, Nasty, member, patched, pax, pixels, png, tarred, zipped

ODD = (0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 1 << 16, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
KINDS = ("number", "place", "flip", "cut", "repeat", "drop", "splice")
ENDS = 96  # bytes at both ends, where headers and directories stand


@dataclass(frozen=True)
class Mutation:
    """One change: what, where (a share of the places), and which value."""

    kind: str
    where: float
    value: int


@dataclass(frozen=True)
class Seed:
    """A sound file that is mutated."""

    name: str
    reader: str
    content: Content
    repair: Callable[[bytes], bytes] = bytes


def jpeg() -> bytes:
    return pictures.encoded("JPEG", (24, 16))


def shard(path: Path) -> None:
    from headstart.activations.shard import write_shard

    write_shard(path, ["00" * 16, "11" * 16, "22" * 16], (np.arange(12, dtype=np.float16).reshape(3, 4),), 0.5)


def h5(opened: object) -> None:
    opened.create_dataset("layer/kernel", data=np.ones((3, 3, 2, 4), np.float32), compression="gzip")  # type: ignore[attr-defined]
    opened.create_dataset("layer/bias", data=np.ones(4, np.float32))  # type: ignore[attr-defined]


def torch_weights() -> object:
    import torch

    return {"w": torch.ones(3)}


def repaired_png(raw: bytes) -> bytes:
    """With the checksums of its chunks as they should be."""
    out, place = raw[:8], 8
    while place + 12 <= len(raw):
        length = struct.unpack(">I", raw[place : place + 4])[0]
        body = raw[place + 4 : place + 8 + length]
        if length > len(raw) - place - 12:
            break
        out += raw[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return out + raw[place:]


def repaired_tar(raw: bytes) -> bytes:
    """With the checksums of its headers as they should be."""
    for place in range(0, len(raw) - 511, 512):
        block = raw[place : place + 512]
        if block[257:262] == b"ustar":
            total = sum(block) - sum(block[148:156]) + 256
            raw = patched(raw, (place + 148, b"%06o\x00 " % total))
    return raw


TAR = tarred(pax((b"path", "猫/一.txt".encode()), (b"mtime", b"1.5")), member(b"cat/1.txt", b"one"), member(b"dog/2.txt", b"two" * 300))

SEEDS = (
    Seed("a.zip", "archive", zipped(TWO)),
    Seed("a.tar", "archive", TAR, repaired_tar),
    Seed("a.tar.xz", "archive", lzma.compress(TAR)),
    Seed("a.tar.gz", "archive", gzip.compress(TAR, mtime=0)),
    Seed("a.whl", "package", zipped(TWO)),
    Seed("a.png", "picture", png(12, 9, pixels(12, 9)), repaired_png),
    Seed("a.jpg", "picture", jpeg()),
    Seed("a.gif", "picture", pictures.encoded("GIF", (12, 9), "P")),
    Seed("a.tif", "picture", pictures.encoded("TIFF", (12, 9))),
    Seed("a.webp", "picture", pictures.encoded("WEBP", (12, 9))),
    Seed("a.bmp", "picture", pictures.encoded("BMP", (12, 9))),
    Seed("metadata.csv", "table", tables.beside(tables.GOOD)),
    Seed("metadata.jsonl", "table", tables.beside(b"".join(b'{"file_name": "%d.png", "label": "%s"}\n' % (n, b"ab"[n % 2 : n % 2 + 1]) for n in range(8)))),
    Seed("a.parquet", "table", tables.PARQUET),
    Seed("a.arrow", "table", tables.ARROW),
    Seed("a.safetensors", "safetensors", weights.safetensors({"a": weights.tensor([2], 0, 8), "b": weights.tensor([2], 8, 16)})),
    Seed("a.gguf", "gguf", weights.GGUF["whole"][0]),
    Seed("a.onnx", "onnx", weights.onnx(weights.weight())),
    Seed("a.pkl", "numpy-pickle", pickle.dumps({"conv": [np.ones((2, 2, 3, 4), np.float32), np.ones(4)]}, 4)),
    Seed("b.pkl", "numpy-pickle", pickle.dumps({"w": np.arange(6.0)}, 2)),
    Seed("a.pth", "torch", weights.torch_zip(torch_weights)),
    Seed("a.npy", "npy", weights.NPY["whole"][0]),
    Seed("a.h5", "keras-h5", weights.hdf(h5)),
    Seed("config.json", "config", b'{"model_type": "bert", "hidden_size": 384, "layers": [{"Regex": "a+|b*"}], "trust_remote_code": false}'),
    Seed("a.json", "json", b'{"a": [1, 2.5, null, true, "\\u732b"], "b": {"c": -1e3}}'),
    Seed("shard.safetensors", "shard", shard),
    Seed("a.wav", "clip", sounds.wav(data=sounds.NOISE)),
    Seed("a.flac", "clip", sounds.encoded("FLAC")),
    Seed("a.mp3", "clip", sounds.encoded("MP3")),
)  # fmt: skip


@cache
def sound(seed: Seed) -> bytes:
    """The bytes of a sound file."""
    with TemporaryDirectory() as scratch:
        return Nasty(seed.name, seed.reader, seed.content, None).make(Path(scratch)).read_bytes()


@cache
def lengths(raw: bytes) -> tuple[tuple[int, str], ...]:
    """Places whose number could be a length or an offset of this file, with the way in which it is written."""
    found = []
    for code in ("<I", ">I", "<H", ">H", "<Q"):
        width = struct.calcsize(code)
        for place in range(max(0, len(raw) - width)):
            number = struct.unpack(code, raw[place : place + width])[0]
            if 1 < number <= len(raw) and (width > 2 or place < ENDS or place > len(raw) - ENDS):
                found.append((place, code))
    return tuple(found) or ((0, "<I"),)


def mutated(seed: Seed, mutations: Sequence[Mutation], other: Seed) -> bytes:
    """A sound file after some changes."""
    raw = sound(seed)
    for one in mutations:
        raw = _changed(raw or b"\x00", one, sound(other)) if raw or one.kind == "splice" else raw
    return seed.repair(raw)


def _changed(raw: bytes, one: Mutation, other: bytes) -> bytes:
    odd = ODD[one.value % len(ODD)]
    if one.kind == "number":
        places = lengths(raw)
        place, code = places[int(one.where * len(places)) % len(places)]
        bits = 8 * struct.calcsize(code)
        old = struct.unpack(code, raw[place : place + bits // 8].ljust(bits // 8, b"\x00"))[0]
        new = (odd, old + 1, old - 1, 2 * old)[one.value % 4] % (1 << bits)
        return patched(raw, (place, struct.pack(code, new)))[: len(raw)]
    place = int(one.where * len(raw)) % len(raw)
    if one.kind == "place":
        return patched(raw, (place, odd.to_bytes(8, "little")[: 1 << one.value % 4]))[: len(raw)]
    if one.kind == "flip":
        return patched(raw, (place, bytes([raw[place] ^ 1 << one.value % 8])))
    if one.kind == "cut":
        return raw[:place]
    length = one.value % 64 + 1
    piece = raw[place : place + length]
    if one.kind == "repeat":
        return raw[:place] + piece * (one.value % 50 + 2) + raw[place + length :]
    return raw[:place] + raw[place + length :] if one.kind == "drop" else raw[:place] + other[place % max(1, len(other)) :][:4096]


def write(seed: Seed, raw: bytes, folder: Path) -> Path:
    """Lay a mutated file where a reader finds it, with what a sound one would have beside it."""
    path = Nasty(seed.name, seed.reader, seed.content, None).make(folder) if seed.name.startswith("metadata") else folder / seed.name
    path.write_bytes(raw)
    return path
