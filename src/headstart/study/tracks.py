"""How an entrant of the race is run, fitted and averaged: the networks, their stored activations and the training loop behind the race's words."""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.activations.collect import Activations, collect
from headstart.backbone.engines.race import machine
from headstart.backbone.lora import add_lora, distances, merge
from headstart.base.hashing import digest
from headstart.base.journal import Recall, afresh, recall_record
from headstart.evaluation.predictions import Predictions
from headstart.evaluation.temperature import calm_losses
from headstart.planning.entrants import Entrant
from headstart.planning.memory import NO_LIMIT, Memory
from headstart.planning.plan import Plan
from headstart.study import room
from headstart.study.arms import head_on
from headstart.study.candidates import Candidate, Collected, Probed
from headstart.study.problem import Problem
from headstart.task.linear import Floats, LinearHead, balancing
from headstart.training.arithmetic import precisions
from headstart.training.loop import NOBODY, Read, Trained, describe, predict, train
from headstart.training.network import Classifier, head_from
from headstart.training.pixels import Pixels
from headstart.training.race import Heat
from headstart.training.range_test import highest_rate
from headstart.training.settings import Settings, n_steps
from headstart.training.speed import Speed, correct, fastest
from headstart.training.way import Lengths

JUDGING_COST = 1 / 3  # of training on the same item: forward alone, where training goes forward and backward
HALVED_WORK = 4  # times less for half the side
PASSES = 3  # forward passes' worth of FLOPs in a training step
DENSER = 3.0  # times as many FLOPs a second as its network does a block may do: the last of EfficientNet-Lite0, dense where others are depthwise, did 2 to 3
DIGITS = 6  # of a score that count


@dataclass(eq=False)
class Tracks:
    """The networks that may race, with what is stored of them; lives as long as a study, so that nothing is read or measured twice.

    Attributes:
        collected: By model.
        plan: Its values are the settings that entrants vary.
        recall: What was measured when the study began.
        memory: What the process may hold.
    """

    collected: dict[str, Collected]
    plan: Plan
    recall: Recall = afresh
    memory: Memory = NO_LIMIT
    _pixels: dict[str, Pixels] = field(default_factory=dict)
    _at_once: dict[tuple[str, int], int] = field(default_factory=dict)
    _kept: dict[tuple[str, int, int], Activations] = field(default_factory=dict)
    _speeds: dict[tuple[str, int], Speed] = field(default_factory=dict)

    def settings(self, entrant: Entrant | None = None) -> Settings:
        """The plan's values, with what an entrant changes."""
        plan = self.plan
        usual = Settings(
            learning_rate=plan.number("learning_rate"),
            weight_decay=plan.number("weight_decay"),
            batch_items=int(plan.number("batch_items")),
            epochs=plan.number("epochs"),
            patience=int(plan.number("patience")),
            warmup_fraction=plan.number("warmup"),
            precision=self._precisions()[0],
            channels_last=plan["training_precision"] != "float32",
            balance=bool(plan["balance"]),
        )
        if entrant is None:
            return usual
        changes: dict[str, Any] = dict(entrant.changes)
        if plan.decision("learning_rate").source == "pinned":
            changes.pop("learning_rate", None)
        known = self._speeds.get((entrant.model, entrant.cut))
        return replace(usual, **changes, precision=known.precision if known else usual.precision, at_once=self._at_once.get((entrant.model, entrant.cut), 0))

    def no_room(self, model: str, cut: int, problem: Problem) -> str:
        """Decide how many items go at once through what trains behind a cut, in this round; the reason, where too few would fit."""
        if not self.memory.is_limited:
            return ""
        backbone, recall, most = self.collected[model].candidate.backbone, problem.keeping.journal.recall, self.settings().batch_items
        fits = recall(f"items at once of {model} from block {cut}", lambda: room.to_train(backbone, cut, most, self.memory, len(problem.dataset)))
        self._at_once[(model, cut)] = fits if fits < most else 0
        return "" if fits else str(recall(f"why {model} from block {cut} has no room", lambda: room.no_room(backbone, cut, self.memory, len(problem.dataset))))

    def sizes(self, model: str, problem: Problem) -> dict[bool, int]:
        """How many items go at once through a network of which everything trains, by whether pictures are of half the size; what has no room is not named."""
        backbone, recall, most = self.collected[model].candidate.backbone, problem.keeping.journal.recall, self.settings().batch_items
        found = {}
        for halved, shrunk in ((False, 1.0), (True, float(HALVED_WORK))):
            fit = partial(room.to_train, backbone, 0, most, self.memory, len(problem.dataset), shrunk=shrunk)
            found[halved] = recall(f"items at once of {model} from scratch, {'half' if halved else 'full'} size", fit) if self.memory.is_limited else most
        return {halved: n if n < most else 0 for halved, n in found.items() if n}

    def trains_whole(self, model: str, cut: int) -> bool:
        """Does a whole batch go at once through what trains behind a cut?"""
        return not self._at_once.get((model, cut), 0)

    def pixels(self, model: str, problem: Problem) -> Pixels:
        """The prepared items of a model, for training of the whole network: one reader for all rounds, which keeps them once."""
        if model not in self._pixels:
            one = self.collected[model].candidate
            held = {"memory_bytes": int(self.memory.pixels_bytes)} if self.memory.is_limited else {}
            self._pixels[model] = Pixels(one.items, one.items.augment, seed=problem.seed, halve=one.items.modality.halved, **held)
        return self._pixels[model]

    def reader(self, model: str, cut: int, views: int, problem: Problem) -> Read:
        """Read what crosses a cut as float32, from the store where there is a cut; in epoch e an item shows its view e + its number, modulo the views."""
        if cut == 0:
            return self.pixels(model, problem).read
        kept = [self._activations(model, cut, view, problem) for view in range(views + 1)]

        def read(index: NDArray[np.int64], epoch: int | None) -> tuple[Tensor, ...]:
            if epoch is None or len(kept) == 1:
                return tuple(torch.from_numpy(rows).float() for rows in kept[0].rows(index))
            return _gathered(kept, index, (index + epoch) % len(kept))

        return read

    def lengths(self, model: str, cut: int, problem: Problem) -> Lengths | None:
        """Lengths of items where what crosses a cut varies in them."""
        backbone = self.collected[model].candidate.backbone
        if not any(backbone.varying(cut)):
            return None
        return self._activations(model, cut, 0, problem).lengths if cut else self.pixels(model, problem).lengths

    def features(self, model: str, views: int, problem: Problem) -> list[NDArray[np.generic]]:
        """Head features ``(n, d)`` of all items, of each view."""
        one = self.collected[model]
        depth = one.candidate.backbone.depth
        return [one.features, *(self._activations(model, depth, view, problem).rows(problem.everything)[0] for view in range(1, views + 1))]

    def classifier(self, model: str, cut: int, head: LinearHead) -> Classifier:
        """The blocks behind a cut with their pretrained weights, and a head: a copy, so that every training starts from the same."""
        backbone = self.collected[model].candidate.backbone
        part = copy.deepcopy(backbone.part(cut, backbone.depth))
        return Classifier(part, head_from(head), keep_statistics=True, distances=backbone.distances(cut))

    def speed(self, model: str, cut: int, problem: Problem, most_seconds: float = float("inf")) -> Speed:
        """How long a training step behind a cut takes: measured on this machine, then recalled; once more where one fold alone would take too long."""
        known = self._speeds.get((model, cut))
        if known is None:
            one, settings = self.collected[model].candidate, self.settings(Entrant(model, cut, "", None, 0.0))
            width = one.backbone.crossing_shapes(one.backbone.depth)[0][0]
            head = LinearHead(np.zeros((problem.n_classes, width), np.float32), np.zeros(problem.n_classes, np.float32), 0.0)
            classifier, read = self.classifier(model, cut, head), self.reader(model, cut, 0, problem)
            labels, doubted = problem.dataset.labels, lambda speed: self._seconds_at(speed, problem) > most_seconds
            known = recall_record(
                self.recall,
                Speed,
                f"a step of {model} from block {cut}",
                lambda: fastest(self._key(model, cut), classifier, read, labels, problem.pool, settings, self._precisions(), doubted=doubted),
            )
            self._speeds[(model, cut)] = known
        return known

    def _precisions(self) -> tuple[str, ...]:
        return precisions(str(self.plan["training_precision"]))

    def took(self, entrant: Entrant, trained: Trained) -> None:
        """Correct what is remembered of a step by what a plain training's own steps took; this study goes on with what it began with."""
        if trained.seconds_per_step is not None and not entrant.changes and not entrant.views:
            correct(self._key(entrant.model, entrant.cut), self.settings(entrant).precision, trained.seconds_per_step)

    def least_seconds(self, model: str, cut: int, problem: Problem) -> float:
        """What one fold takes at the least, from FLOPs and the speed that torch showed in the race of engines: nothing is measured for it."""
        fitted, _ = problem.heats[0]
        return least_seconds(self.collected[model].candidate, cut, len(fitted) * self.settings().epochs * problem.longer(fitted))

    def fold_seconds(self, model: str, cut: int, problem: Problem, most_seconds: float = float("inf")) -> float:
        """What one fold is expected to take: its steps, and a look at the held items after every epoch.

        Where a fold alone would take longer than ``most_seconds`` by what is remembered, a step is measured again before that decides.
        """
        return self._seconds_at(self.speed(model, cut, problem, most_seconds), problem)

    def _seconds_at(self, speed: Speed, problem: Problem) -> float:
        fitted, held = problem.heats[0]
        settings = self.settings()
        settings = replace(settings, epochs=settings.epochs * problem.longer(fitted))
        whole_batches = n_steps(len(fitted), settings) * min(1.0, len(fitted) / settings.batch_items)
        return speed.seconds_per_step * (whole_batches + settings.epochs * len(held) / settings.batch_items * JUDGING_COST)

    def views_saved(self, models: Collection[str]) -> float:
        """Seconds that the store saved on varied views of some models."""
        return sum(one.seconds_saved for (model, _, view), one in self._kept.items() if view and model in models)

    def _key(self, model: str, cut: int) -> str:
        parts = [str(self.settings().batch_items), *([] if self.trains_whole(model, cut) else [str(self._at_once[(model, cut)])])]
        return digest(f"{model} from block {cut}", self.collected[model].candidate.backbone.chain[0], machine(), *parts)

    def _activations(self, model: str, cut: int, view: int, problem: Problem) -> Activations:
        one = self.collected[model]
        if view == 0 and cut in one.activations:
            return one.activations[cut]
        if (model, cut, view) not in self._kept:
            candidate = one.candidate
            unit = f"items · {model}{f', view {view}' if view else ''}"
            items, name = candidate.items.seen_as(view), candidate.card.name
            about: dict[str, Any] = {"label": name, "view": view, "sink": problem.sink, "unit": unit, "recall": self.recall}
            self._kept[(model, cut, view)] = collect(candidate.backbone, [cut], items, candidate.engine, problem.store, **about)[cut]
        return self._kept[(model, cut, view)]


@dataclass(eq=False)
class Contest:
    """One problem's race on the tracks: what `training.race` calls by number of entrant and fold."""

    tracks: Tracks
    probed: dict[str, Probed]
    problem: Problem
    _heads: dict[tuple[str, int, int], LinearHead] = field(default_factory=dict)
    _rates: dict[tuple[str, int], float] = field(default_factory=dict)
    _weights_bytes: float = 0.0

    def run(self, entrant: Entrant, fold: int) -> Heat:
        """Fit an entrant to what a fold leaves and answer for what it holds out."""
        started = time.perf_counter()
        fitted, held = self.problem.heats[fold]
        head = self._head(entrant, fold, fitted)
        if entrant.is_linear:
            return Heat(head.probabilities(self._features(entrant)[held]), time.perf_counter() - started, weights=_head_weights(head))
        done, trained = self._train(entrant, head, fitted, held, name=_stage(entrant, f"fold {fold + 1}"))
        weights = self._while_they_fit(trained)
        return Heat(done.probabilities, time.perf_counter() - started, weights, done.history)

    def _while_they_fit(self, weights: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """Trained weights, which wait for a mean of the two best; under a limit only as many as fit: the others are trained anew where they are needed."""
        size = sum(value.nbytes for value in weights.values())
        if len(self.problem.heats) > 1 and self._weights_bytes + size > self.tracks.memory.weights_bytes:
            return None
        self._weights_bytes += size
        return weights

    def stand(self, heats: Sequence[Heat]) -> tuple[float, float]:
        """Minus the log-loss on all held items of the heats so far, and their score for ties.

        The log-loss is of what everybody would say as sure as he is right: that is put right for the winner too. It says more of few items than how many
        were right: chosen by it, cuts were 1.1 points short of the best, chosen by the score 2.7 (``benchmarks/depth_choice.py``).
        """
        return round(float(worth(self.problem, heats).mean()), DIGITS), round(self.problem.score(judged(self.problem, heats)), DIGITS)

    def refit(self, entrant: Entrant) -> tuple[LinearHead | None, dict[str, Tensor]]:
        """Fit an entrant to everything that may be learnt from, to the end of the schedule."""
        pool = self.problem.pool
        head = self._head(entrant, -1, pool)
        if entrant.is_linear:
            return head, _head_weights(head)
        return None, self._train(entrant, head, pool, NOBODY, name=_stage(entrant, "all items"))[1]

    def answer(self, model: str, cut: int, weights: dict[str, Tensor], items: NDArray[np.int64]) -> Floats:
        """Probabilities of items under trained weights of the blocks behind a cut."""
        entrant = Entrant(model, cut, "", None, 0.0)
        head = LinearHead(weights["head.weight"].numpy(), weights["head.bias"].numpy(), 0.0)
        classifier = self.tracks.classifier(model, cut, head)
        state = {name if name.startswith("head.") else f"part.{name}": value for name, value in weights.items()}
        classifier.load_state_dict({**classifier.state_dict(), **state})
        read, lengths = self.tracks.reader(model, cut, 0, self.problem), self.tracks.lengths(model, cut, self.problem)
        return predict(classifier, read, items, self.tracks.settings(entrant), lengths)

    def average(self, pair: Sequence[dict[str, Tensor]], model: str) -> dict[str, Tensor]:
        """The mean of two sets of weights; where one of them left a block frozen, its pretrained weights count.

        Source: Wortsman et al., Model Soups, 2022, and Robust Fine-Tuning, 2022 (with the pretrained weights).
        """
        pretrained = self.tracks.collected[model].candidate.backbone.network.state_dict()
        names = dict.fromkeys(name for weights in pair for name in weights)
        mixed = {}
        for name in names:
            both = [weights[name] if name in weights else pretrained[name] for weights in pair]
            mixed[name] = (both[0].float() + both[1].float()).div(2).to(both[0].dtype) if both[0].is_floating_point() else both[0]
        return mixed

    def highest_rate(self, entrant: Entrant) -> float:
        """The highest learning rate that trains the blocks behind an entrant's cut, by a range test on the first fold."""
        key = entrant.model, entrant.cut
        if key not in self._rates:
            fitted, _ = self.problem.heats[0]
            classifier = self.tracks.classifier(entrant.model, entrant.cut, self._head(replace(entrant, views=0), 0, fitted))
            read, settings = self.tracks.reader(entrant.model, entrant.cut, 0, self.problem), self.tracks.settings(entrant)
            name, labels, seed = f"highest rate of {entrant.model} from block {entrant.cut}", self.problem.dataset.labels, self.problem.seed
            recall = self.problem.keeping.journal.recall
            self._rates[key] = recall(name, lambda: highest_rate(classifier, read, labels, fitted, settings, seed=seed))
        return self._rates[key]

    def _features(self, entrant: Entrant) -> NDArray[np.generic]:
        return self.tracks.collected[entrant.model].features

    def _head(self, entrant: Entrant, fold: int, items: NDArray[np.int64]) -> LinearHead:
        """The linear head on frozen features with which every entrant of a model starts, fitted once a fold."""
        key = entrant.model, fold, entrant.views
        if key not in self._heads:
            probe, problem = self.probed[entrant.model].probe, self.problem
            views = np.concatenate([features[items] for features in self.tracks.features(entrant.model, entrant.views, problem)])
            labels = np.tile(problem.dataset.labels[items], entrant.views + 1)
            self._heads[key] = head_on(views, labels, problem.n_classes, probe.strength, probe.temperature, balance=problem.balance)
        return self._heads[key]

    def _train(self, entrant: Entrant, head: LinearHead, fitted: NDArray[np.int64], held: NDArray[np.int64], *, name: str) -> tuple[Trained, dict[str, Tensor]]:
        problem, tracks = self.problem, self.tracks
        tracks.speed(entrant.model, entrant.cut, problem)  # decides the arithmetic
        classifier, read = tracks.classifier(entrant.model, entrant.cut, head), tracks.reader(entrant.model, entrant.cut, entrant.views, problem)
        settings, labels = tracks.settings(entrant), problem.dataset.labels
        if len(held) and not settings.contrastive:
            settings = replace(settings, epochs=settings.epochs * problem.longer(fitted))
        if settings.lora_rank:
            names = add_lora(classifier.part, int(settings.lora_rank), seed=problem.seed)
            classifier.adapt(distances(names, tracks.collected[entrant.model].candidate.backbone.distances(entrant.cut)))
        place = problem.keeping.training(name, entrant.block, str(entrant.views))
        judges, lengths = held if not settings.contrastive else NOBODY, tracks.lengths(entrant.model, entrant.cut, problem)
        seed, sink = problem.seed, problem.sink
        done = train(classifier, read, labels, fitted, judges, settings, seed=seed, name=name, sink=sink, place=place, lengths=lengths)
        tracks.took(entrant, done)
        if settings.lora_rank:
            merge(classifier.part)
        if settings.contrastive:
            done = self._headed(entrant, classifier, done, fitted, held)
        return done, {key.removeprefix("part."): value.detach().cpu() for key, value in classifier.state_dict().items()}

    def _headed(self, entrant: Entrant, classifier: Classifier, done: Trained, fitted: NDArray[np.int64], held: NDArray[np.int64]) -> Trained:
        """Give features that were tuned without a head the linear head that suits them."""
        problem, settings, read = self.problem, self.tracks.settings(entrant), self.tracks.reader(entrant.model, entrant.cut, 0, self.problem)
        lengths = self.tracks.lengths(entrant.model, entrant.cut, problem)
        features = describe(classifier, read, fitted, settings, lengths)
        probe = self.probed[entrant.model].probe
        classifier.head = head_from(
            head_on(features, problem.dataset.labels[fitted], problem.n_classes, probe.strength, probe.temperature, balance=settings.balance)
        )
        said = predict(classifier, read, held, settings, lengths) if len(held) else done.probabilities
        return replace(done, probabilities=said, by_epoch=())


def least_seconds(candidate: Candidate, cut: int, n_items: float) -> float:
    """What training the blocks behind a cut on so many items, each counted as often as it is seen, takes at the least."""
    return PASSES * candidate.backbone.trainable_share(cut) * n_items / (DENSER * candidate.torch_items_per_second)


def judged(problem: Problem, heats: Sequence[Heat]) -> Predictions:
    """What the items that heats hold out are told."""
    return problem.predictions(problem.held(len(heats)), np.concatenate([heat.probabilities for heat in heats]))


def worth(problem: Problem, heats: Sequence[Heat]) -> NDArray[np.float64]:
    """Minus the loss ``(n,)`` of each item that heats hold out, at the temperature that suits all best; weighed where the metric lets classes count alike."""
    said = judged(problem, heats)
    if not problem.balance:
        return -calm_losses(said.probabilities, said.truth)
    weights = balancing(said.truth, problem.n_classes)[said.truth]
    return -weights * calm_losses(said.probabilities, said.truth, weights)


def _stage(entrant: Entrant, where: str) -> str:
    return f"tune {entrant.words()}: {entrant.model}, {where}"


def _head_weights(head: LinearHead) -> dict[str, Tensor]:
    return {"head.weight": torch.from_numpy(head.weight), "head.bias": torch.from_numpy(head.bias)}


def _gathered(kept: Sequence[Activations], index: NDArray[np.int64], view: NDArray[np.int64]) -> tuple[Tensor, ...]:
    """Rows of items, each in a view of its own."""
    out: list[Tensor] = []
    for number in np.unique(view):
        chosen = np.flatnonzero(view == number)
        rows = [torch.from_numpy(array).float() for array in kept[number].rows(index[chosen])]
        out = out or [torch.empty((len(index), *tensor.shape[1:])) for tensor in rows]
        for target, tensor in zip(out, rows, strict=True):
            target[torch.from_numpy(chosen)] = tensor
    return tuple(out)
