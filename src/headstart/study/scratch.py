"""The scratch twin: the same network from random weights, everything trained, for as long as it is given."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.backbone.engines.race import machine
from headstart.base.events import stage
from headstart.base.hashing import digest
from headstart.base.seeds import seed_for
from headstart.planning.plan import Plan
from headstart.study.arms import Arm
from headstart.study.candidates import Candidate, open_backbone
from headstart.study.problem import Problem
from headstart.study.tracks import JUDGING_COST
from headstart.training.loop import Epoch, predict, train
from headstart.training.network import Classifier, new_head
from headstart.training.pixels import Pixels
from headstart.training.settings import Settings
from headstart.training.speed import PRECISIONS, Speed, fastest

HALVED_SHARE = 0.6  # of its time at half size
POOL_SHARE = 0.15  # of its time, at the end, on everything that may be learnt from, the items that chose its epoch too
POOL_RATE = 0.3  # of the peak rate in that part: it has learnt already
DECIDING_SHARE = 0.15  # of what may be learnt from: enough to choose an epoch by, and to compare arms
PIXEL_AXES = 3


def from_scratch(candidate: Candidate, seconds: float, settings: Settings, plan: Plan, problem: Problem) -> Arm:
    """Train the same network from random weights for the given seconds, by the clock: a step that was timed on a busy machine must not starve it.

    Most of the time goes to pictures of half the size, where the network allows it: a quarter of the work a picture, so four times
    the epochs; the rest to full size, at which it is judged. Source: Tan and Le, EfficientNetV2, 2021, section 4 (progressive learning).

    Args:
        candidate: Whose network.
        seconds: What it may take.
        settings: The plan's values for the loop.
        plan: For the peak rate and the arithmetic.
        problem: One round's.
    """
    started = time.perf_counter()
    fitted, deciding = _parts(problem)
    backbone = open_backbone(candidate.card, candidate.items, seed=seed_for(problem.seed, "scratch"))
    width = backbone.crossing_shapes(backbone.depth)[0][0]
    classifier = Classifier(backbone.part(0, backbone.depth), new_head(width, problem.n_classes, problem.seed), keep_statistics=False)
    pixels = Pixels(candidate.items, candidate.items.augment, seed=problem.seed)
    settings = replace(settings, learning_rate=plan.number("scratch_learning_rate"), patience=None)
    nobody, halves = np.zeros(0, dtype=np.int64), takes_half_size(classifier, pixels, fitted)
    small = HALVED_SHARE if halves else 0.0
    phases = [("half size", True, small, fitted, deciding), ("full size", False, 1 - POOL_SHARE - small, fitted, deciding)]
    phases.append(("all items", False, POOL_SHARE, problem.pool, nobody))
    history: tuple[Epoch, ...] = ()
    judged, still_improving = None, False
    for what, halved, share, items, judges in phases[0 if halves else 1 :]:
        pixels.halved = halved
        name = f"scratch, {what}"
        one = _speed(f"{candidate.card.name} scratch at {'half' if halved else 'full'} size", classifier, pixels, backbone.chain[0], plan, problem, settings)
        ours = replace(settings, precision=one.precision, learning_rate=settings.learning_rate * (1.0 if len(judges) else POOL_RATE))
        ours = replace(ours, seconds=max(0.0, seconds * share - one.seconds_per_step * len(judges) / ours.batch_items * JUDGING_COST))
        done = train(classifier, pixels.read, problem.dataset.labels, items, judges, ours, seed=problem.seed, name=name, sink=problem.sink)
        if len(judges):
            judged, still_improving = done.probabilities, done.still_improving
        passed = history[-1].seconds if history else 0.0
        history += tuple(replace(row, epoch=row.epoch + len(history), seconds=row.seconds + passed) for row in done.history)
        settings = replace(settings, precision=one.precision)
    final = settings
    weights = {key.removeprefix("part."): value for key, value in classifier.state_dict().items()}
    return Arm(
        "scratch",
        problem.predictions(deciding, judged if judged is not None else predict(classifier, pixels.read, deciding, final)),
        lambda items: predict(classifier, pixels.read, items, final),
        time.perf_counter() - started,
        history,
        still_improving,
        weights=weights,
        model=candidate.card.name,
    )


def takes_half_size(network: torch.nn.Module, pixels: Pixels, items: NDArray[np.int64]) -> bool:
    """Does the network take pictures of half its size? Transformers with fixed positions do not."""
    pixels.halved = True
    try:
        with torch.inference_mode():
            network.eval()(*pixels.read(items[:2], None))
    except (RuntimeError, AssertionError):
        return False
    finally:
        pixels.halved = False
    return True


def _parts(problem: Problem) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What it is fitted to, and the items by which its epoch is chosen: whole units of the first heat's held items, about a seventh of the pool."""
    held, units = problem.heats[0][1], problem.split.units
    drawn = np.random.default_rng(seed_for(problem.seed, "scratch deciding")).permutation(np.unique(units[held]))
    counts = {unit: int(count) for unit, count in zip(*np.unique(units[held], return_counts=True), strict=True)}
    total, chosen = 0, []
    for unit in drawn:
        if total >= max(1, round(DECIDING_SHARE * len(problem.pool))):
            break
        chosen.append(unit)
        total += counts[unit]
    deciding = held[np.isin(units[held], chosen)]
    return np.setdiff1d(problem.pool, deciding), deciding


def _speed(name: str, classifier: Classifier, pixels: Pixels, network: str, plan: Plan, problem: Problem, settings: Settings) -> Speed:
    key = digest(name, network, machine(), str(settings.batch_items))
    precisions = ("float32",) if plan["training_precision"] == "float32" else PRECISIONS
    with stage(problem.sink, "time a step"):
        return fastest(key, classifier, pixels.read, problem.dataset.labels, problem.pool, settings, precisions)
