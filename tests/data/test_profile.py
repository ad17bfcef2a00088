"""What a newcomer is told of a data set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.data.made import made
from tests.modality.photos import tile, write

from headstart.base.records import to_plain
from headstart.data import load, profile, split
from headstart.data.profile import ClassCount, Range

Make = Callable[..., Path]


def test_counts_sizes_modes_faults_and_repeats_are_told(flowers: Make) -> None:
    root = flowers(rose=20, daisy=5)
    write(root / "daisy" / "wide.png", tile(100).resize((96, 48)).convert("L"))
    shutil.copy(root / "rose" / "0.png", root / "rose" / "copy.png")
    write(root / "daisy" / "again.jpg", tile(1), quality=90)
    (root / "daisy" / "empty.png").write_bytes(b"")
    dataset = load(root)
    told = profile(dataset, split(dataset))
    assert told.n == 28 and told.classes[0].name == "daisy"
    assert all(one.n == one.train + one.validation + one.test for one in told.classes)
    assert told.classes[1] == ClassCount("rose", 21, 13, 4, 4, units=20)
    assert told.imbalance == 3.0 and told.majority == 0.75
    assert told.measures == {"width": Range(48, 48, 96), "height": Range(48, 48, 48)}
    assert told.modes == {"RGB": 27, "L": 1}
    assert [(fault.source, fault.reason) for fault in told.faults] == [("daisy/empty.png", "empty file")]
    assert [family.sources for family in told.equal] == [("rose/0.png", "rose/copy.png")]
    assert [(family.sources, family.classes) for family in told.across_classes] == [(("daisy/again.jpg", "rose/1.png"), ("daisy", "rose"))]
    assert told.leaks == (), "units stay on one side of a drawn split"
    notes = " ".join(told.notes)
    assert all(word in notes for word in ("left out", "byte for byte", "more than one class", "small (48 pixels", "colours in different ways"))
    assert "left out: 1 item, each" in notes and "1 item repeats another byte" in notes and "1 of these families stands" in notes
    assert json.loads(json.dumps(to_plain(told), ensure_ascii=False))["classes"][1]["train"] == 13


def test_a_folder_that_was_left_out_is_no_item_and_who_looks_is_not_sent_to_look(flowers: Make) -> None:
    root = flowers(rose=12, daisy=12)
    (root / "empty").mkdir()
    (root / "rose" / "none.png").write_bytes(b"")
    said: list[str] = []
    dataset = load(root, to_look=True, sink=lambda event: said.append(event.text))
    assert any("left out: 1 item and 1 folder, each named" in note for note in profile(dataset, split(dataset)).notes)
    assert not any("headstart inspect" in text for text in said)
    load(root, sink=lambda event: said.append(event.text))
    assert any(text.startswith("left out: ") and "1 more, headstart inspect" in text for text in said)


def test_leaks_between_given_parts_are_named_pictures_and_groups() -> None:
    given = ["train"] * 10 + ["validation"] * 4 + ["test"] * 6
    groups = [f"p{number}" for number in range(18)] + ["p0", "p1"]
    content = [f"{number:032x}" for number in range(20)]
    content[12] = content[0]
    dataset = made([number % 2 for number in range(20)], groups, [(3, 15)], given, content)
    told = profile(dataset, split(dataset))
    assert len(told.leaks) == 3
    assert "1 picture stands in train and again in validation" in told.leaks[0] and "0.png and 12.png" in told.leaks[0]
    assert "1 picture stands in train and again in test" in told.leaks[1]
    assert told.leaks[2] == "2 groups (patient) stand in train and in test, such as p0"
    assert any("share pictures or groups" in note for note in told.notes)


def test_how_small_is_small_is_said_in_words() -> None:
    sizes = {n: profile(dataset, split(dataset)) for n in (5, 40, 400, 4000, 10_000) for dataset in [made([0] * n + [1] * n)]}
    assert [told.size for told in sizes.values()] == ["tiny", "small", "middling", "large", "very large"]
    assert sizes[40].advice == "about 24 examples a class to train on: train a new head, perhaps the last block"


def test_the_example_of_a_leak_names_an_item_of_each_part() -> None:
    dataset = made([0, 1] * 8, near=[(0, 2), (2, 4)], given=["train", "train", "test", *["train"] * 9, "validation", "validation", "test", "test"])
    (leak,) = profile(dataset, split(dataset)).leaks
    assert leak.startswith("1 picture stands in train and again in test") and leak.endswith("such as 0.png and 2.png")
