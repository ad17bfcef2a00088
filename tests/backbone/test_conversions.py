"""Converted networks: the least recently used go, those just used stay, what was measured stays, and a network that went is converted again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import fx

from headstart import activations
from headstart.backbone.engines.conversions import IN_USE_SECONDS, KEPT_BYTES, converted_bytes, prune_converted
from headstart.backbone.engines.openvino_engine import OpenVinoEngine
from headstart.base.folders import measured


@pytest.fixture
def kept(empty_home: Path) -> list[Path]:
    """Two converted networks: the first was used two hours ago, the second an hour ago."""
    files = []
    for age, width in ((7200.0, 64), (3600.0, 32)):
        network = fx.symbolic_trace(torch.nn.Sequential(torch.nn.Linear(8, width), torch.nn.ReLU()))
        OpenVinoEngine("float32").load(network, (np.zeros((2, 8), np.float32),), f"of width {width}")
        (file,) = set(measured().glob("*.xml")) - set(files)
        for path in (file, file.with_suffix(".bin")):
            os.utime(path, (time.time() - age,) * 2)
        files.append(file)
    (empty_home / "engines" / "race.json").write_text("{}", encoding="utf-8")
    return files


def test_the_least_recently_used_network_goes_and_what_was_measured_stays(kept: list[Path]) -> None:
    before = converted_bytes()
    assert prune_converted(KEPT_BYTES) == 0 and prune_converted(before) == 0
    freed = prune_converted(before - 1)
    assert freed > 0 and before - freed == converted_bytes()
    assert [path.exists() for path in kept] == [False, True] and not kept[0].with_suffix(".bin").exists()
    assert activations.prune(0) > 0 and sorted(path.name for path in measured().iterdir()) == ["race.json"]


def test_what_a_kill_left_half_written_is_counted_and_goes_when_it_is_an_hour_old(kept: list[Path]) -> None:
    whole = converted_bytes()
    for age, name in ((0.0, "new"), (7200.0, "old")):
        for suffix in (".xml", ".bin"):
            path = measured() / f".{name}.xml.1234.0a1b2c3d{suffix}"
            path.write_bytes(bytes(1000))
            os.utime(path, (time.time() - age,) * 2)
    assert converted_bytes() == whole + 4000
    assert prune_converted(KEPT_BYTES) == 2000 and converted_bytes() == whole + 2000
    assert sorted(path.name[:4] for path in measured().glob(".*")) == [".new", ".new"]


def test_a_network_that_was_just_used_stays_and_one_that_went_is_converted_again(kept: list[Path]) -> None:
    network, items = fx.symbolic_trace(torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU())), np.ones((2, 8), np.float32)
    OpenVinoEngine("float32").load(network, (items,), "of width 64")
    assert time.time() - kept[0].stat().st_mtime < IN_USE_SECONDS, "to read it is to use it"
    assert prune_converted(0) > 0 and [path.exists() for path in kept] == [True, False]
    os.utime(kept[0].with_suffix(".bin"), (0, 0))
    assert prune_converted(0) > 0 and converted_bytes() == 0
    (said,) = OpenVinoEngine("float32").load(network, (items,), "of width 64")((items,))
    with torch.inference_mode():
        assert np.allclose(said, network(torch.from_numpy(items)).numpy(), atol=1e-5)
