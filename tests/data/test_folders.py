"""Class folders as people have them: nested, hidden litter, links, Chinese names, parts above them."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.modality.photos import SIDE, encoded, tile, write

from headstart.data import load, split

Make = Callable[..., Path]


def test_class_folders_are_read_in_the_order_of_a_person_with_files_nested_below_them(flowers: Make) -> None:
    root = flowers(**{"10": 4, "2": 5, "rose": 6})
    (root / "rose" / "garden" / "north").mkdir(parents=True)
    shutil.move(root / "rose" / "0.png", root / "rose" / "garden" / "north" / "0.PNG")
    dataset = load(root)
    assert dataset.classes == ("2", "10", "rose")
    assert np_counts(dataset.labels) == {0: 5, 1: 4, 2: 6}
    assert "rose/garden/north/0.PNG" in dataset.sources
    assert dataset.faults == () and dataset.groups is None and dataset.given_split is None
    assert dataset.sizes.tolist() == [[SIDE, SIDE]] * 15 and set(dataset.modes) == {"RGB"}
    place = dataset.sources.index("rose/garden/north/0.PNG")
    assert dataset.read(place) == (root / "rose" / "garden" / "north" / "0.PNG").read_bytes()


def np_counts(labels: object) -> dict[int, int]:
    return dict(Counter(labels.tolist()))  # type: ignore[attr-defined]


def test_litter_and_documents_are_passed_over_and_what_might_be_meant_is_named(flowers: Make) -> None:
    root = flowers(rose=4, daisy=4)
    for name in ("__MACOSX/rose/._0.png", ".git/config", "rose/.DS_Store", "rose/Thumbs.db", "rose/._1.png", "README.txt", "daisy/notes.md", "daisy/2.xml"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"litter")
    (root / "rose" / "phone.heic").write_bytes(b"....ftypheic")
    (root / "rose" / "unnamed").write_bytes(encoded(tile(100)))
    (root / "daisy" / "diary").write_text("dear diary")
    write(root / "stray.png", tile(101))
    (root / "tulip").mkdir()
    dataset = load(root)
    reasons = {fault.source: fault.reason for fault in dataset.faults}
    assert set(reasons) == {"rose/phone.heic", "daisy/diary", "stray.png", "tulip/"}
    assert ".heic is not read" in reasons["rose/phone.heic"]
    assert reasons["daisy/diary"] == "not a picture"
    assert reasons["stray.png"] == "lies outside every class folder"
    assert "empty class folder" in reasons["tulip/"]
    assert len(dataset) == 9 and "rose/unnamed" in dataset.sources and dataset.classes == ("daisy", "rose")


def test_chinese_names_and_names_that_are_not_utf8_work(flowers: Make) -> None:
    root = flowers(**{"玫瑰": 4, "雏菊 花": 4})
    raw = os.fsencode(root / "玫瑰") + b"/caf\xe9.png"
    with open(raw, "wb") as stream:  # noqa: PTH123 — a name in bytes
        stream.write(encoded(tile(100)))
    dataset = load(root)
    assert dataset.classes == ("玫瑰", "雏菊 花")
    assert "玫瑰/caf\\xe9.png" in dataset.sources
    dataset.digest.encode()
    assert all(dataset.read(index) for index in range(len(dataset)))


def test_one_spelling_of_an_accent_is_one_class_on_every_system(flowers: Make) -> None:
    root = flowers(**{"train/caf\u00e9": 5, "test/cafe\u0301": 4, "train/tea": 5, "test/tea": 4})
    assert load(root).classes == ("caf\u00e9", "tea")


def test_links_to_files_and_folders_are_followed_without_loops_and_broken_ones_are_named(flowers: Make, tmp_path: Path) -> None:
    root = flowers(rose=4, daisy=4)
    write(tmp_path / "elsewhere" / "a.png", tile(100))
    write(tmp_path / "album" / "b.png", tile(101))
    (root / "rose" / "linked.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (root / "rose" / "album").symlink_to(tmp_path / "album")
    (root / "rose" / "loop").symlink_to(root / "rose")
    (root / "daisy" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(root / "daisy" / "pipe.png")
    dataset = load(root)
    assert {"rose/linked.png", "rose/album/b.png"} <= set(dataset.sources) and len(dataset) == 10
    assert {(fault.source, fault.reason) for fault in dataset.faults} == {("daisy/gone.png", "a link to nothing"), ("daisy/pipe.png", "not a file")}


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "Valid", "Testing"),
        ("训练", "验证", "测试"),
        ("训练集", "开发集", "测试集"),
        ("train_set", "validation set", "TestSet"),
    ],
)
def test_parts_above_the_class_folders_are_taken_as_given(flowers: Make, names: tuple[str, str, str]) -> None:
    root = flowers(**{f"{part}/{name}": n for part, n in zip(names, (5, 3, 4), strict=True) for name in ("rose", "daisy")})
    dataset = load(root)
    assert dataset.given_split is not None
    assert dict(Counter(dataset.given_split)) == {"train": 10, "validation": 6, "test": 8}
    parts = split(dataset)
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [10, 6, 8]
    assert "as given" in parts.how


def test_a_class_of_vehicles_called_train_is_a_class(flowers: Make) -> None:
    dataset = load(flowers(train=5, car=5, test=5))
    assert dataset.classes == ("car", "test", "train") and dataset.given_split is None


def test_a_test_folder_without_labels_and_a_stray_folder_are_named_and_left_out(flowers: Make) -> None:
    root = flowers(**{"train/rose": 6, "train/daisy": 6})
    for number in range(3):
        write(root / "test" / f"{number}.png", tile(100 + number))
    write(root / "drafts" / "x" / "1.png", tile(110))
    dataset = load(root)
    reasons = {fault.source: fault.reason for fault in dataset.faults}
    assert "3 files outside every class folder" in reasons["test/"]
    assert "beside the train folder" in reasons["drafts/"]
    assert set(dataset.given_split or ()) == {"train"}
    assert len(split(dataset).test) > 0


def test_class_folders_with_numbers_for_names_are_classes_however_many_there_are(flowers: Make) -> None:
    """Found as a bug: 25 folders of products were taken for a column of measurements."""
    root = flowers(**{f"{number:03d}": 4 for number in range(25)})
    assert load(root).classes[:2] == ("000", "001") and len(load(root).classes) == 25
