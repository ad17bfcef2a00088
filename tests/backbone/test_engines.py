"""Engines give the network's numbers within a stated bound; the race is short, honest and remembered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart import gallery
from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines import race
from headstart.backbone.engines.openvino_engine import HINTS, OpenVinoEngine
from headstart.backbone.engines.openvino_import import import_openvino
from headstart.backbone.engines.protocol import BATCH_ITEMS, Arrays, Engine, Runner
from headstart.backbone.engines.race import CLEARLY_FASTER, ENGINES, EXACT, LEAST_MEAN_COSINE, Choice, Lap, choose
from headstart.base.files import write_json
from headstart.base.hashing import digest
from headstart.base.records import to_plain

PHOTOS = 8


@dataclass(frozen=True)
class HalfFloat:
    """An engine that says a third of a number, whatever the network."""

    scale: float
    name: str = "half"
    version: str = "1"
    exact: bool = False

    def available(self) -> bool:
        return True

    def load(self, part: object, example: Arrays, key: str, varying: Sequence[bool] = ()) -> Runner:
        return lambda batch: (np.full((len(batch[0]), 8), self.scale / 3, np.float32),)


def lap_at(engine: Engine, speed: float) -> tuple[Lap, np.ndarray]:
    """A lap of a given speed, without running anything."""
    return Lap(engine.name, speed, 1.0, 1.0, 0.0), np.ones((race.RACE_ITEMS, 8), np.float32)


@pytest.fixture(scope="module")
def backbone(subscribed: Callable[[str], Path]) -> Backbone:
    weights = subscribed("efficientnet_lite0")
    network = build(gallery.card("efficientnet_lite0"), weights)
    return Backbone(network, torch.zeros((1, 3, 224, 224), dtype=torch.uint8))


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    """Smooth random pictures: more like photographs than noise is."""
    coarse = torch.rand(BATCH_ITEMS, 3, 14, 14, generator=torch.Generator().manual_seed(0))
    return (torch.nn.functional.interpolate(coarse, 224, mode="bicubic").clamp(0, 1) * 255).byte().numpy()


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine.available()], ids=lambda engine: engine.name)
def test_an_engine_deviates_from_float32_within_its_bound(engine, backbone: Backbone, batch: np.ndarray, empty_home: Path) -> None:  # type: ignore[no-untyped-def]
    part = backbone.part(0, backbone.depth, (5, backbone.depth - 1))
    with torch.no_grad():
        reference = [tensor.numpy() for tensor in part(torch.from_numpy(batch[:PHOTOS]))]
    outputs = engine.load(part, (batch,), backbone.part_key(0, backbone.depth, (5, backbone.depth - 1)))((batch,))
    assert [output.shape[1:] for output in outputs] == [tensor.shape[1:] for tensor in reference]
    for output, tensor in zip(outputs, reference, strict=True):
        _, mean, largest = race._deviation(output[:PHOTOS], tensor)
        if "float32" in engine.name:
            assert largest < 1e-4
        else:
            assert mean > LEAST_MEAN_COSINE


def test_threads_are_not_tied_to_cores_and_the_numbers_are_those_of_threads_that_are(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    small = Backbone(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 36, 5)), torch.rand(1, 3, 8, 8))
    items, compiled, real = (np.random.default_rng(0).random((BATCH_ITEMS, 3, 8, 8), np.float32),), [], import_openvino().Core.compile_model
    monkeypatch.setattr(import_openvino().Core, "compile_model", lambda *given: compiled.append(real(*given)) or compiled[-1])
    free = OpenVinoEngine("float32").load(small.part(0, 2), items, "key")(items)
    monkeypatch.setitem(HINTS, "ENABLE_CPU_PINNING", True)
    tied = OpenVinoEngine("float32").load(small.part(0, 2), items, "key")(items)
    assert compiled[0].get_property("ENABLE_CPU_PINNING") is False
    assert np.array_equal(free[0], tied[0])


def test_the_exact_engine_is_torch_bit_for_bit(backbone: Backbone, batch: np.ndarray) -> None:
    with torch.no_grad():
        reference = backbone.network(torch.from_numpy(batch)).numpy()
    assert np.array_equal(EXACT.load(backbone.part(0, backbone.depth), (batch,), "key")((batch,))[0], reference)


def test_the_race_is_remembered_and_its_winner_is_right_enough(backbone: Backbone, batch: np.ndarray, empty_home: Path) -> None:
    first = choose(backbone, batch)
    winner = next(lap for lap in first.race if lap.engine == first.engine)
    right = [lap for lap in first.race if lap.mean_cosine >= LEAST_MEAN_COSINE]
    assert first.race[-1].engine == EXACT.name
    assert CLEARLY_FASTER * winner.items_per_second >= max(lap.items_per_second for lap in right)
    assert choose(backbone, batch) == first
    (kept,) = (empty_home / "engines").glob("*.json")
    kept.write_text("{broken")
    assert choose(backbone, batch).race[0].engine == first.race[0].engine


def test_bfloat16_is_raced_only_where_the_processor_has_it(backbone: Backbone, batch: np.ndarray, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raced = {}
    for native in (False, True):
        monkeypatch.setattr(race, "has_bfloat16", lambda native=native: native)
        race.machine.cache_clear()  # another processor is another machine: nothing is recalled
        raced[native] = {lap.engine for lap in choose(backbone, batch).race if "cuda" not in lap.engine}
    race.machine.cache_clear()
    assert raced[False] == {"openvino-float32", "torch-float32"} and "openvino-bfloat16" in raced[True]


def test_the_reference_is_timed_and_wins_only_where_it_is_clearly_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    small, items = Backbone(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU()), torch.rand(1, 4)), (np.ones((BATCH_ITEMS, 4), np.float32),)
    monkeypatch.setattr(race, "ENGINES", (HalfFloat(1e6), EXACT))
    for speed, wins in ((119.0, "half"), (121.0, EXACT.name)):
        monkeypatch.setattr(race, "_lap", lambda engine, *_, speed=speed: lap_at(engine, speed if engine is EXACT else 100.0))
        choice = race._race(small, items, (), exact=False)
        assert choice.engine == wins and [lap.engine for lap in choice.race] == ["half", EXACT.name]


def test_a_deviation_is_told_of_the_numbers_as_they_are_stored_and_what_half_precision_does_not_hold_loses() -> None:
    small, items = Backbone(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU()), torch.rand(1, 4)), (np.ones((BATCH_ITEMS, 4), np.float32),)
    laps = [race._lap(HalfFloat(scale), small, items, (), np.full((BATCH_ITEMS, 8), scale / 3, np.float32))[0] for scale in (1.0, 1e6)]
    assert laps[0].largest_difference == pytest.approx(abs(float(np.float16(1 / 3)) * 3 - 1), rel=1e-3)
    assert (laps[1].mean_cosine, laps[1].largest_difference) == (-1.0, 1.0)


def test_a_race_that_was_kept_before_the_reference_was_timed_is_run_anew(backbone: Backbone, batch: np.ndarray, empty_home: Path) -> None:
    old = empty_home / "engines" / f"{digest(backbone.chain[-1], race.machine(), str(batch.shape))}.json"
    write_json(old, to_plain(Choice("openvino-float32", (Lap("openvino-float32", 1e9, 1.0, 1.0, 0.0),), race.machine())))
    assert EXACT.name in {lap.engine for lap in choose(backbone, batch).race}


def test_bit_equality_leaves_only_torch_in_float32(backbone: Backbone, batch: np.ndarray, empty_home: Path) -> None:
    choice = choose(backbone, batch, exact=True)
    assert choice.engine == "torch-float32" and [lap.engine for lap in choice.race] == ["torch-float32"] and choice.race[0].items_per_second > 0
    assert choose(backbone, batch, exact=True) == choice and len(choose(backbone, batch).race) > 1  # the one race does not stand for the other


def test_converting_reports_to_nobody(tmp_path: Path) -> None:
    code = """
import sys
tried = []
sys.addaudithook(lambda event, arguments: tried.append((event, arguments)) if event.startswith("socket.") and event != "socket.__new__" else None)
import numpy as np, torch
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import ENGINES
backbone = Backbone(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 2)), torch.rand(1, 3, 8, 8))
batch = (np.random.rand(32, 3, 8, 8).astype(np.float32),)
for engine in ENGINES:
    if engine.available():
        engine.load(backbone.part(0, 2), batch, "key")(batch)
assert not tried, tried
"""
    environment = {**os.environ, "HEADSTART_HOME": str(tmp_path), "HOME": str(tmp_path), "CI": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "intel").exists()
