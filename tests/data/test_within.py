"""Reading that a budget does not hold is refused as soon as the first items tell, with the budget that would do; what was read is remembered."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from headstart.base.errors import InputError
from headstart.data import load
from headstart.data.examine import TELLING_SECONDS, Within
from headstart.data.refuse import enough
from headstart.modality.sound import wav

RATE = 4_000


def checked(spent: float, done: float, left: float) -> None:
    Within(time.perf_counter() + left, 60.0).check(spent, done, 1 - done, "clips")


def test_it_is_refused_when_the_first_items_tell_and_not_before() -> None:
    checked(TELLING_SECONDS / 2, 0.001, 10.0)  # too early to tell
    checked(10.0, 0.5, 20.0)
    checked(10.0, 1.0, -1.0)  # all is read
    with pytest.raises(InputError, match=r"--budget ends before the data are read(?s:.*)about 90 s more to read these clips(?s:.*)fix: --budget 130s or more"):
        checked(10.0, 0.1, 22.0)
    with pytest.raises(InputError, match=r"0\.0 s of 60 s left"):
        checked(10.0, 0.9, -1.0)


def test_the_advice_is_rounded_up() -> None:
    assert (enough(60.0), enough(60.1)) == ("60s", "65s")


def test_what_has_been_read_once_is_not_refused_again(tmp_path: Path, empty_home: Path) -> None:
    for number in range(12):
        (tmp_path / "data" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        noise = 0.1 * np.random.default_rng(number).standard_normal(RATE).astype(np.float32)
        (tmp_path / "data" / "ab"[number % 2] / f"{number}.wav").write_bytes(wav(noise, RATE))
    load(tmp_path / "data", modality="audio", within=Within(time.perf_counter() + 600.0, 600.0))
    assert len(load(tmp_path / "data", modality="audio", within=Within(time.perf_counter() - 1.0, 10.0))) == 12
