"""Each regulariser of a step does what its formula says: known values against torch's own cross-entropy and AdamW's first step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from tests.training.made import CLASSES, FEATURES, ITEMS, LABELS, SETTINGS, classifier, moved, read, state
from torch.nn import functional

from headstart.base.seeds import seed_for
from headstart.task.linear import balancing
from headstart.training.loop import train
from headstart.training.network import Classifier
from headstart.training.settings import Settings
from headstart.training.stepper import Stepper

BATCH = np.arange(16)
RATE = 1e-2
FLAT = replace(SETTINGS, learning_rate=RATE, warmup_fraction=0.0)
EVERYTHING = replace(SETTINGS, weight_decay=0.01, l2_sp=1.0, dropout=0.3, label_smoothing=0.1, mixup=0.2, rate_decay=0.5, unfreeze=0.5, balance=True, epochs=3)
FAR, NEAR = "part.blocks.0", "part.blocks.2"


def stepped(how: Settings, *, steps: int = 1, done: float = 0.0, depth: int = 3) -> tuple[Classifier, dict[str, torch.Tensor]]:
    """A classifier after some steps on one batch, and its weights before."""
    one = classifier(depth)
    before, stepper = state(one), Stepper(one, how)
    for _ in range(steps):
        stepper(read(BATCH, 0), LABELS[BATCH], done)
    return one, before


def first_loss(how: Settings, *, class_weights: np.ndarray | None = None, seed: int = 0) -> float:
    """The loss that the first step reports: that of the weights before it."""
    return Stepper(classifier(), how, class_weights=class_weights, seed=seed)(read(BATCH, 0), LABELS[BATCH], 0.0)


def logits(features: torch.Tensor = FEATURES[BATCH]) -> torch.Tensor:
    with torch.no_grad():
        return classifier()(features)


def test_without_regularisers_the_loss_is_cross_entropy() -> None:
    assert first_loss(FLAT) == pytest.approx(float(functional.cross_entropy(logits(), torch.from_numpy(LABELS[BATCH]))), abs=1e-6)


def test_label_smoothing_spreads_its_share_over_all_classes() -> None:
    chances = torch.log_softmax(logits(), dim=1)
    own, all_of_them = chances[BATCH, LABELS[BATCH]], chances.mean(dim=1)
    assert first_loss(replace(FLAT, label_smoothing=0.2)) == pytest.approx(float(-(0.8 * own + 0.2 * all_of_them).mean()), abs=1e-6)


def test_class_weights_weigh_items_by_their_class() -> None:
    weights = np.array([1.0, 4.0, 0.5], np.float32)
    each = functional.cross_entropy(logits(), torch.from_numpy(LABELS[BATCH]), reduction="none").numpy()
    assert first_loss(FLAT, class_weights=weights) == pytest.approx(float(np.average(each, weights=weights[LABELS[BATCH]])), abs=1e-6)


def test_mixup_mixes_pairs_and_their_losses_by_the_same_share() -> None:
    random = np.random.default_rng(seed_for(5, "mixup"))
    share = float(random.beta(0.4, 0.4))
    order = random.permutation(len(BATCH))
    said = logits(share * FEATURES[BATCH] + (1 - share) * FEATURES[BATCH][order])
    ours, theirs = (float(functional.cross_entropy(said, torch.from_numpy(labels))) for labels in (LABELS[BATCH], LABELS[BATCH][order]))
    assert 0 < share < 1
    assert first_loss(replace(FLAT, mixup=0.4), seed=5) == pytest.approx(share * ours + (1 - share) * theirs, abs=1e-5)


def test_mixup_leaves_a_single_item_alone() -> None:
    found = Stepper(classifier(), replace(FLAT, mixup=0.4))(read(BATCH[:1], 0), LABELS[:1], 0.0)
    assert found == pytest.approx(float(functional.cross_entropy(logits(FEATURES[:1]), torch.from_numpy(LABELS[:1]))), abs=1e-6)


def test_mixed_bytes_stay_bytes() -> None:
    """Found as a bug: pictures entered as numbers up to 255 where the network takes 0 to 1, for only bytes are scaled."""
    seen: list[torch.Tensor] = []
    one = classifier()
    one.part.register_forward_pre_hook(lambda part, inputs: seen.append(inputs[0]))
    pixels = torch.randint(0, 256, (16, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Stepper(one, replace(FLAT, mixup=0.4), seed=5)((pixels,), LABELS[BATCH], 0.0)
    random = np.random.default_rng(seed_for(5, "mixup"))
    share, order = float(random.beta(0.4, 0.4)), random.permutation(16)
    assert seen[0].dtype == torch.uint8
    assert torch.equal(seen[0], (share * pixels.float() + (1 - share) * pixels.float()[order]).round().byte())


def test_dropout_drops_features_in_front_of_the_head_while_it_trains_and_only_then() -> None:
    one, labels = classifier(), torch.from_numpy(LABELS[BATCH])
    stepper = Stepper(one, replace(FLAT, dropout=0.5))
    torch.manual_seed(3)
    with torch.no_grad():
        expected = one.head(functional.dropout(one.part(FEATURES[BATCH])[0], 0.5))
    torch.manual_seed(3)
    assert stepper(read(BATCH, 0), LABELS[BATCH], 0.0) == pytest.approx(float(functional.cross_entropy(expected, labels)), abs=1e-6)
    assert torch.equal(one.eval()(FEATURES[BATCH], dropout=0.5), one(FEATURES[BATCH]))


def test_l2_sp_moves_the_backbone_back_towards_its_start_by_rate_times_strength() -> None:
    (plain, start), (pulled, _) = stepped(FLAT), stepped(replace(FLAT, l2_sp=20.0))
    for name, value in plain.state_dict().items():
        expected = torch.lerp(value, start[name], RATE * 20.0) if name.startswith("part.") else value
        assert torch.allclose(pulled.state_dict()[name], expected, atol=1e-7), name


def test_with_l2_sp_the_backbone_stays_near_its_start_while_the_head_goes_its_way() -> None:
    (free, start), (held, _) = stepped(FLAT, steps=30), stepped(replace(FLAT, l2_sp=50.0), steps=30)
    assert moved(start, held.state_dict(), "part.") < 0.2 * moved(start, free.state_dict(), "part.")
    assert moved(start, held.state_dict(), "head.") > 0.5 * moved(start, free.state_dict(), "head.")


@pytest.mark.parametrize("strength", [1 / RATE, 3 / RATE])
def test_the_strongest_pull_goes_back_to_the_start_and_never_beyond(strength: float) -> None:
    held, start = stepped(replace(FLAT, l2_sp=strength), steps=5)
    assert moved(start, held.state_dict(), "part.") == 0.0 and moved(start, held.state_dict(), "head.") > 0


def test_weight_decay_pulls_the_backbone_towards_0_only_where_nothing_pulls_it_to_its_start() -> None:
    decayed = replace(FLAT, weight_decay=10.0)
    (plain, start), (both, _) = stepped(decayed), stepped(replace(decayed, l2_sp=1e-9))
    (bare, _) = stepped(FLAT)
    name = f"{FAR}.weight"
    assert torch.allclose(plain.state_dict()[name], bare.state_dict()[name] - RATE * 10.0 * start[name], atol=1e-6)
    assert torch.allclose(both.state_dict()[name], bare.state_dict()[name], atol=1e-7)
    assert torch.equal(both.state_dict()["head.weight"], plain.state_dict()["head.weight"])


def test_a_block_twice_as_far_gets_the_rate_times_the_decay() -> None:
    """AdamW's first step moves every weight by the rate, whatever its gradient."""
    after, start = stepped(replace(FLAT, rate_decay=0.5))
    found = [moved(start, after.state_dict(), name) for name in ("head.", NEAR, "part.blocks.1", FAR)]
    assert found == pytest.approx([RATE, RATE, RATE / 2, RATE / 4], rel=1e-3)


def test_the_rate_follows_the_schedule() -> None:
    after, start = stepped(replace(FLAT, warmup_fraction=0.5), done=0.75)
    assert moved(start, after.state_dict(), "head.") == pytest.approx(RATE / 2, rel=1e-3)


def test_a_far_block_stays_as_it_is_until_it_joins_and_all_are_released_at_the_end() -> None:
    one = classifier()
    before, stepper = state(one), Stepper(one, replace(FLAT, unfreeze=0.6, weight_decay=0.1, l2_sp=1.0))
    for done, trained in (
        (0.0, {NEAR}),
        (0.39, {NEAR}),
        (0.41, {NEAR, "part.blocks.1"}),
        (0.59, {NEAR, "part.blocks.1"}),
        (0.61, {NEAR, "part.blocks.1", FAR}),
    ):
        stepper(read(BATCH, 0), LABELS[BATCH], done)
        after = state(one)
        assert {name for name in (NEAR, "part.blocks.1", FAR) if moved(before, after, name) > 0} == trained, done
        assert moved(before, after, "head.") > 0
        before = after
    early = classifier()
    stopped = Stepper(early, replace(FLAT, unfreeze=0.6))
    stopped(read(BATCH, 0), LABELS[BATCH], 0.0)
    assert not all(parameter.requires_grad for parameter in early.parameters())
    stopped.release()
    assert all(parameter.requires_grad for parameter in early.parameters())


def test_what_was_frozen_before_stays_frozen() -> None:
    one = classifier()
    one.part.blocks[0].requires_grad_(False)  # type: ignore[index, union-attr]
    before, stepper = state(one), Stepper(one, replace(FLAT, unfreeze=0.5, l2_sp=1.0))
    stepper(read(BATCH, 0), LABELS[BATCH], 0.9)
    stepper.release()
    assert moved(before, state(one), FAR) == 0.0 and not one.part.blocks[0].weight.requires_grad  # type: ignore[index, union-attr]


def test_the_same_seed_gives_the_same_bits_with_every_regulariser_on_and_another_seed_others() -> None:
    found = []
    for seed in (0, 0, 1):
        one = classifier()
        done = train(one, read, LABELS, np.arange(32), np.arange(32, ITEMS), EVERYTHING, seed=seed, name="x")
        found.append((state(one), done.probabilities))
        assert all(parameter.requires_grad for parameter in one.parameters())
    assert all(torch.equal(found[0][0][name], found[1][0][name]) for name in found[0][0]) and np.array_equal(found[0][1], found[1][1])
    assert not np.array_equal(found[0][1], found[2][1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, CLASSES), min_size=1, max_size=40))
def test_balanced_classes_count_the_same_and_items_count_1_on_average(labels: list[int]) -> None:
    counted, present = np.array(labels), np.unique(labels)
    weights = balancing(counted, CLASSES + 1)
    assert weights[present] == pytest.approx(compute_class_weight("balanced", classes=present, y=counted), rel=1e-6)
    assert float(weights[counted].mean()) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("at_once", [1, 5, 8, 16, 99])
def test_a_batch_that_goes_in_parts_takes_the_step_of_the_whole(at_once: int) -> None:
    how = replace(FLAT, label_smoothing=0.1, mixup=0.3, l2_sp=0.5, rate_decay=0.5)
    weights = np.array([1.0, 4.0, 0.5], np.float32)
    whole, parts = classifier(), classifier()
    told = [
        Stepper(one, replace(how, at_once=n), class_weights=weights, seed=1)(read(BATCH, 0), LABELS[BATCH], 0.0) for one, n in ((whole, 0), (parts, at_once))
    ]
    assert told[0] == pytest.approx(told[1], abs=1e-6)
    for (name, one), other in zip(state(whole).items(), state(parts).values(), strict=True):
        assert torch.allclose(one, other, atol=2e-4), name  # AdamW's first step is the gradient's sign: where that is nearly 0, last bits show


def test_contrastive_tuning_always_sees_the_whole_batch() -> None:
    how = replace(FLAT, contrastive=0.1)
    assert first_loss(replace(how, at_once=4)) == first_loss(how)
