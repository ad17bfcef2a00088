"""Training from the store and training with the whole network give the same weights, bit for bit; frozen means frozen."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training import made
from torch import Tensor, nn

from headstart.activations.collect import collect
from headstart.activations.store import Store
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.race import EXACT
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.base.hashing import digest_content
from headstart.training.loop import NOBODY, Trained, predict, train
from headstart.training.network import Classifier, new_head
from headstart.training.settings import Settings, n_steps, rate_factor
from headstart.training.speed import seconds_per_step

SETTINGS = Settings(learning_rate=1e-3, weight_decay=0.01, batch_items=16, epochs=2, patience=None, warmup_fraction=0.1, precision="float32")
CLASSES = 3
PICTURES = 48


class Pictures:
    def __init__(self) -> None:
        self.arrays = np.random.default_rng(0).random((PICTURES, 3, 64, 64), dtype=np.float32)
        self.content = tuple(digest_content(array.tobytes()) for array in self.arrays)

    def prepare(self, index: int) -> np.ndarray:
        return self.arrays[index]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    import_torchvision()
    import timm

    torch.manual_seed(0)
    return Backbone(timm.create_model("resnet18", pretrained=False, num_classes=0, drop_path_rate=0.2).eval(), torch.rand(1, 3, 64, 64))


def labels() -> np.ndarray:
    return np.arange(PICTURES) % CLASSES


@pytest.mark.parametrize("cut", [3, 6, 8])
def test_training_from_the_store_equals_training_without_it_bit_for_bit(backbone: Backbone, cut: int, tmp_path: Path) -> None:
    items = Pictures()
    kept = collect(backbone, [cut], items, EXACT, Store(tmp_path), label="test")[cut]
    prefix = backbone.part(0, cut).eval()

    def from_store(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(rows) for rows in kept.rows(index))

    def from_pictures(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
        with torch.no_grad():
            return tuple(prefix(torch.from_numpy(items.arrays[index])))

    weights = []
    for read in (from_store, from_pictures):
        classifier = Classifier(copy.deepcopy(backbone.part(cut, backbone.depth)), new_head(512, CLASSES, 0), keep_statistics=True)
        train(classifier, read, labels(), np.arange(32), NOBODY, SETTINGS, seed=1, name="test")
        weights.append(classifier.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    before = backbone.network.state_dict()
    assert any(not torch.equal(weights[0][f"part.{name}"], value) for name, value in before.items() if f"part.{name}" in weights[0])


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(backbone: Backbone) -> None:
    pictures = torch.from_numpy(Pictures().arrays)
    found = []
    for seed in (0, 0, 1):
        classifier = Classifier(copy.deepcopy(backbone.part(0, backbone.depth)), new_head(512, CLASSES, 0), keep_statistics=False)
        done = train(classifier, lambda index, epoch: (pictures[index],), labels(), np.arange(32), np.arange(32, PICTURES), SETTINGS, seed=seed, name="x")
        found.append([(epoch.train_loss, epoch.validation_loss) for epoch in done.history])
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_frozen_statistics_stay_while_weights_move_and_the_scratch_twin_learns_them(backbone: Backbone) -> None:
    pictures = torch.from_numpy(Pictures().arrays)
    for keep in (True, False):
        classifier = Classifier(copy.deepcopy(backbone.part(0, backbone.depth)), new_head(512, CLASSES, 0), keep_statistics=keep)
        before = copy.deepcopy(classifier.state_dict())
        classifier.train()
        classifier(pictures[:16])
        moved = [name for name, value in classifier.state_dict().items() if not torch.equal(value, before[name])]
        assert bool(moved) is not keep
        assert all("running" in name or "num_batches" in name for name in moved)


def hopeless(**changes: object) -> tuple[Trained, np.ndarray]:
    """A training at a rate that tears everything down, and what its weights say of the held items."""
    part = nn.Sequential(nn.Identity())

    class Tuple(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor]:
            return (part(x),)

    features = torch.from_numpy(np.random.default_rng(0).normal(size=(PICTURES, 8)).astype(np.float32))
    classifier = Classifier(Tuple(), new_head(8, CLASSES, 0), keep_statistics=True)
    settings = replace(SETTINGS, learning_rate=5.0, epochs=50, warmup_fraction=0.0, **changes)
    done = train(classifier, lambda index, epoch: (features[index],), labels(), np.arange(32), np.arange(32, PICTURES), settings, seed=0, name="x")
    return done, predict(classifier, lambda index, epoch: (features[index],), np.arange(32, PICTURES), settings)


def test_the_last_epoch_counts_and_what_stays_worse_than_untrained_stops_behind_the_middle() -> None:
    done, said = hopeless(patience=3)
    assert len(done.history) == done.best_epoch == 25 + 3
    assert np.array_equal(said, done.probabilities) and np.array_equal(said, done.by_epoch[-1])
    assert len(hopeless(patience=None)[0].history) == 50


def test_where_items_may_choose_the_epoch_that_they_like_best_is_kept() -> None:
    done, said = hopeless(patience=None, chooses_epoch=True)
    assert done.best_epoch < len(done.history) == 50
    assert np.array_equal(said, done.probabilities) and np.array_equal(said, done.by_epoch[done.best_epoch])


def test_measuring_a_step_leaves_the_weights_as_they_were(backbone: Backbone) -> None:
    pictures = torch.from_numpy(Pictures().arrays)
    classifier = Classifier(copy.deepcopy(backbone.part(4, backbone.depth)), new_head(512, CLASSES, 0), keep_statistics=False)
    crossing = backbone.part(0, 4)(pictures)[0].detach()
    before = copy.deepcopy(classifier.state_dict())
    assert seconds_per_step(classifier, lambda index, epoch: (crossing[index],), labels(), np.arange(32), SETTINGS) > 0
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


def test_the_rate_rises_then_falls_along_half_a_cosine() -> None:
    assert [rate_factor(done, 0.5) for done in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


@pytest.mark.parametrize(("items", "epochs", "steps"), [(32, 2, 4), (34, 1, 3), (33, 1, 2), (1, 1, 1), (32, 0.5, 1), (32, 0.001, 1)])
def test_part_of_an_epoch_is_some_of_its_steps_but_at_least_one(items: int, epochs: float, steps: int) -> None:
    assert n_steps(items, replace(SETTINGS, epochs=epochs)) == steps


def trained(how: Settings, validation: np.ndarray = NOBODY) -> tuple[Classifier, Trained]:
    one = made.classifier()
    return one, train(one, made.read, made.LABELS, np.arange(32), validation, how, seed=0, name="x")


def test_without_validation_items_the_last_weights_stay_and_nothing_stops_early() -> None:
    """Where the items that judge may choose, the same training at a hopeless rate goes back to an early epoch; without them it ends where it ends."""
    torn = replace(made.SETTINGS, learning_rate=2.0, epochs=12, patience=2, chooses_epoch=True)
    one, done = trained(torn)
    assert len(done.history) == done.best_epoch == 12 and done.probabilities.shape == (0, made.CLASSES)
    assert {(row.validation_loss, row.validation_accuracy) for row in done.history} == {(None, None)}
    watched, judged = trained(torn, np.arange(32, made.ITEMS))
    assert judged.best_epoch < len(judged.history)
    assert not all(torch.equal(value, watched.state_dict()[name]) for name, value in one.state_dict().items())


def test_judging_does_not_move_the_training() -> None:
    (_, alone), (_, judged) = trained(made.SETTINGS), trained(made.SETTINGS, np.arange(32, made.ITEMS))
    assert [row.train_loss for row in alone.history] == [row.train_loss for row in judged.history]


def test_a_training_of_one_step_moves_the_weights() -> None:
    one, done = trained(replace(made.SETTINGS, epochs=0.5))
    assert len(done.history) == 1 and made.moved(made.state(made.classifier()), made.state(one), "head.") > 0


def test_training_by_the_clock_ends_near_its_time_whatever_the_epochs() -> None:
    started = time.perf_counter()
    _, done = trained(replace(made.SETTINGS, epochs=1, seconds=0.5))
    took = time.perf_counter() - started
    assert 0.5 <= took < 5.0 and len(done.history) > 2 and done.seconds <= took


def test_training_by_the_clock_takes_a_step_even_without_any_time() -> None:
    steps = []

    def read(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
        steps.append(len(index))
        return made.read(index, epoch)

    done = train(made.classifier(), read, made.LABELS, np.arange(32), NOBODY, replace(made.SETTINGS, seconds=0.0), seed=0, name="x")
    assert len(steps) == len(done.history) == 1 and np.isfinite(done.history[0].train_loss)


class Normalised(made.Blocks):
    """Blocks with normalisation over the batch behind them, as behind pooling: with one item it has nothing to go by."""

    def __init__(self) -> None:
        super().__init__(1)
        self.norm = nn.BatchNorm1d(made.WIDTH)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.norm(super().forward(x)[0]),)


@pytest.mark.parametrize("at_once", [0, 4])
def test_a_single_item_that_is_left_joins_the_batch_before_it(at_once: int) -> None:
    sizes = []

    def read(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
        sizes.append(len(index))
        return made.read(index, epoch)

    one = Classifier(Normalised(), new_head(made.WIDTH, made.CLASSES, 0), keep_statistics=False)
    done = train(one, read, made.LABELS, np.arange(33), NOBODY, replace(made.SETTINGS, batch_items=8, at_once=at_once, epochs=1), seed=0, name="x")
    assert sizes == [8, 8, 8, 9] and [row.passes for row in done.history] == [1.0]


def test_an_epoch_that_the_clock_cut_short_counts_as_what_it_was() -> None:
    def slow(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
        time.sleep(0.1)
        return made.read(index, epoch)

    done = train(made.classifier(), slow, made.LABELS, np.arange(48), NOBODY, replace(made.SETTINGS, batch_items=4, seconds=0.35), seed=0, name="x")
    assert len(done.history) == 1 and 1 / 12 <= done.history[0].passes <= 6 / 12


def test_balance_weighs_the_classes_of_the_training_items() -> None:
    """Nine items of one class and one of another: balanced, a head that knows nothing is right about the rare one as often."""
    few = np.array([*np.flatnonzero(made.LABELS == 0)[:9], *np.flatnonzero(made.LABELS == 1)[:1]])
    losses = []
    for balance in (False, True):
        how = replace(made.SETTINGS, balance=balance, epochs=1)
        losses.append(train(made.classifier(), made.read, made.LABELS, few, NOBODY, how, seed=0, name="x").history[0].train_loss)
    said = predict(made.classifier(), made.read, few, made.SETTINGS)
    each = -np.log(said[np.arange(10), made.LABELS[few]])
    assert losses == pytest.approx([each.mean(), (each[:9].mean() + each[9]) / 2], rel=1e-4)


def test_weights_that_ran_away_say_that_every_class_is_as_probable() -> None:
    one = made.classifier(1)
    with torch.no_grad():
        one.head.bias[0] = float("nan")
    said = predict(one, made.read, np.arange(made.ITEMS), made.SETTINGS)
    assert np.allclose(said, 1 / said.shape[1])
