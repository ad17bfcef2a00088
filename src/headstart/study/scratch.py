"""The scratch twin: the same network from random weights, everything trained, for as long as it is given."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.backbone.engines.race import machine
from headstart.base.events import stage
from headstart.base.hashing import digest
from headstart.base.journal import recall_record
from headstart.base.seeds import seed_for
from headstart.evaluation.intervals import gain
from headstart.evaluation.verdict import STARVED_EPOCHS
from headstart.planning.plan import Plan
from headstart.study.arms import Arm
from headstart.study.candidates import Candidate, open_backbone
from headstart.study.problem import NOBODY, Problem
from headstart.study.round import Round
from headstart.study.tracks import HALVED_WORK, PASSES
from headstart.training.arithmetic import precisions
from headstart.training.loop import Epoch, predict, train
from headstart.training.network import Classifier, new_head
from headstart.training.pixels import Pixels
from headstart.training.settings import Settings
from headstart.training.speed import Speed, fastest, recall
from headstart.training.way import Lengths

POOL_RATE = 0.3  # of the peak rate in that part: it has learnt already
LOOKING_SHARE = 0.25  # of its time that answering for the test items may take
LOOKED_AT_LEAST = 50  # planned, that is: time may turn out to allow fewer, or more
ANSWERS_AT_LEAST = 10
DECIDING_TIME_SHARE = 0.1  # of its time that answering once for the items which choose its epoch may take
LOOK_ITEMS = 9  # that show what an answer takes, the first of them unheeded: it warms up
UNHURRIED_SECONDS = 15.0  # below this, measuring a step would take a noticeable part of the training
DOUBT = 4.0  # times what is not measured but estimated a step may take: 0.5 s was expected of one that took 2
MOST_LOOKING = 0.4  # of its time that is kept for answering, however busy the moment was in which an answer was timed
LATE_SHARE = 0.5  # of a step, on average
MOST_OVERSHOT = 0.1  # likewise, for its last step
ERRORS_ACROSS = 3.92  # standard errors from one end of a 95 % interval to the other
DECIDING_SHARE = 0.15  # of what may be learnt from: enough to choose an epoch by, and to compare arms


@dataclass(frozen=True)
class Phase:
    """A part of the twin's time: until which share of it, at which size, on which items."""

    name: str
    until: float
    halved: bool
    everything: bool = False


PHASES = (Phase("half size", 0.6, halved=True), Phase("full size", 0.85, halved=False), Phase("all items", 1.0, halved=False, everything=True))


def from_scratch(
    candidate: Candidate,
    seconds: float,
    settings: Settings,
    plan: Plan,
    problem: Problem,
    pixels: Pixels,
    at_once: Mapping[bool, int],
    *,
    punctual: bool = False,
) -> Arm | None:
    """Train the same network from random weights for the given seconds, by the clock: a step that was timed on a busy machine must not starve it.

    Most of the time goes to pictures of half the size, where the network allows it: a quarter of the work a picture, so four times
    the epochs; the rest to full size, at which it is judged. Source: Tan and Le, EfficientNetV2, 2021, section 4 (progressive learning).

    Returns:
        The arm; None where memory has room for none of the sizes that the network takes.

    Args:
        candidate: Whose network.
        seconds: What it may take.
        settings: The plan's values for the loop.
        plan: For the peak rate and the arithmetic.
        problem: One round's.
        pixels: The items as the network takes them.
        at_once: How many items go through the network at a time, by whether they are of half the size: 0 for a whole batch; a size that is not named has
            no room.
        punctual: Whether somebody waits for its end: it then answers for fewer test items where its training took longer than was planned.
    """
    started, labels = problem.keeping.journal.instant("twin from scratch"), problem.dataset.labels
    backbone = open_backbone(candidate.card, candidate.items, seed=seed_for(problem.seed, "scratch"))
    width = backbone.crossing_shapes(backbone.depth)[0][0]
    classifier = Classifier(backbone.part(0, backbone.depth), new_head(width, problem.n_classes, problem.seed), keep_statistics=False)
    settings = replace(settings, learning_rate=plan.number("scratch_learning_rate"), patience=None, chooses_epoch=True)
    half = True in at_once and takes_half_size(classifier, pixels, problem.pool)
    sizes = tuple(halved for halved in (False, True) if (half if halved else False in at_once))
    if not sizes:
        return None
    hurried = seconds < UNHURRIED_SECONDS
    journal = problem.keeping.journal

    def speed(*, halved: bool) -> Speed:
        key = f"a step from scratch at {'half' if halved else 'full'} size"
        ours = replace(settings, at_once=at_once[halved])
        measure = partial(_speed, candidate, classifier, pixels, backbone.chain[0], plan, problem, ours, halved=halved, hurried=hurried)
        return recall_record(journal.recall, Speed, key, measure)

    speeds = {halved: speed(halved=halved) for halved in sizes}

    lengths = pixels.lengths if candidate.backbone.varies else None
    answering = replace(settings, precision=speeds[sizes[0]].precision, at_once=min(at_once.values()))
    look_seconds = float(journal.recall("seconds of an answer", lambda: _look_seconds(classifier, pixels, problem.pool, answering, lengths)))
    fitted, deciding = _parts(problem, round(DECIDING_TIME_SHARE * seconds / look_seconds))
    test = np.random.default_rng(seed_for(problem.seed, "scratch test items")).permutation(problem.split.test)
    planned = min(len(test), max(LOOKED_AT_LEAST, round(LOOKING_SHARE * seconds / look_seconds)))
    ends = started + seconds - min(look_seconds * (planned + len(deciding)), MOST_LOOKING * seconds)
    late = min(LATE_SHARE * min(map(expected_seconds, speeds.values())), MOST_OVERSHOT * seconds)  # the last step ends after its time
    ends -= late
    began, judged, history = journal.instant("training from scratch"), None, list[Epoch]()
    still_improving = True
    phases = journal.recall("phases from scratch", lambda: [(PHASES.index(one), until) for one, until in timetable(ends - began, speeds)])
    for number, share in phases:
        phase, so_far = PHASES[number], repr([row.train_loss for row in history])
        one, left = speeds[phase.halved], journal.recall(f"seconds of {phase.name}", partial(_left, began + (ends - began) * share))
        if history and left < max(0.0, expected_seconds(one) - 2 * late):
            continue  # the phase before took what this one would have needed
        pixels.halved = phase.halved
        items, judges = (problem.pool, NOBODY) if phase.everything else (fitted, deciding)
        if phase.everything and judged is None:  # from here on it learns these too
            judged = predict(classifier, pixels.read, deciding, answering, lengths)
        rate = settings.learning_rate * (POOL_RATE if phase.everything else 1.0)
        ours = replace(settings, precision=one.precision, learning_rate=rate, seconds=max(0.0, left), at_once=at_once[phase.halved])
        name = f"scratch, {phase.name}"
        place = problem.keeping.training(name, candidate.card.name, so_far)
        done = train(classifier, pixels.read, labels, items, judges, ours, seed=problem.seed, name=name, sink=problem.sink, place=place, lengths=lengths)
        if len(judges):
            judged, still_improving = None if phase.halved else done.probabilities, done.still_improving
        passed = history[-1].seconds if history else 0.0
        history += [replace(row, epoch=row.epoch + len(history), seconds=row.seconds + passed) for row in done.history]
    pixels.halved = False
    weights = {key.removeprefix("part."): value.cpu() for key, value in classifier.state_dict().items()}
    said = predict(classifier, pixels.read, deciding, answering, lengths) if judged is None else judged
    trained = history[-1].seconds if history else 0.0  # of saved values alone: a run that was killed answers for the same items
    affordable = int((seconds - (began - started) - trained) / look_seconds - (len(deciding) if judged is None else 0))
    least = ANSWERS_AT_LEAST if punctual else planned
    asked = int(journal.recall("answers that time allows", lambda: max(affordable, least)))
    return Arm(
        "scratch",
        problem.predictions(deciding, said),
        lambda items: predict(classifier, pixels.read, items, answering, lengths),
        time.perf_counter() - began,
        tuple(history),
        still_improving,
        weights=weights,
        model=candidate.card.name,
        test_items=np.sort(test[:asked]),
    )


def timetable(seconds: float, speeds: Mapping[bool, Speed]) -> list[tuple[Phase, float]]:
    """The phases that the seconds hold, each with the share of the time at which it ends; one that does not hold a step leaves its time to the first.

    Args:
        seconds: In all.
        speeds: What a step takes, by whether pictures are of half the size; without ``True`` the network takes no half size.
    """
    possible = [phase for phase in PHASES if phase.halved in speeds]
    shares = [phase.until - before for phase, before in zip(possible, [0.0, *(phase.until for phase in possible[:-1])], strict=True)]
    held = [n for n, phase in enumerate(possible) if n == 0 or shares[n] * seconds >= expected_seconds(speeds[phase.halved])]
    first = 1 - sum(shares[n] for n in held[1:])
    ends, done = [], 0.0
    for n in held:
        done += first if n == 0 else shares[n]
        ends.append((possible[n], done))
    return ends


def expected_seconds(speed: Speed) -> float:
    """What a step may well take: as measured, or several times what was only estimated."""
    return speed.seconds_per_step * (1.0 if speed.n_measured else DOUBT)


def better_untaught(trained: Arm, frozen: Arm | None, problem: Problem) -> Arm:
    """The better of two ways to start from random weights, by the items that chose the trained one's epoch: training everything, or only a head.

    On two cores a network that trains from scratch for minutes often knows less than a linear head on its frozen random features. A gain over the weaker
    of the two would praise pretraining for what a few seconds of fitting do. So of equals the head is taken; and a network that has hardly seen the items
    is better by luck alone, on the few that choose: it has to be better by more than one standard error.

    Args:
        trained: What `from_scratch` gave.
        frozen: The head on frozen random features, where there was time for it.
        problem: The round's.
    """
    if frozen is None:
        return trained
    beside = frozen.validation.among(trained.validation.items)
    ahead = gain(trained.validation, beside, problem.metric, problem.seed)
    is_starved = sum(row.passes for row in trained.history) < STARVED_EPOCHS
    if ahead.points > (is_starved * (ahead.high - ahead.low) / ERRORS_ACROSS):
        return trained
    return replace(untaught(frozen), validation=beside, seconds=trained.seconds, history=trained.history, still_improving=trained.still_improving)


def untaught(frozen: Arm) -> Arm:
    """The scratch twin that is nothing but a head on frozen random features; its network follows from the seed and is made anew where it is delivered."""
    return replace(frozen, name="scratch", seconds=0.0, frozen=True)


def untaught_elsewhere(played: Sequence[Round]) -> None:
    """Where every round that trained one preferred a head on random features, that head is the twin of the others too: it is there, and answers for all."""
    twins = [one.arms["scratch"] for one in played if "scratch" in one.arms]
    if not twins or not all(twin.frozen for twin in twins):
        return
    for one in played:
        if "scratch" not in one.arms and "random" in one.arms:
            one.arms["scratch"] = untaught(one.arms["random"])
            one.look()


def step_fits(candidate: Candidate, plan: Plan, seconds: float) -> bool:
    """Is there time for one step at least, as far as the race of engines tells what one takes?"""
    return seconds >= PASSES * plan.number("batch_items") / candidate.torch_items_per_second / HALVED_WORK


def takes_half_size(network: torch.nn.Module, pixels: Pixels, items: NDArray[np.int64]) -> bool:
    """Do the items know a half size, and does the network take it? Transformers with fixed positions do not."""
    if not pixels.can_halve(items[:2]):
        return False
    pixels.halved = True
    try:
        with torch.inference_mode():
            network.eval()(*pixels.read(items[:2], None))
    except (RuntimeError, AssertionError):
        return False
    finally:
        pixels.halved = False
    return True


def _parted(settings: Settings) -> list[str]:
    """What tells a step in parts from a whole one, in the key under which its time is remembered."""
    return [str(settings.at_once)] if settings.at_once else []


def _left(ends: float) -> float:
    return ends - time.perf_counter()


def _look_seconds(classifier: Classifier, pixels: Pixels, items: NDArray[np.int64], settings: Settings, lengths: Lengths | None) -> float:
    """What an answer for one item takes, at full size, in the arithmetic and layout of training, decoding included; of items of the middle length."""
    middle = items if lengths is None else items[np.argsort(lengths(items), kind="stable")][max(0, (len(items) - LOOK_ITEMS) // 2) :]
    pixels.halved, shown = False, middle[:LOOK_ITEMS]
    predict(classifier, pixels.read, shown[:1], settings)
    began = time.perf_counter()
    predict(classifier, pixels.read, shown[1:], settings)
    return (time.perf_counter() - began) / (len(shown) - 1)


def _parts(problem: Problem, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What it is fitted to, and the items by which its epoch is chosen: whole units of the first heat's held items, about a seventh of the pool, or fewer."""
    held, units = problem.heats[0][1], problem.split.units
    drawn = np.random.default_rng(seed_for(problem.seed, "scratch deciding")).permutation(np.unique(units[held]))
    counts = {unit: int(count) for unit, count in zip(*np.unique(units[held], return_counts=True), strict=True)}
    wanted = min(round(DECIDING_SHARE * len(problem.pool)), max(most, ANSWERS_AT_LEAST))
    total, chosen = 0, []
    for unit in drawn:
        if total >= max(1, wanted):
            break
        chosen.append(unit)
        total += counts[unit]
    return problem.pool[~np.isin(units[problem.pool], chosen)], held[np.isin(units[held], chosen)]


def _speed(
    candidate: Candidate,
    classifier: Classifier,
    pixels: Pixels,
    network: str,
    plan: Plan,
    problem: Problem,
    settings: Settings,
    *,
    halved: bool,
    hurried: bool,
) -> Speed:
    """What a step takes, recalled or measured; in a hurry, what is not known is estimated from the race of engines: measuring costs steps too."""
    key = digest(f"{candidate.card.name} scratch at {'half' if halved else 'full'} size", network, machine(), str(settings.batch_items), *_parted(settings))
    candidates = precisions(str(plan["training_precision"]))
    pixels.halved = halved
    if hurried and recall(key, candidates) is None:
        whole = PASSES * settings.batch_items / candidate.torch_items_per_second
        return Speed(candidates[0], whole / (HALVED_WORK if halved else 1), 0)
    with stage(problem.sink, "time a step"):
        return fastest(key, classifier, pixels.read, problem.dataset.labels, problem.pool, settings, candidates)
