"""Pictures for whole-network training: shifted by the seed alone, halved on demand, kept while they fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from headstart.base.hashing import digest_content
from headstart.modality.image import SHIFT_FRACTION, ImageModality
from headstart.training import pixels

SIZE, N = 32, 12
ALL = np.arange(N)


def Pixels(items: pixels.Items, *, seed: int, memory_bytes: int = pixels.MEMORY_BYTES) -> pixels.Pixels:
    """Pixels under the augmentation of pictures."""
    return pixels.Pixels(items, ImageModality().augment, seed=seed, halve=ImageModality().halved, memory_bytes=memory_bytes)


class Pictures:
    """Random pictures that count how often each is prepared."""

    def __init__(self) -> None:
        self.arrays = np.random.default_rng(0).integers(0, 256, (N, 3, SIZE, SIZE), dtype=np.uint8)
        self.content = tuple(digest_content(array.tobytes()) for array in self.arrays)
        self.prepared: list[int] = []

    def prepare(self, index: int) -> NDArray[np.generic]:
        self.prepared.append(index)
        return self.arrays[index]


def test_a_batch_to_be_judged_is_the_pictures_as_they_are() -> None:
    items = Pictures()
    (batch,) = Pixels(items, seed=0).read(np.array([3, 1, 3]), None)
    assert batch.dtype == torch.uint8 and np.array_equal(batch.numpy(), items.arrays[[3, 1, 3]])


def test_a_shifted_batch_keeps_its_size_and_repeats_the_edge() -> None:
    items = Pictures()
    (batch,) = Pixels(items, seed=0).read(ALL, 0)
    reach = round(SIZE * SHIFT_FRACTION)
    steps = range(-reach, reach + 1)
    assert batch.shape == (N, 3, SIZE, SIZE) and batch.dtype == torch.uint8
    for moved, picture in zip(batch.numpy(), items.arrays, strict=True):
        padded = np.pad(picture, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        cuts = [padded[:, reach - down : reach - down + SIZE, reach - right : reach - right + SIZE] for down in steps for right in steps]
        assert any(np.array_equal(moved, cut) for cut in cuts)
    assert not np.array_equal(batch.numpy(), items.arrays)


def test_the_same_seed_gives_the_same_shifts_and_another_seed_or_epoch_others() -> None:
    first, same, other = (Pixels(Pictures(), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.read(ALL, 2)[0], same.read(ALL, 2)[0])
    assert not torch.equal(first.read(ALL, 2)[0], other.read(ALL, 2)[0])
    assert not torch.equal(first.read(ALL, 2)[0], first.read(ALL, 3)[0])


def test_shifts_do_not_depend_on_what_was_read_before() -> None:
    fresh, used = Pixels(Pictures(), seed=0), Pixels(Pictures(), seed=0)
    for _ in range(3):
        used.read(ALL[:4], 0)  # as the measurement of a training step does, on a machine that has not measured it yet
    assert torch.equal(fresh.read(ALL, 0)[0], used.read(ALL, 0)[0])
    assert torch.equal(fresh.read(ALL[::-1].copy(), 0)[0].flip(0), fresh.read(ALL, 0)[0])


@pytest.mark.parametrize("epoch", [None, 0])
def test_halved_pictures_have_half_the_side_and_the_same_brightness(epoch: int | None) -> None:
    reader = Pixels(Pictures(), seed=0)
    assert reader.can_halve(ALL[:2])
    (whole,) = reader.read(ALL, None)
    reader.halved = True
    (half,) = reader.read(ALL, epoch)
    assert half.shape == (N, 3, SIZE // 2, SIZE // 2) and half.dtype == torch.uint8
    assert (half.float().mean(dim=(1, 2, 3)) - whole.float().mean(dim=(1, 2, 3))).abs().max() < 10
    reader.halved = False
    assert torch.equal(reader.read(ALL, None)[0], whole)


def test_what_fits_into_memory_is_prepared_once_and_the_rest_every_time() -> None:
    items = Pictures()
    reader = Pixels(items, seed=0, memory_bytes=5 * items.arrays[0].nbytes)
    for _ in range(2):
        for item in ALL:
            reader.read(np.array([item]), None)
    assert sorted(items.prepared) == sorted([*ALL.tolist(), *ALL.tolist()[5:]])


def test_without_memory_everything_is_prepared_anew() -> None:
    items = Pictures()
    reader = Pixels(items, seed=0, memory_bytes=0)
    reader.read(ALL, None)
    assert np.array_equal(reader.read(ALL, None)[0].numpy(), items.arrays) and len(items.prepared) == 2 * N
