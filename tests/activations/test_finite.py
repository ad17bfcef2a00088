"""What is no number is never kept, and who it is said of is named; what cannot be read at the moment is never thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.activations.test_collect import Numbers, network, pictures

from headstart.activations.collect import collect
from headstart.activations.store import Store
from headstart.backbone.engines.race import EXACT
from headstart.base.errors import HeadstartError
from headstart.base.events import Event


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_item_of_which_the_network_says_what_is_no_number_is_named_and_not_kept(tmp_path: Path, value: float) -> None:
    arrays = pictures(40)
    arrays[35][0, 3, 3] = value
    with pytest.raises(HeadstartError, match="no number: number 35"):
        collect(network(), [3], Numbers(arrays), EXACT, Store(tmp_path), label="tiny")
    assert collect(network(), [3], Numbers(arrays[:35]), EXACT, Store(tmp_path), label="tiny")[3].rows(np.arange(35))[0].shape[0] == 35


def test_a_shard_that_cannot_be_read_now_stays_and_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items, heard = Numbers(pictures(10)), list[Event]()
    collect(network(), [3], items, EXACT, Store(tmp_path), label="tiny")
    (kept,) = tmp_path.glob("*/*.safetensors")

    opened = Path.open

    def out_of_handles(path: Path, *how: Any, **more: Any) -> Any:
        if path == kept:
            raise OSError(24, "Too many open files", str(path))
        return opened(path, *how, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", out_of_handles)
        collect(network(), [3], items, EXACT, Store(tmp_path), label="tiny", sink=heard.append)
    said = [event.text for event in heard if event.kind == "note"]
    assert kept.exists() and any("cannot be read now" in text for text in said) and not any("damaged entry" in text for text in said)
