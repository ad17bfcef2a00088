"""What a run folder answers is what was fitted: the plain model, which needs no gallery, from its files alone."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from headstart.base.errors import ChangedRunError, InputError
from headstart.base.events import Event
from headstart.data import load
from headstart.modality import get
from headstart.study.listening import open_listener
from headstart.study.predict import deploy, evaluate, predict
from headstart.task.linear import LinearHead, fit_path, standardise
from headstart.training.run import RunWriter

CLASSES = ("one", "零")
A_CLASS = 20


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Handwritten ones and zeros in class folders."""
    root, loaded = tmp_path_factory.mktemp("digits") / "data", load_digits()
    for digit, name in ((1, "one"), (0, "零")):
        (root / name).mkdir(parents=True)
        for number, picture in enumerate(loaded.images[loaded.target == digit][:A_CLASS]):
            Image.fromarray((picture * 15.9).astype("uint8")).resize((48, 48)).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def files(digits: Path) -> list[Path]:
    return sorted(digits.rglob("*.png"))


@pytest.fixture(scope="module")
def head(files: list[Path]) -> LinearHead:
    features = np.stack([get("image").plain_features(path.read_bytes()) for path in files])
    return fit_path(standardise(features), np.array([CLASSES.index(path.parent.name) for path in files]), 2, (100.0, 10.0))[-1]


@pytest.fixture
def run(tmp_path: Path, head: LinearHead) -> Path:
    writer = RunWriter(tmp_path / "run")
    writer.tensors("plain.safetensors", {"head.weight": head.weight, "head.bias": head.bias})
    writer.json("model.json", {"chosen": "plain", "classes": CLASSES, "modality": "image"})
    writer.finish()
    return writer.folder


def test_a_run_answers_what_its_head_answered_when_it_was_fitted(run: Path, head: LinearHead, files: list[Path]) -> None:
    expected = head.probabilities(np.stack([get("image").plain_features(path.read_bytes()) for path in files]))
    found = predict(run, files)
    assert [one.source for one in found] == [str(path) for path in files]
    assert np.array_equal(np.array([[one.probabilities[name] for name in CLASSES] for one in found], np.float32), expected)
    assert [one.label for one in found] == [path.parent.name for path in files]
    assert all(one.probability == max(one.probabilities.values()) and one.fault is None for one in found)


def test_a_folder_is_its_files_by_name_and_what_cannot_be_read_is_named_in_its_place(run: Path, digits: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((digits / "one" / "00.png").read_bytes()[:40])
    found = predict(run, [broken, digits / "one"])
    assert [Path(one.source).name for one in found] == ["broken.png", *(f"{number:02d}.png" for number in range(A_CLASS))]
    assert found[0].fault and found[0].label == "" and all(one.label == "one" for one in found[1:])


def test_files_that_are_not_there_and_folders_without_pictures_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        predict(run, [tmp_path / "nowhere.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        predict(run, [tmp_path / "empty"])


def test_sets_are_those_of_the_coverage_that_was_asked_for_or_of_the_next_higher_one(files: list[Path], head: LinearHead, tmp_path: Path) -> None:
    writer, sets = RunWriter(tmp_path / "sets"), [{"coverage": one, "threshold": one / 2} for one in (0.5, 0.8, 0.9)]
    writer.tensors("plain.safetensors", {"head.weight": head.weight, "head.bias": head.bias})
    writer.json("model.json", {"chosen": "plain", "classes": CLASSES, "modality": "image", "trust": {"sets": sets}})
    writer.finish()
    deployed = deploy(writer.folder)
    assert [deployed.set_threshold(asked) for asked in (0.3, 0.5, 0.51, 0.8, 0.85, 0.9)] == [0.25, 0.25, 0.4, 0.4, 0.45, 0.45]
    for asked in (0.95, 0.0, -1.0, 90.0):
        with pytest.raises(InputError, match="no sets of that coverage"):
            predict(writer.folder, files[:1], coverage=asked)


@pytest.mark.parametrize("name", ["plain.safetensors", "model.json"])
def test_a_run_whose_files_changed_answers_nothing(run: Path, files: list[Path], name: str) -> None:
    content = bytearray((run / name).read_bytes())
    content[-2] ^= 1
    (run / name).write_bytes(bytes(content))
    with pytest.raises(ChangedRunError, match=name):
        predict(run, files[:1])


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("{}"), lambda path: path.write_text('{"content": {"train": []}}')])
def test_a_run_that_no_longer_says_what_it_learnt_from_judges_nothing(head: LinearHead, digits: Path, tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Found as a bug: without its split.json a run was judged on what it had learnt from, and nothing was said."""
    writer, notes = RunWriter(tmp_path / "run"), list[Event]()
    writer.tensors("plain.safetensors", {"head.weight": head.weight, "head.bias": head.bias})
    writer.json("model.json", {"chosen": "plain", "classes": CLASSES, "modality": "image"})
    writer.json("split.json", {"content": {"train": load(digits).content[:30], "validation": []}})
    writer.finish()
    assert evaluate(writer.folder, digits, sink=notes.append)["seen"] == 30
    assert any(note.text.startswith("beware: 30 of 40 items were among those") for note in notes)
    change(writer.folder / "split.json")
    with pytest.raises(ChangedRunError, match=r"split\.json differs from what the run wrote(?s:.*)fix: take the folder from where it was copied"):
        evaluate(writer.folder, digits)


def test_where_items_belong_together_the_intervals_are_as_wide_as_so_many_groups_warrant(run: Path, digits: Path, tmp_path: Path) -> None:
    lines = ["file_name,label,patient"]
    for folder in sorted(digits.iterdir()):
        lines += [f"{digits.name}/{folder.name}/{one.name},{folder.name},{folder.name}{n // 6}" for n, one in enumerate(sorted(folder.iterdir()))]
    (digits.parent / "metadata.csv").write_text("\n".join(lines) + "\n")
    by_patient = evaluate(run, digits.parent, group="patient")["accuracy"]
    (digits.parent / "metadata.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n")
    by_picture = evaluate(run, digits.parent)["accuracy"]
    assert by_patient["value"] == by_picture["value"] and by_patient["low"] < by_picture["low"] - 0.05


def test_evaluation_measures_with_intervals_and_refuses_classes_that_the_run_does_not_know(run: Path, digits: Path, tmp_path: Path, empty_home: Path) -> None:
    found = evaluate(run, digits)
    assert found["n"] == 2 * A_CLASS and found["accuracy"]["value"] == 1.0 and found["accuracy"]["low"] < 1.0
    other = tmp_path / "other"
    for name in ("one", "two"):
        (other / name).mkdir(parents=True)
        for number in range(4):
            content = io.BytesIO()
            Image.open(digits / "one" / f"{number + (8 if name == 'two' else 0):02d}.png").save(content, "PNG")
            (other / name / f"{number}.png").write_bytes(content.getvalue())
    with pytest.raises(InputError, match="classes that the run was not trained on") as caught:
        evaluate(run, other)
    assert "got: two" in str(caught.value) and f"fix: headstart fit {other}   (" in str(caught.value)


def test_a_few_items_of_one_class_are_enough_to_be_judged_on(run: Path, digits: Path, tmp_path: Path) -> None:
    known = next(folder for folder in sorted(digits.iterdir()) if folder.is_dir())
    for n, file in enumerate(sorted(known.iterdir())[:2]):
        (tmp_path / "few" / known.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "few" / known.name / f"{n}{file.suffix}")
    found = evaluate(run, tmp_path / "few")
    assert found["n"] == 2 and found["accuracy"]["n"] == 2 and found["accuracy"]["value"] == found["balanced_accuracy"]["value"]
    (tmp_path / "none" / known.name).mkdir(parents=True)
    (tmp_path / "none" / known.name / "1.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"no readable pictures(?s:.*)empty file"):
        evaluate(run, tmp_path / "none")


def test_a_run_of_pictures_is_not_listened_to(run: Path) -> None:
    with pytest.raises(InputError, match=r"none of a wake word(?s:.*)headstart predict"):
        open_listener(run)


def test_columns_are_those_that_the_run_learnt_from_where_the_table_has_them(head: LinearHead, digits: Path, tmp_path: Path, empty_home: Path) -> None:
    """Found as a bug: fit --label digit, then evaluate judged by another column, and predict read another text."""
    writer = RunWriter(tmp_path / "run")
    writer.tensors("plain.safetensors", {"head.weight": head.weight, "head.bias": head.bias})
    writer.json("model.json", {"chosen": "plain", "classes": CLASSES, "modality": "image", "columns": {"label": "digit"}})
    writer.finish()
    data = tmp_path / "data"
    shutil.copytree(digits, data)
    names = [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.png"))]
    turned = {"one": "零", "零": "one"}
    rows = [f"{name},{turned[Path(name).parent.name]},{Path(name).parent.name}" for name in names]
    (data / "metadata.csv").write_text("\n".join(["file,label,digit", *rows]), encoding="utf-8")
    assert evaluate(writer.folder, data)["accuracy"]["value"] > 0.9
    assert evaluate(writer.folder, data, label="label")["accuracy"]["value"] < 0.1
    (data / "metadata.csv").write_text("\n".join(["file,label", *(row.rpartition(",")[0] for row in rows)]), encoding="utf-8")
    assert evaluate(writer.folder, data)["accuracy"]["value"] < 0.1  # it has no such column: the one found by its name
