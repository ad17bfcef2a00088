"""Nasty weight files: headers that claim too much, tensors on one another, code in pickles, and configurations that choose code."""

from __future__ import annotations

import json
import os
import pickle
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.nasty.nasty import Nasty

F32, NONE = "F32", b""


def safetensors(table: Any, data: bytes = bytes(16), length: int | None = None) -> bytes:
    """A safetensors file with any header."""
    raw = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def tensor(shape: list[Any], start: int, end: int, dtype: str = F32) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


WHOLE = tensor([4], 0, 16)
SAFETENSORS = {
    "empty": (b"", "claims"),
    "short": (b"\x01\x02", "claims"),
    "length": (safetensors({"a": WHOLE}, length=1 << 62), "claims"),
    "length-large": (safetensors(b" " * (17 << 20)), "more than 16,777,216"),
    "not-json": (safetensors(b"{:"), "not JSON"),
    "list": (safetensors([1]), "no table"),
    "nested": (safetensors(b"[" * 200_000), "not JSON"),
    "digits": (safetensors(b'{"a":' + b"9" * 5000 + b"}"), "not JSON"),
    "twice": (safetensors(b'{"a":%s,"a":%s}' % ((json.dumps(WHOLE).encode(),) * 2)), "twice"),
    "utf8": (safetensors(b'{"\xff":1}'), "not JSON"),
    "overlap": (safetensors({"a": WHOLE, "b": tensor([2], 8, 16)}), "on another"),
    "outside": (safetensors({"a": tensor([8], 0, 32)}), "outside the file"),
    "gap": (safetensors({"a": tensor([2], 0, 8), "b": tensor([1], 12, 16)}), "belong to no tensor"),
    "tail": (safetensors({"a": tensor([2], 0, 8)}), "belong to no tensor"),
    "shape": (safetensors({"a": tensor([5], 0, 16)}), "do not take"),
    "product": (safetensors({"a": tensor([1 << 40, 1 << 40], 0, 16)}), "no possible shape"),
    "axes": (safetensors({"a": tensor([1] * 99, 0, 4)}), "no possible shape"),
    "negative": (safetensors({"a": tensor([-4], 0, 16)}), "no possible shape"),
    "float-shape": (safetensors({"a": tensor([4.0], 0, 16)}), "no possible shape"),
    "bool-shape": (safetensors({"a": tensor([True], 0, 4)}, bytes(4)), "no possible shape"),
    "backwards": (safetensors({"a": tensor([4], 16, 0)}), "impossible place"),
    "dtype": (safetensors({"a": tensor([4], 0, 16, "OBJ")}), "unknown type"),
    "no-dtype": (safetensors({"a": {"shape": [4]}}), "no dtype"),
    "name": (safetensors({"a\x1b[2J": WHOLE}), "no name"),
    "long-name": (safetensors({"a" * 2000: WHOLE}), "no name"),
    "no-name": (safetensors({"": WHOLE}), "no name"),
    "notes": (safetensors({"__metadata__": {"a": 1}, "a": WHOLE}), "no table of texts"),
    "order": (safetensors({"__metadata__": {"order": '["b"]'}, "a": WHOLE}), "note of the order"),
    "none": (safetensors({}, NONE), "no tensors"),
    "infinite": (safetensors({"a": WHOLE}, struct.pack("<4f", *[float("inf")] * 4)), None),
}


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def note(key: bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def place(name: bytes, shape: tuple[int, ...], start: int = 0, kind: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, start)


def gguf(*parts: bytes, tensors: int = 0, notes: int = 0, version: int = 3, data: bytes = bytes(64)) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, notes) + b"".join(parts)
    return head + bytes(-len(head) % 32) + data


FOUR = place(b"a", (16,))
GGUF = {
    "whole": (gguf(note(b"general.architecture", 8, text(b"llama")), FOUR, tensors=1, notes=1), None),
    "empty": (b"", "in one piece"),
    "magic": (b"GGML" + bytes(60), "does not begin"),
    "version": (gguf(version=1), "version"),
    "other-order": (gguf(version=0x03000000), "version"),
    "tensors": (gguf(tensors=1 << 60), "claims"),
    "notes": (gguf(notes=1 << 60), "claims"),
    "text": (gguf(struct.pack("<Q", 1 << 62), notes=1), "a text claims"),
    "list": (gguf(note(b"k", 9, struct.pack("<IQ", 0, 1 << 61)), notes=1), "values"),
    "list-of-lists": (gguf(note(b"k", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 0, 0)), notes=1), "list of lists"),
    "list-beyond": (gguf(note(b"k", 9, struct.pack("<IQ", 12, 1 << 20)), notes=1), "in one piece|middle"),
    "kind": (gguf(note(b"k", 77, b""), notes=1), "unknown type"),
    "note-twice": (gguf(note(b"k", 0, b"1"), note(b"k", 0, b"1"), notes=2), "twice"),
    "alignment": (gguf(note(b"general.alignment", 4, struct.pack("<I", 3)), notes=1), "alignment"),
    "alignment-zero": (gguf(note(b"general.alignment", 4, bytes(4)), notes=1), "alignment"),
    "axes": (gguf(text(b"a") + struct.pack("<I", 1 << 30), tensors=1), "axes"),
    "shape": (gguf(place(b"a", (1 << 40, 1 << 40)), tensors=1), "no possible shape"),
    "type": (gguf(place(b"a", (16,), kind=99), tensors=1), "unknown type"),
    "block": (gguf(place(b"a", (16,), kind=2), tensors=1), "do not fill blocks"),
    "overlap": (gguf(FOUR, place(b"b", (16,)), tensors=2), "on another"),
    "outside": (gguf(place(b"a", (64,)), tensors=1), "outside"),
    "gap": (gguf(FOUR, place(b"b", (16,), 128), tensors=2, data=bytes(192)), "belong to no"),
    "unaligned": (gguf(place(b"a", (16,), 4), tensors=1), "multiple of 32"),
    "name-twice": (gguf(FOUR, FOUR, tensors=2), "twice"),
    "name": (gguf(place(b"a\x1b[2J", (16,)), tensors=1), "no name"),
    "cut": (gguf(FOUR, tensors=1)[:40], "middle"),
}


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, value: bytes | int) -> bytes:
    return varint(number << 3) + varint(value) if isinstance(value, int) else varint(number << 3 | 2) + varint(len(value)) + value


def weight(*parts: bytes, dims: tuple[int, ...] = (4,), kind: int = 1, raw: bytes | None = bytes(16), name: bytes = b"w") -> bytes:
    return b"".join(field(1, one) for one in dims) + field(2, kind) + field(8, name) + (b"" if raw is None else field(9, raw)) + b"".join(parts)


NODE = field(1, field(1, b"w") + field(2, b"y") + field(4, b"Relu"))


def onnx(*weights: bytes) -> bytes:
    return field(1, 8) + field(7, NODE + b"".join(field(5, one) for one in weights))


ONNX = {
    "whole": (onnx(weight()), None),
    "empty": (b"", "is empty"),
    "noise": (bytes(range(256)) * 9, "cut off|graphs"),
    "no-graph": (field(1, 8), "holds 0 graphs"),
    "two-graphs": (onnx(weight()) * 2, "holds 2 graphs"),
    "external": (onnx(weight(field(13, field(1, b"location") + field(2, b"../../etc/passwd")))), "another file"),
    "location": (onnx(weight(field(14, 1))), "another file"),
    "length": (onnx(weight(dims=(5,))), "do not take"),
    "product": (onnx(weight(dims=(1 << 40, 1 << 40))), "no possible shape"),
    "negative": (onnx(weight(dims=((1 << 64) - 4,))), "no possible shape"),
    "type": (onnx(weight(kind=77)), "unknown type"),
    "axes": (onnx(weight(dims=(1,) * 99)), "axes"),
    "fewer": (onnx(weight(raw=None, dims=(100,))), "has fewer"),
    "twice": (onnx(weight(), weight()), "twice"),
    "sparse": (field(7, NODE + field(15, b"")), "sparse"),
    "cut": (onnx(weight())[:-9], "cut off"),
    "claims": (field(7, b"")[:1] + varint(1 << 50), "cut off"),
    "varint": (b"\xff" * 40, "cut off"),
    "group": (b"\x0b" * 50, "cut off"),
    "name": (onnx(weight(name=b"a\x1bb")), "no name"),
    "parts": (field(7, b"\x32\x00" * 510_000), "parts"),
    "more-fields": (onnx(weight()) + field(8, b""), None),
}


class Deed:
    """Leaves a folder behind if anybody unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("evil",)


def torch_zip(content: Any) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        import torch

        torch.manual_seed(0)
        torch.save(content() if callable(content) else content, path)

    return make


def loops() -> list[Any]:
    inner: list[Any] = [np.ones(1)]
    for _ in range(40):
        inner = [inner, inner]
    return inner


def itself() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


def hdf(make: Callable[[Any], object]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        import h5py

        with warnings.catch_warnings(), h5py.File(path, "w", track_order=True) as opened:
            make(opened)

    return write


def sparse(size: int) -> Callable[[Path], object]:
    """A file of zeros that takes no room."""

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.truncate(size)

    return write


def outside_file(opened: Any) -> None:
    import h5py

    opened["link"] = h5py.ExternalLink("/etc/passwd", "/")
    opened.create_dataset("w", (4,), "f4", external=[("/etc/hostname", 0, 16)])


TORCH = {
    "deed": (torch_zip({"w": Deed()}), "mkdir|[Uu]nsupported|Weights only"),
    "old-deed": (pickle.dumps({"w": Deed()}, 2), "Weights only|[Uu]nsupported|magic|Invalid"),
    "noise": (bytes(range(256)) * 9, "."),
    "empty": (b"", "."),
    "zip-noise": (b"PK\x03\x04" + bytes(999), "."),
    "list": (torch_zip([1, 2]), "no table"),
}
NUMPY = {
    "deed": (pickle.dumps({"w": np.ones(2), "x": Deed()}), "only numpy arrays"),
    "eval": (b"c__builtin__\neval\n(S'1'\ntR.", "only numpy arrays"),
    "object": (pickle.dumps({"w": np.array([{}], dtype=object)}), "no weight"),
    "terabyte": (b"\x80\x02cnumpy\nndarray\nK\x01", "."),
    "laughs": (pickle.dumps(loops()), "more than 200,000|RecursionError"),
    "itself": (pickle.dumps(itself()), "RecursionError|more than"),
    "text": (pickle.dumps({"w": "text"}), "not an array"),
    "none": (pickle.dumps({}), "no arrays"),
    "noise": (bytes(range(255, -1, -1)), "."),
    "empty": (b"", "."),
    "claims": (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 50), "."),
    "frame": (b"\x80\x04\x95" + struct.pack("<Q", 1 << 60), "."),
}
KERAS = {
    "external": (hdf(outside_file), "another file|not an|Unable"),
    "terabytes": (hdf(lambda opened: opened.create_dataset("w", (1 << 38,), "f4", chunks=(1 << 20,))), "allocate|memory|Unable"),
    "loop": (hdf(lambda opened: opened.create_group("a").__setitem__("b", opened["/"])), "no arrays"),
    "noise": (bytes(999), "."),
    "cut": (b"\x89HDF\r\n\x1a\n" + bytes(90), "."),
    "text": (hdf(lambda opened: opened.create_dataset("w", data=b"text")), "no weight|."),
}
CONFIG = {
    "code": (b'{"auto_map": {"AutoModel": "evil.Model"}}', "names code"),
    "remote": (b'{"trust_remote_code": true}', "names code"),
    "nested": (b'{"a":' * 90_000, "not JSON"),
    "digits": (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    "infinite": (b'{"a": 1e999}', None),
    "list": (b"[]", "no table"),
    "latin": (b'{"a": "\xe9"}', "not JSON"),
    "kernel": (b'{"attn_implementation": "evil/kernel"}', "kernel"),
    "expression": (b'{"pattern": {"Regex": "(a+)+$"}}', "never end"),
    "template": (b'{"chat_template": "{{ self.__init__.__globals__ }}"}', None),
    "deep": (b'{"a": ' * 40 + b"{}" + b"}" * 40, "too deeply"),
    "large": (sparse(65 << 20), "larger than any"),
}
JSON = {
    "nested": (b"[" * 90_000, "too deeply"),
    "noise": (b"\xff\xfe", "decode"),
    "digits": (b"9" * 5000, "digits"),
    "large": (sparse(257 << 20), "more than"),
}
SHARD = {
    "empty": (b"", "not a whole"),
    "length": (struct.pack("<Q", 1 << 40), "not a whole"),
    "noise": (bytes(range(256)) * 4, "not a whole"),
    "outside": (safetensors({"__metadata__": {"seconds": "1"}, "items": tensor([1, 16], 0, 64, "F32")}), "not a whole"),
    "nested": (safetensors(b"[" * 100_000), "not a whole"),
    "digits": (safetensors(b"9" * 5000), "not a whole"),
    "list": (safetensors([1]), "not a whole"),
}


def npy(header: bytes, numbers: bytes = bytes(24), version: bytes = b"\x01\x00") -> bytes:
    """A NumPy file with a header of one's own."""
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + numbers


def npy_header(kind: str = "'<f4'", turned: str = "False", shape: str = "(2, 3)") -> bytes:
    """The header that NumPy writes."""
    return f"{{'descr': {kind}, 'fortran_order': {turned}, 'shape': {shape}, }}\n".encode()


NPY = {
    "whole": (npy(npy_header()), None),
    "turned": (npy(npy_header(turned="True")), None),
    "empty": (b"", "does not begin"),
    "version": (npy(npy_header(), version=b"\x09\x00"), "does not begin"),
    "pickle": (npy(npy_header("'|O'"), b"\x80\x04cos\nsystem\n"), "plain numbers"),
    "structure": (npy(npy_header("[('a', '<f4')]")), "plain numbers"),
    "code": (npy(b"{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (2, 3), }\n"), "plain numbers"),
    "short": (npy(npy_header(), bytes(20)), "do not take"),
    "long": (npy(npy_header(), bytes(28)), "do not take"),
    "huge": (npy(npy_header(shape="(9999999999999999999, 9999999999999999999)")), "no possible shape"),
    "bomb": (npy(npy_header(shape="(" + "1, " * 5_000 + ")")), "header has"),
    "axes": (npy(npy_header(shape="(" + "1, " * 17 + ")")), "plain numbers"),
    "cut": (b"\x93NUMPY\x01\x00\x76", "plain numbers"),
}

KINDS = {
    "safetensors": (SAFETENSORS, "a.safetensors"),
    "gguf": (GGUF, "a.gguf"),
    "onnx": (ONNX, "a.onnx"),
    "torch": (TORCH, "a.pth"),
    "numpy-pickle": (NUMPY, "a.pkl"),
    "keras-h5": (KERAS, "a.h5"),
    "npy": (NPY, "a.npy"),
    "config": (CONFIG, "config.json"),
    "json": (JSON, "a.json"),
    "shard": (SHARD, "a.safetensors"),
}
ALL = [Nasty(f"{key}/{name}", reader, content, words) for reader, (table, name) in KINDS.items() for key, (content, words) in table.items()]  # type: ignore[attr-defined]
