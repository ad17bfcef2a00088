"""Nasty tables: quotes never closed, cells without end, numbers of five thousand digits, headers of Parquet and Arrow that lie, and odd labels to live with."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.nasty.nasty import Nasty, patched, pixels, png

PICTURES = [png(n, 4, pixels(n, 4)) for n in range(4, 12)]
LABELS = ["cat", "dog"] * 4
ODD = [
    "<img src=x onerror=alert(1)>",
    "\x1b]0;owned\x07\x1b[2J",
    "../../../etc/passwd",
    "$(touch evil)",
    "=HYPERLINK(1)",
    "{{ 7*7 }}",
    "\u202egnp",
    "猫" * 3000,
]


def beside(text: bytes | Callable[[Path], bytes]) -> Callable[[Path], object]:
    """A table with the pictures that it names."""

    def make(path: Path) -> None:
        for n, content in enumerate(PICTURES):
            (path.parent / f"{n}.png").write_bytes(content)
        path.write_bytes(text(path) if callable(text) else text)

    return make


def rows(labels: list[str], separator: str = ",") -> bytes:
    return "".join(f'{n}.png{separator}"{label}"\n' for n, label in enumerate(labels)).encode()


HEAD = b"file_name,label\n"
GOOD = HEAD + rows(LABELS)


def table(images: list[bytes] | None = None, labels: list[Any] | None = None) -> pa.Table:
    return pa.table({"image": pa.array(images or PICTURES, pa.binary()), "label": labels or LABELS})


def parquet(made: pa.Table, **options: Any) -> bytes:
    raw = io.BytesIO()
    pq.write_table(made, raw, **options)
    return raw.getvalue()


def arrow(made: pa.Table) -> bytes:
    raw = io.BytesIO()
    with pa.ipc.new_file(raw, made.schema) as writer:
        writer.write_table(made)
    return raw.getvalue()


PARQUET, ARROW = parquet(table()), arrow(table())


def lying_offsets(column: int, values: list[int]) -> bytes:
    """An Arrow file whose cells begin where the file does not go."""
    made = table()
    offsets = made.column(column).combine_chunks().buffers()[1].to_pybytes()[: 4 * 9]
    place = ARROW.index(offsets)
    return patched(ARROW, (place + 4, np.array(values, "<i4").tobytes()))


TEXTS = {
    "quote": (HEAD + b'0.png,"cat\n' + rows(LABELS), "."),
    "nul": (GOOD + b"\x00", "binary|NUL"),
    "columns": (b"a," * 50_000 + b"b\n1\n", "columns|rows|cells"),
    "uneven": (GOOD + b"1.png\n", "rows do not have|do not have"),
    "twice": (b"label,label\na,b\n", "twice"),
    "empty": (b"", "no rows|empty"),
    "head-only": (HEAD, "no rows"),
    "climbing": (HEAD + b"../../../etc/passwd,cat\n", "outside its folder"),
    "absolute": (HEAD + b"/etc/passwd,cat\n", "outside its folder"),
    "missing": (HEAD + b"evil.png,cat\n", "do not exist"),
    "endless": (HEAD + b"x" * (20 << 20), "."),
    "noise": (bytes(range(256)) * 50, "."),
    "utf16": (GOOD.decode().encode("utf-16")[:-1], "."),
    "odd-labels": (HEAD + "".join(f'{n}.png,"{label}"\n' for n, label in enumerate(ODD)).encode(), None),
    "blank-rows": (GOOD + b"\n" * 100_000, None),
    "escape-in-name": (HEAD + b"\x1b[2Jx.png,cat\n", "do not exist"),
    "separators": (b";" * 100_000, "."),
}
LINES = {
    "names": (b"".join(b"{%s}\n" % b",".join(b'"%d":1' % (300 * n + k) for k in range(300)) for n in range(300)), "too many columns or cells"),
    "nested": (b'{"file_name": ' + b"[" * 90_000, "JSON"),
    "digits": (b'{"file_name": "0.png", "label": ' + b"9" * 5000 + b"}\n", "one JSON object a line"),
    "infinite": (b"".join(b'{"file_name": "%d.png", "label": 1e999}\n' % n for n in range(8)), "."),
    "list": (b"[1]\n" * 4, "one JSON object"),
    "cut": (b'{"file_name": "0.png", "label"', "JSON"),
    "keys": (b'{"file_name": "0.png", "label": "a", "label": "b"}\n', "."),
    "nul": (b'{"file_name": "\x00"}\n', "."),
    "noise": (bytes(range(256)) * 9, "."),
    "climbing": (b'{"file_name": "../../etc/passwd", "label": "a"}\n', "outside its folder"),
}
PARQUETS = {
    "whole": (PARQUET, None),
    "empty": (b"", "cannot be read"),
    "magic": (b"PAR1", "cannot be read"),
    "cut": (PARQUET[:-20], "cannot be read"),
    "start": (PARQUET[:200], "cannot be read"),
    "footer": (patched(PARQUET, (-8, struct.pack("<I", 0x7FFFFFFF))), "cannot be read"),
    "footer-zero": (patched(PARQUET, (-8, bytes(4))), "cannot be read|no column"),
    "noise": (b"PAR1" + bytes(range(256)) * 9 + struct.pack("<I", 1000) + b"PAR1", "cannot be read"),
    "pages": (patched(PARQUET, (20, b"\xff" * 40)), "cannot be read|."),
    "no-pictures": (parquet(pa.table({"a": [1], "label": ["x"]})), "no column|holds no pictures"),
    "not-pictures": (parquet(table([b"x"] * 8)), "cannot be learnt|no readable"),
    "lists": (parquet(pa.table({"image": pa.array(PICTURES, pa.binary()), "label": [["a"]] * 8})), "several labels"),
    "odd-labels": (parquet(table(labels=ODD)), None),
    "null-labels": (parquet(table(labels=[None] * 8)), "."),
    "decimals": (parquet(table(labels=[0.5] * 8)), "decimal"),
    "infinite": (parquet(table(labels=[float("inf")] * 8)), "."),
    "notes": (parquet(table().replace_schema_metadata({b"huggingface": b"[" * 90_000})), None),
    "notes-odd": (parquet(table().replace_schema_metadata({b"huggingface": b'{"info": {"features": {"label": {"names": 7}}}}'})), None),
}
NULLS = pa.table({"image": pa.nulls(1 << 30), "label": pa.nulls(1 << 30)})
WORD = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int32)), pa.array(["cat" * 30_000]))
PARQUETS["one-word"] = (parquet(pa.table({"text": WORD, "label": WORD})), "a bomb")
PARQUETS["one-label"] = (parquet(pa.table({"text": pa.array(np.zeros(1_000_000, np.int32)), "label": WORD})), "no column|holds no")
PICTURE = pa.array([PICTURES[0] + bytes(100_000)] * 3_000, pa.binary())
PARQUETS["one-picture"] = (parquet(pa.table({"image": PICTURE, "label": ["cat", "dog"] * 1_500})), "a bomb")
ARROWS = {
    "names": (ARROW.replace(b"label", b"\xd8abel"), "cannot be read"),
    "nulls": (arrow(NULLS), "no column|cannot be read|too many rows"),
    "whole": (ARROW, None),
    "empty": (b"", "cannot be read"),
    "magic": (b"ARROW1\x00\x00", "cannot be read"),
    "cut": (ARROW[: len(ARROW) // 2], "cannot be read"),
    "picture-offsets": (lying_offsets(0, [1 << 30]), "."),
    "picture-offsets-negative": (lying_offsets(0, [-5, 20]), "."),
    "label-offsets": (lying_offsets(1, [1 << 30]), "cannot be read"),
    "label-offsets-negative": (lying_offsets(1, [-9]), "cannot be read"),
    "footer": (patched(ARROW, (-10, struct.pack("<I", 0x7FFFFFFF))), "cannot be read"),
    "noise": (b"ARROW1\x00\x00" + bytes(range(256)) * 9 + b"ARROW1", "cannot be read"),
    "stream-noise": (b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(64), "cannot be read"),
}

ALL = [
    *(Nasty(f"csv-{key}/metadata.csv", "table", beside(text), words) for key, (text, words) in TEXTS.items()),
    *(Nasty(f"jsonl-{key}/metadata.jsonl", "table", beside(text), words) for key, (text, words) in LINES.items()),
    *(Nasty(f"parquet-{key}/a.parquet", "table", content, words) for key, (content, words) in PARQUETS.items()),
    *(Nasty(f"arrow-{key}/a.arrow", "table", content, words) for key, (content, words) in ARROWS.items()),
]
