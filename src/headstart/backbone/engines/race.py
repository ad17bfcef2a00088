"""A short race of engines per backbone: the fastest whose numbers stay near torch's float32 wins, and is remembered.

Torch's float32 itself is timed by the call that gives the reference, and wins where it is clearly faster than all others: its numbers take twice the room.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.backbone.cuda import has_cuda
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.openvino_engine import OpenVinoEngine
from headstart.backbone.engines.openvino_import import import_openvino
from headstart.backbone.engines.parts import runner
from headstart.backbone.engines.protocol import Arrays, Engine, stored_type
from headstart.backbone.engines.torch_engine import TorchEngine
from headstart.base.errors import InputError
from headstart.base.files import read_json, write_json
from headstart.base.folders import measured
from headstart.base.hashing import digest
from headstart.base.processor import has_bfloat16
from headstart.base.records import from_plain, to_plain

EXACT = TorchEngine(torch.float32)
ENGINES: tuple[Engine, ...] = (
    OpenVinoEngine("bfloat16"),
    TorchEngine(torch.bfloat16),
    OpenVinoEngine("float32"),
    EXACT,
    TorchEngine(torch.bfloat16, "cuda"),
)
RACE = "2"  # raise it when laps are measured otherwise: kept races are run anew
RACE_SECONDS = 0.25  # measured time per engine after one warm-up call; one batch at least
CLEARLY_FASTER = 1.2  # times as fast as the best of the others is torch's float32 where it wins: two laps of one engine differ by less on a quiet machine
RACE_ITEMS = 8  # a quarter of a batch ranks the engines and shows the deviation, and the slow ones cost a quarter
LEAST_MEAN_COSINE = 0.99  # bfloat16 of EfficientNet-Lite0, 0.9957, costs its probe 0.2 points over 8 splits, within the noise (LOG.md)


@dataclass(frozen=True)
class Lap:
    """What one engine showed in the race.

    Attributes:
        engine: Its name.
        items_per_second: Speed of the whole network.
        cosine: Smallest cosine, over the items, between its features as they are stored and torch's float32.
        mean_cosine: Mean cosine over the items: what decides whether the engine is right enough.
        largest_difference: Largest difference of one feature, as a fraction of the largest feature.
    """

    engine: str
    items_per_second: float
    cosine: float
    mean_cosine: float
    largest_difference: float


@dataclass(frozen=True)
class Choice:
    """The engine of a backbone on this machine, and the race that chose it."""

    engine: str
    race: tuple[Lap, ...]
    machine: str


def engine_named(name: str) -> Engine:
    """Find an engine by its name.

    Raises:
        InputError: when there is none of that name.
    """
    for engine in ENGINES:
        if engine.name == name:
            return engine
    raise InputError("no such engine", got=name, allowed=[engine.name for engine in ENGINES])


def choose(backbone: Backbone, batch: NDArray[np.generic], taps: tuple[int, ...] = (), *, exact: bool = False) -> Choice:
    """Race the engines over one batch of real items, or recall the race of the same network on this machine.

    Args:
        backbone: The network.
        batch: Prepared items, shape ``(BATCH_ITEMS, ...)``.
        taps: Cuts that the pass after the race will tap: what an engine compiles for the race then serves the pass.
        exact: True leaves only torch's float32, which runs alone, so that its speed is known.

    Cost: 1 to 5 s the first time, conversion included; nothing after that.
    """
    kept = measured() / f"{digest('exact' if exact else 'race', RACE, backbone.chain[-1], machine(), str(batch.shape))}.json"
    if kept.exists():
        try:
            return from_plain(Choice, read_json(kept), str(kept))
        except (InputError, ValueError):
            kept.unlink(missing_ok=True)
    choice = _race(backbone, (batch,), taps, exact=exact)
    write_json(kept, to_plain(choice))
    return choice


@cache
def machine() -> str:
    """Processor, threads and versions: what an engine's speed depends on."""
    openvino = import_openvino()
    model = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    card = f", {torch.cuda.get_device_name()}" if has_cuda() else ""
    narrow = ", bfloat16" if has_bfloat16() else ""  # the same name stands for processors with and without it
    return f"{model}{narrow}, {torch.get_num_threads()} threads{card}, torch {torch.__version__}, openvino {openvino.__version__.split('-')[0]}"


def _race(backbone: Backbone, batch: Arrays, taps: tuple[int, ...], *, exact: bool) -> Choice:
    few = tuple(array[:RACE_ITEMS] for array in batch)
    alone, reference = _lap(EXACT, backbone, few, taps)
    laps: list[Lap] = []
    for engine in () if exact else ENGINES:
        if engine.available() and not engine.exact and not _pointless(engine, laps):
            laps.append(_lap(engine, backbone, few, taps, reference)[0])
    right = [lap for lap in laps if lap.mean_cosine >= LEAST_MEAN_COSINE]
    fastest = max([*right, replace(alone, items_per_second=alone.items_per_second / CLEARLY_FASTER)], key=lambda lap: lap.items_per_second)
    return Choice(fastest.engine, (*laps, alone), machine())


def _pointless(engine: Engine, laps: Sequence[Lap]) -> bool:
    """Is it an engine in bfloat16 on a processor that would only emulate it, or one in float32 whose bfloat16 is right enough already?

    Emulated, a lap takes many times the rest of the race; and on no network of the gallery was the wider format the faster one where both are native.
    """
    if engine.name.endswith("bfloat16") and not has_bfloat16():
        return True
    narrow = engine.name.replace("float32", "bfloat16")
    return narrow != engine.name and any(lap.engine == narrow and lap.mean_cosine >= LEAST_MEAN_COSINE for lap in laps)


def _lap(
    engine: Engine, backbone: Backbone, batch: Arrays, taps: tuple[int, ...], reference: NDArray[np.generic] | None = None
) -> tuple[Lap, NDArray[np.generic]]:
    """Time an engine, and return what it says. Without a reference it is the reference; where its first call is long, that is its time."""
    run = runner(engine, backbone, 0, backbone.depth, taps, batch)
    started, calls = time.perf_counter(), 1
    features = run(batch)[-1]
    if reference is not None or time.perf_counter() - started < RACE_SECONDS:
        started, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - started < RACE_SECONDS:
            run(batch)
            calls += 1
    speed = calls * len(features) / (time.perf_counter() - started)
    with np.errstate(over="ignore"):  # numbers that half precision does not hold become infinite, and the engine falls out
        kept = features.astype(stored_type(engine))
    return Lap(engine.name, round(speed, 1), *_deviation(kept, features if reference is None else reference)), features


def _deviation(features: NDArray[np.generic], reference: NDArray[np.generic]) -> tuple[float, float, float]:
    if not np.isfinite(features).all():
        return -1.0, -1.0, 1.0
    flat, other = (np.asarray(array, np.float64).reshape(len(array), -1) for array in (features, reference))
    lengths = np.linalg.norm(flat, axis=1) * np.linalg.norm(other, axis=1)
    cosines = (flat * other).sum(1) / np.maximum(lengths, np.finfo(np.float64).tiny)
    largest = float(np.abs(flat - other).max() / max(np.abs(other).max(), np.finfo(np.float64).tiny))
    return (float(cosines.min()), float(cosines.mean()), largest) if np.isfinite(largest) else (-1.0, -1.0, 1.0)
