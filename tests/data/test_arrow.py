"""Pictures in Parquet and Arrow tables: as Hugging Face datasets 5.2 saved them (``saved_by_datasets``), and as others write them."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.modality.photos import encoded, photo, tile

from headstart.base import folders
from headstart.base.errors import InputError
from headstart.data import load, split
from headstart.data.unneeded import unpacked_bytes

SAVED = Path(__file__).parent / "saved_by_datasets"


def columns(n: int = 16, **more: Any) -> dict[str, Any]:
    return {"image": [encoded(tile(number)) for number in range(n)], "label": [("rose", "daisy")[number % 2] for number in range(n)], **more}


def test_a_folder_saved_to_disk_by_datasets_gives_its_class_names_and_its_parts() -> None:
    dataset = load(SAVED / "both")
    assert dataset.classes == ("雏菊", "rose"), "the order of its ClassLabel"
    assert dataset.given_split is not None and dict(Counter(dataset.given_split)) == {"train": 12, "test": 8}
    assert dataset.sources[0] == "train/data-00000-of-00001.arrow#0"
    assert dataset.labels.tolist() == [0, 1] * 10
    assert dataset.read(3).startswith(b"\x89PNG")
    parts = split(dataset)
    assert len(parts.test) == 8 and "validation carved out of train" in parts.how


def test_one_saved_part_and_the_parquet_files_of_a_hub_repository_hold_the_same_pictures() -> None:
    one = load(SAVED / "both" / "train")
    assert len(one) == 12 and one.given_split is None and one.classes == ("雏菊", "rose")
    hub = load(SAVED / "hub")
    assert hub.digest == load(SAVED / "both").digest and set(one.content) < set(hub.content)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather", ".stream.arrow"])
@pytest.mark.parametrize("compressed", [False, True])
def test_plain_bytes_in_any_table_format_are_read_cell_by_cell(tmp_path: Path, suffix: str, compressed: bool) -> None:
    table, path = pa.table(columns()), tmp_path / f"flowers{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, path, compression="zstd" if compressed else "none", row_group_size=5)
    else:
        options = pa.ipc.IpcWriteOptions(compression="lz4" if compressed else None)
        make = pa.ipc.new_stream if "stream" in suffix else pa.ipc.new_file
        with make(str(path), table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=7)
    dataset = load(path)
    assert dataset.classes == ("daisy", "rose") and len(dataset) == 16
    assert [dataset.read(index) for index in range(16)] == columns()["image"]


def test_large_binary_structs_dictionaries_and_numbered_classes_are_understood(tmp_path: Path) -> None:
    pictures, labels = columns()["image"], columns()["label"]
    struct = pa.array([{"bytes": raw, "path": f"{number}.png"} for number, raw in enumerate(pictures)])
    tables = {
        "large": pa.table({"picture": pa.array(pictures, pa.large_binary()), "class": pa.array(labels).dictionary_encode()}),
        "struct": pa.table({"img": struct, "fine_label": pa.array([number % 2 for number in range(16)], pa.int32())}),
        "float": pa.table({"only": pictures, "y": [float(number % 2) for number in range(15)] + [float("nan")]}),
    }
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    found = {name: load(tmp_path / f"{name}.parquet").classes for name in tables}
    assert found == {"large": ("daisy", "rose"), "struct": ("0", "1"), "float": ("0", "1")}


def test_groups_and_a_split_column_come_from_the_table(tmp_path: Path) -> None:
    more = {"patient_id": [number // 2 for number in range(16)], "split": ["train"] * 8 + ["test"] * 8}
    pq.write_table(pa.table(columns(**more)), tmp_path / "x.parquet")
    dataset = load(tmp_path)
    assert dataset.group_name == "patient_id" and dataset.groups is not None and dataset.groups[5] == "2"
    assert dataset.given_split is not None and dataset.given_split.count("test") == 8


def test_the_columns_are_those_of_the_training_table_and_one_without_its_label_is_left_out(tmp_path: Path) -> None:
    cells = columns(32)
    pq.write_table(pa.table({"image": cells["image"][:16], "target": cells["label"][:16]}), tmp_path / "train.parquet")
    pq.write_table(pa.table({"image": cells["image"][16:24], "y": ["x"] * 8}), tmp_path / "test.parquet")
    pq.write_table(pa.table({"image": cells["image"][24:], "y": ["x"] * 8, "target": cells["label"][24:]}), tmp_path / "dev.parquet")
    dataset = load(tmp_path)
    assert len(dataset) == 24 and dataset.classes == ("daisy", "rose")
    assert [(fault.source, fault.reason) for fault in dataset.faults] == [("test.parquet", "no column target, the label in train.parquet")]


def test_cells_without_a_label_or_a_picture_and_files_of_no_part_are_named(tmp_path: Path) -> None:
    cells = columns(20)
    cells["label"][0], cells["image"][1], cells["image"][2] = None, None, b"broken"
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table(cells), tmp_path / "data" / "train-0.parquet")
    pq.write_table(pa.table(columns(20)), tmp_path / "data" / "extra.parquet")
    dataset = load(tmp_path)
    assert {fault.source: fault.reason for fault in dataset.faults} == {
        "data/extra.parquet": "names none of train, validation, test",
        "data/train-0.parquet#0": "no label (column label is empty)",
        "data/train-0.parquet#1": "empty file",
        "data/train-0.parquet#2": "not a picture",
    }


def test_tables_that_cannot_be_learnt_from_say_why(tmp_path: Path) -> None:
    root = tmp_path / "tables"
    root.mkdir()
    path = root / "x.parquet"
    for cells, said in (
        ({"number": [1], "label": ["b"]}, "no column holds pictures"),
        (columns(a=[1] * 16, b=[2] * 16) | {"label": None}, "no column looks like the label"),
        (columns() | {"label": [0.5] * 16}, "decimal numbers"),
        (columns() | {"label": [[1, 2]] * 16}, "several labels"),
    ):
        pq.write_table(pa.table({name: cell for name, cell in cells.items() if cell is not None}), path)
        with pytest.raises(InputError, match=said):
            load(path)
    path.write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(InputError, match="cannot be read as a table"):
        load(path)
    pq.write_table(pa.table(columns()), path)
    pq.write_table(pa.table({"image": columns()["image"]}), root / "y.parquet")
    with pytest.raises(InputError, match=r"y.parquet: no column label"):
        load(root)


def test_parquet_pictures_are_copied_once_and_a_changed_file_is_copied_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns(12)), path)
    first = load(path)
    (copy,) = (folders.home() / "unpacked").glob("*/table.arrow")
    made = copy.stat().st_mtime_ns
    assert load(path).digest == first.digest and copy.stat().st_mtime_ns == made
    pq.write_table(pa.table(columns(16)), path)
    assert len(load(path)) == 16
    assert not list((folders.home() / "unpacked").rglob("*.partial")) and unpacked_bytes() > copy.stat().st_size, "counted, and pruned, with the archives"


def test_memory_does_not_grow_with_the_pictures_in_a_parquet_file_of_one_row_group(tmp_path: Path) -> None:
    draw, path = np.random.default_rng(0), tmp_path / "x.parquet"
    corners = [(number % 20 * 29, number // 20 * 18) for number in range(400)]
    pictures = [encoded(photo().crop((x, y, x + 40, y + 40))) + draw.bytes(150_000) for x, y in corners]
    pq.write_table(pa.table({"image": pictures, "label": [str(number % 2) for number in range(400)]}), path, row_group_size=400, compression="none")
    del pictures
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    dataset = load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 60e6
    assert peak < 10e6 and pa.total_allocated_bytes() - before < 5e6
    assert len(dataset.read(399)) > 150_000


def test_two_tables_written_in_the_future_are_not_taken_for_one_another(tmp_path: Path) -> None:
    """Found as a bug: a file that may still be changing has no stamp, and so all of them shared one copy."""
    cells = columns(32)
    for name, part in (("x", slice(0, 16)), ("y", slice(16, 32))):
        pq.write_table(pa.table({column: values[part] for column, values in cells.items()}), tmp_path / f"{name}.parquet")
        os.utime(tmp_path / f"{name}.parquet", (time.time() + 3600,) * 2)
    first, second = load(tmp_path / "x.parquet"), load(tmp_path / "y.parquet")
    assert not set(first.content) & set(second.content) and second.read(0) == cells["image"][16]


def test_each_file_says_itself_what_its_numbered_classes_are_called(tmp_path: Path) -> None:
    cells = columns(32)
    for part, names, where in (("train", ["rose", "daisy"], slice(0, 16)), ("test", ["daisy", "rose"], slice(16, 32))):
        numbers = [names.index(label) for label in cells["label"][where]]
        about = {"info": {"features": {"image": {"dtype": "binary", "_type": "Value"}, "label": {"names": names, "_type": "ClassLabel"}}}}
        table = pa.table({"image": cells["image"][where], "label": pa.array(numbers, pa.int64())})
        pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(about)}), tmp_path / f"{part}.parquet")
    dataset = load(tmp_path)
    assert [dataset.classes[label] for label in dataset.labels] == cells["label"]


def test_texts_of_a_damaged_arrow_file_are_refused_not_followed(tmp_path: Path) -> None:
    texts = [f"the text number {number} is about something" for number in range(40)]
    table = pa.table({"text": texts, "label": ["a", "b"] * 20})
    with pa.ipc.new_file(str(tmp_path / "x.arrow"), table.schema) as writer:
        writer.write_table(table)
    whole = (tmp_path / "x.arrow").read_bytes()
    offsets = np.cumsum([0, *map(len, texts)]).astype("<i4").tobytes()
    place = whole.index(offsets) + 4 * 30
    (tmp_path / "x.arrow").write_bytes(whole[:place] + (1 << 30).to_bytes(4, "little") + whole[place + 4 :])
    with pytest.raises(InputError, match="cannot be read as a table"):
        load(tmp_path / "x.arrow", modality="text")
