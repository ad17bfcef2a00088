"""Subscribing is whole or absent: with wrong bytes, two at once, killed in the middle, damaged later, and offline ever after."""

from __future__ import annotations

import os
import pickle
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.small import card_for, timm_files, write_card

from headstart import gallery
from headstart.backbone.matching import read
from headstart.base import files
from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Event
from headstart.gallery import ModelCard

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small(tmp_path: Path, empty_home: Path) -> ModelCard:
    weights = tmp_path / "files" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(timm_files("test_resnet")["model.safetensors"])
    return write_card(card_for(weights), empty_home)


def start(code: str) -> subprocess.Popen[str]:
    """Run a line of Python in another process, with this one's HEADSTART_HOME."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        [sys.executable, "-c", f"from headstart import gallery\n{code}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def left_behind(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "gallery").iterdir() if not path.name.endswith(".lock"))


def test_a_subscribed_model_is_recorded_and_its_weights_are_verified(small: ModelCard, empty_home: Path) -> None:
    events: list[Event] = []
    made = gallery.subscribe("small", sink=events.append)
    assert gallery.is_subscribed("small") and gallery.subscriptions() == (made,) and gallery.subscription("small") == made
    assert gallery.weights("small") == made.weights == empty_home / "gallery/small/weights.safetensors"
    assert made.card.sha256 == small.sha256 and made.bytes == made.weights.stat().st_size and made.tensors > 0 and not made.accepted
    assert [event.stage for event in events if event.kind == "end"] == ["convert"]
    assert left_behind(empty_home) == ["small"]


def test_a_second_time_nothing_is_fetched(small: ModelCard) -> None:
    made = gallery.subscribe("small")
    Path(small.source.removeprefix("folder:").partition("#")[0], "model.safetensors").unlink()
    assert gallery.subscribe("small") == made


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"bytes": 7}])
def test_bytes_that_are_not_the_cards_are_not_kept(change: dict[str, object], small: ModelCard, tmp_path: Path, empty_home: Path) -> None:
    write_card(card_for(tmp_path / "files/model.safetensors", **change), empty_home)
    with pytest.raises(IntegrityError):
        gallery.subscribe("small")
    assert not gallery.is_subscribed("small") and not (empty_home / "gallery/small").exists()


def test_a_card_without_a_checksum_records_the_one_it_finds(small: ModelCard, tmp_path: Path, empty_home: Path) -> None:
    write_card(card_for(tmp_path / "files/model.safetensors", sha256="", bytes=0), empty_home)
    made = gallery.subscribe("small")
    assert (made.card.sha256, made.card.bytes) == (small.sha256, small.bytes) and made.card.parameters > 0


def test_weights_that_are_not_here_are_refused_with_the_line_to_type(small: ModelCard) -> None:
    for verb in (gallery.weights, gallery.verify, gallery.remove):
        with pytest.raises(InputError, match="fix: headstart gallery subscribe small"):
            verb("small")


def test_a_changed_bit_is_noticed_and_subscribing_again_heals_it(small: ModelCard) -> None:
    weights = gallery.subscribe("small").weights
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    for verb in (gallery.verify, gallery.weights):
        with pytest.raises(IntegrityError, match="headstart gallery subscribe small"):
            verb("small")
    gallery.subscribe("small")
    gallery.verify("small")


def test_a_damaged_manifest_is_named(small: ModelCard) -> None:
    (gallery.subscribe("small").folder / "manifest.json").write_text('{"card": 3}')
    with pytest.raises(IntegrityError, match=r"manifest\.json is damaged"):
        gallery.subscriptions()


def test_a_removed_model_is_gone(small: ModelCard, empty_home: Path) -> None:
    gallery.subscribe("small")
    gallery.remove("small")
    assert not gallery.is_subscribed("small") and left_behind(empty_home) == []


def test_what_another_model_is_making_is_not_swept_away(small: ModelCard, empty_home: Path) -> None:
    theirs, ours = (files.beside(empty_home / "gallery" / name) for name in ("small.b1_x", "small"))
    theirs.mkdir(parents=True)
    ours.mkdir()
    gallery.subscribe("small")
    assert left_behind(empty_home) == [theirs.name, "small"]


def test_two_processes_at_once_fetch_it_once(small: ModelCard, empty_home: Path) -> None:
    code = "seen = []\ngallery.subscribe('small', sink=seen.append)\nprint(len(seen))"
    both = [start(code), start(code)]
    ended = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert sorted(int(out) > 0 for out, _ in ended) == [False, True]
    gallery.verify("small")
    assert left_behind(empty_home) == ["small"]


@pytest.mark.parametrize("seconds", [0.3, 0.9, 1.5])
def test_a_killed_subscription_leaves_nothing_that_counts_and_the_next_one_succeeds(seconds: float, small: ModelCard, empty_home: Path) -> None:
    process = start("print('go', flush=True)\ngallery.subscribe('small')")
    assert process.stdout is not None and process.stdout.readline() == "go\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    if gallery.is_subscribed("small"):
        gallery.verify("small")
    gallery.subscribe("small")
    gallery.verify("small")
    assert left_behind(empty_home) == ["small"]


def test_a_gallery_that_was_moved_still_works(small: ModelCard, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.subscribe("small")
    empty_home.rename(empty_home.with_name("moved"))
    monkeypatch.setenv("HEADSTART_HOME", str(empty_home.with_name("moved")))
    assert gallery.weights("small").is_file()


def test_a_folder_saved_by_timm_needs_no_card_but_asks_about_its_licence(tmp_path: Path, empty_home: Path) -> None:
    from headstart.backbone.build import build

    folder = tmp_path / "my model"
    folder.mkdir()
    for name, content in timm_files("test_vit", licence=None).items():
        (folder / name).write_bytes(content)
    source = f"folder:{folder}"
    with pytest.raises(InputError, match="--accept-licence unknown"):
        gallery.subscribe(source)
    made = gallery.subscribe(source, accept=["unknown"])
    assert made.card.name == "folder--my-model" and made.accepted and gallery.is_subscribed(source)
    assert gallery.card(source) == gallery.card("folder--my-model") == made.card
    network = build(made.card, gallery.weights(source))
    assert set(network.dropped) == {"head.weight", "head.bias"}


@pytest.mark.parametrize("source", ["folder:/no/such/folder", "pypi:some-package==1.0#w.pth"])
def test_a_model_that_nothing_describes_is_refused(source: str, empty_home: Path) -> None:
    with pytest.raises(InputError):
        gallery.subscribe(source)


def test_a_damaged_manifest_can_be_removed_as_its_message_says(small: ModelCard, empty_home: Path) -> None:
    (gallery.subscribe("small").folder / "manifest.json").write_text('{"card": 3}')
    gallery.remove("small")
    assert left_behind(empty_home) == [] and gallery.subscribe("small").weights.is_file()


def saved(folder: Path, seed: int) -> str:
    """A model as timm saves it."""
    folder.mkdir(parents=True)
    for name, content in timm_files("test_resnet", seed).items():
        (folder / name).write_bytes(content)
    return f"folder:{folder}"


def test_two_folders_that_end_alike_do_not_take_each_others_place(tmp_path: Path, empty_home: Path) -> None:
    first = gallery.subscribe(saved(tmp_path / "a" / "model", 0))
    with pytest.raises(InputError, match=r"folder--model is the name of another model(?s:.*)headstart gallery remove folder--model"):
        gallery.subscribe(saved(tmp_path / "b" / "model", 1))
    assert gallery.subscriptions() == (first,)
    chinese = [gallery.subscribe(saved(tmp_path / name, seed)).card.name for seed, name in enumerate(("情感模型", "评论模型"))]
    assert len({*chinese, "folder--model"}) == 3 == len(gallery.subscriptions())


@pytest.mark.parametrize("by", ["source", "name"])
def test_a_folder_whose_model_was_trained_again_gives_its_new_weights(by: str, tmp_path: Path, empty_home: Path) -> None:
    source = saved(tmp_path / "model", 0)
    first = gallery.subscribe(source)
    assert gallery.subscribe(source) == first
    (tmp_path / "model" / "model.safetensors").write_bytes(timm_files("test_resnet", 1)["model.safetensors"])
    second = gallery.subscribe(source if by == "source" else first.card.name)
    assert second.card.name == first.card.name and second.card.sha256 != first.card.sha256 and second.sha256 != first.sha256
    (tmp_path / "model").rename(tmp_path / "away")
    assert gallery.subscribe(first.card.name) == second


def test_a_card_whose_layout_was_corrected_is_converted_anew(tmp_path: Path, empty_home: Path) -> None:
    (tmp_path / "w.pkl").write_bytes(pickle.dumps({"a": np.arange(6.0).reshape(2, 3)}))
    shapes = []
    for layout in ("oihw", "hwio", "hwio"):
        write_card(card_for(tmp_path / "w.pkl", format="numpy-pickle", layout=layout), empty_home)
        shapes.append(tuple(read(gallery.subscribe("small").weights)["a"].shape))
    assert shapes == [(2, 3), (3, 2), (3, 2)]


def test_the_line_that_accepts_a_licence_works_for_a_model_without_a_card(tmp_path: Path, empty_home: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    for name, content in timm_files("test_resnet", licence=None).items():
        (folder / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        gallery.subscribe(f"folder:{folder}")
    _, _, _, source, _, licence = shlex.split(
        next(line for line in str(refused.value).splitlines() if "--accept-licence" in line).strip().removeprefix("fix: ")
    )[:6]
    assert gallery.subscribe(source, accept=[licence]).accepted
