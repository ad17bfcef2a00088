"""A training that is killed at any step and taken up again ends in the same bits: order, rates, frozen blocks, moments, mixing, dropout, history."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training import made
from torch import Tensor, nn

from headstart.base.events import Event
from headstart.base.journal import begin, reopen
from headstart.training.keeping import Keeping, TrainingPlace, keeping
from headstart.training.loop import NOBODY, Trained, predict, train
from headstart.training.network import Classifier, new_head
from headstart.training.settings import Settings
from headstart.training.way import Way

EVERYTHING = replace(
    made.SETTINGS, epochs=4, patience=3, weight_decay=0.1, l2_sp=1.0, dropout=0.3, mixup=0.4, label_smoothing=0.1, rate_decay=0.5, unfreeze=0.6, balance=True
)
FITTED, HELD = np.arange(40), np.arange(40, 48)


class KilledError(Exception):
    pass


def dying(steps: int) -> object:
    """Reads so many training batches, then is killed."""
    left = [steps]

    def read(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
        if epoch is not None:
            if left[0] == 0:
                raise KilledError
            left[0] -= 1
        return made.read(index, epoch)

    return read


def place_in(folder: Path, *, first: bool, every: float = 0.0, notes: list[str] | None = None) -> TrainingPlace:
    """The place of one training in a run folder; kept after every step."""
    told = [] if notes is None else notes

    def sink(event: Event) -> None:
        told.append(event.text)

    journal = begin(folder, time.perf_counter()) if first else reopen(folder, time.perf_counter(), sink)
    kept = keeping(journal, folder, sink)
    return Keeping(journal, kept.folder, sink, every).training("tune")


def learn(settings: Settings, place: TrainingPlace | None = None, steps: int = 10**9, held: np.ndarray = HELD) -> tuple[Trained, Classifier]:
    classifier = made.classifier()
    return train(classifier, dying(steps), made.LABELS, FITTED, held, settings, seed=3, name="tune", place=place), classifier  # type: ignore[arg-type]


def timeless(done: Trained) -> object:
    rows = [replace(row, seconds=0.0) for row in done.history]
    return rows, done.best_epoch, done.probabilities.tolist(), done.still_improving, [one.tolist() for one in done.by_epoch]


@pytest.mark.parametrize("held", [HELD, NOBODY], ids=["judged", "unjudged"])
@pytest.mark.parametrize("settings", [EVERYTHING, replace(EVERYTHING, precision="bfloat16"), made.SETTINGS], ids=["everything", "bfloat16", "plain"])
def test_killed_after_any_step_it_ends_in_the_same_bits(settings: Settings, held: np.ndarray, tmp_path: Path) -> None:
    whole, weights = learn(settings, held=held)
    for steps in range(0, 13, 2):
        folder = tmp_path / str(steps)
        folder.mkdir()
        try:
            learn(settings, place_in(folder, first=True), steps, held)
        except KilledError:
            torch.manual_seed(steps)  # another process draws other numbers
        done, again = learn(settings, place_in(folder, first=False), held=held)
        assert timeless(done) == timeless(whole)
        assert all(torch.equal(value, again.state_dict()[name]) for name, value in weights.state_dict().items())


def test_killed_at_every_step_in_turn_it_gets_to_the_same_end(tmp_path: Path) -> None:
    whole, weights = learn(EVERYTHING)
    for n in range(40):
        try:
            done, again = learn(EVERYTHING, place_in(tmp_path, first=n == 0), 1)
            break
        except KilledError:
            continue
    assert n > 5 and timeless(done) == timeless(whole)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in weights.state_dict().items())


def test_a_training_that_had_ended_is_not_done_again_and_a_small_one_is(tmp_path: Path) -> None:
    whole, weights = learn(EVERYTHING, place_in(tmp_path, first=True))
    done, again = learn(EVERYTHING, place_in(tmp_path, first=False), 0)
    assert timeless(done) == timeless(whole) and done.seconds == whole.seconds and done.seconds_per_step is not None
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in weights.state_dict().items())
    (tmp_path / "small").mkdir()
    learn(EVERYTHING, place_in(tmp_path / "small", first=True, every=100.0))
    assert not (tmp_path / "small" / "work").exists()


def test_other_settings_items_or_seeds_do_not_take_what_was_kept(tmp_path: Path) -> None:
    learn(EVERYTHING, place_in(tmp_path, first=True))
    place = place_in(tmp_path, first=False)
    for other in (replace(EVERYTHING, dropout=0.31), replace(EVERYTHING, learning_rate=1.1e-2)):
        with pytest.raises(KilledError):
            learn(other, place, 0)
    with pytest.raises(KilledError):
        learn(EVERYTHING, place, 0, HELD[:4])


def test_a_damaged_state_is_named_and_the_training_begins_anew_with_the_same_end(tmp_path: Path) -> None:
    whole, _ = learn(EVERYTHING)
    with pytest.raises(KilledError):
        learn(EVERYTHING, place_in(tmp_path, first=True), 5)
    (file,) = (tmp_path / "work").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    notes: list[str] = []
    done, _ = learn(EVERYTHING, place_in(tmp_path, first=False, notes=notes))
    assert timeless(done) == timeless(whole) and len(notes) == 1 and "differs from its checksum: tune is computed anew" in notes[0]


@pytest.mark.parametrize("seconds", [0.2, 0.0])
def test_what_the_clock_decided_is_done_again_without_the_clock(seconds: float, tmp_path: Path) -> None:
    settings = replace(EVERYTHING, seconds=seconds, patience=None)
    first, weights = learn(settings, place_in(tmp_path, first=True, every=100.0))
    began = time.perf_counter()
    again, same = learn(settings, place_in(tmp_path, first=False, every=100.0))
    assert timeless(first) == timeless(again) and time.perf_counter() - began < 5
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in weights.state_dict().items())


def test_a_training_by_the_clock_goes_on_for_what_was_left_and_then_repeats_itself(tmp_path: Path) -> None:
    settings = replace(EVERYTHING, seconds=2.0, patience=None)
    for n in range(3):
        with pytest.raises(KilledError):
            learn(settings, place_in(tmp_path, first=n == 0), 4)
    done, weights = learn(settings, place_in(tmp_path, first=False, every=0.5))
    assert 2.0 <= done.seconds < 10.0
    for file in (tmp_path / "work").iterdir():
        file.unlink()
    again, same = learn(settings, place_in(tmp_path, first=False, every=0.5))
    assert timeless(done) == timeless(again)
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in weights.state_dict().items())


def test_running_statistics_are_saved_values_too(tmp_path: Path) -> None:
    """The scratch twin learns them; its network is a convolutional one with its channels last."""

    def network() -> Classifier:
        torch.manual_seed(0)
        part = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        return Classifier(Tupled(part), new_head(6, made.CLASSES, 0), keep_statistics=False)

    pictures = torch.from_numpy(np.random.default_rng(0).random((made.ITEMS, 3, 9, 9), dtype=np.float32))

    def learnt(place: TrainingPlace | None, steps: int) -> Classifier:
        die = dying(steps)

        def read(index: np.ndarray, epoch: int | None) -> tuple[Tensor, ...]:
            die(index, epoch)  # type: ignore[operator]
            return (pictures[index],)

        classifier = network()
        settings = replace(made.SETTINGS, channels_last=True)
        train(classifier, read, made.LABELS, FITTED, HELD, settings, seed=0, name="tune", place=place)
        return classifier

    whole = learnt(None, 10**9).state_dict()
    with pytest.raises(KilledError):
        learnt(place_in(tmp_path, first=True), 4)
    again = learnt(place_in(tmp_path, first=False), 10**9).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in whole.items())


class Tupled(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.inner(x),)


def lengths(items: np.ndarray) -> np.ndarray:
    return items * 7 % 23


def test_batches_of_alike_lengths_hold_every_item_once_pad_little_and_differ_between_epochs() -> None:
    way = Way(np.random.default_rng(0), None, None, None)  # type: ignore[arg-type]
    one, two = ([part.tolist() for part in way.epoch(np.arange(203), 8, lengths)] for _ in range(2))
    assert all(sorted(item for part in parts for item in part) == list(range(203)) for parts in (one, two)) and len(one) == 26
    assert {frozenset(part) for part in one}.isdisjoint(frozenset(part) for part in two)
    anyhow = [part.tolist() for part in way.epoch(np.arange(203), 8)]
    padded, before = (sum(len(part) * lengths(np.array(part)).max() for part in parts) for parts in (one, anyhow))
    true = lengths(np.arange(203)).sum()
    assert padded - true < (before - true) / 3


@pytest.mark.parametrize("steps", [1, 7, 18])
def test_a_kill_changes_nothing_where_items_vary_in_length(tmp_path: Path, steps: int) -> None:
    settings = replace(EVERYTHING, batch_items=4)

    def learnt(place: TrainingPlace | None, steps: int) -> dict[str, Tensor]:
        classifier = made.classifier()
        train(classifier, dying(steps), made.LABELS, FITTED, HELD, settings, seed=3, name="tune", place=place, lengths=lengths)  # type: ignore[arg-type]
        return made.state(classifier)

    whole = learnt(None, 10**9)
    with pytest.raises(KilledError):
        learnt(place_in(tmp_path, first=True), steps)
    again = learnt(place_in(tmp_path, first=False), 10**9)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_answers_come_in_the_order_in_which_they_were_asked_for() -> None:
    classifier, items = made.classifier(), np.random.default_rng(0).permutation(48)
    plain, sorted_by = (predict(classifier, made.read, items, made.SETTINGS, one) for one in (None, lengths))
    assert np.allclose(plain, sorted_by, atol=1e-6)
