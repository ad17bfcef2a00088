"""The line that begins a run anew asks for what the run was asked for."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from headstart.base.errors import InputError
from headstart.cli.app import app
from headstart.planning.budget import seconds_in
from headstart.planning.facts import Wishes
from headstart.planning.memory import memory_in
from headstart.study.asked import Asked, asked
from headstart.study.resume import resume


def understood(line: str) -> dict[str, Any]:
    """What the command line makes of it."""
    command: Any = typer.main.get_command(app)
    return dict(command.commands["fit"].make_context("fit", shlex.split(line)[2:]).params)


WISHED = Wishes("mobilenet_v2", "last", 3, "quick", 1e-4, "float32", False, 90.5, 50.0, 20.0, "MIT, Apache-2.0", 2_500_000_000)


@pytest.mark.parametrize("wishes", [Wishes(), WISHED])
def test_a_run_is_begun_anew_with_all_that_was_asked(tmp_path: Path, wishes: Wishes) -> None:
    """Found as a bug: after another torch `resume` said `headstart fit DATA --out DATA-2`, without the column that keeps a patient on one side."""
    data = tmp_path / "x rays.csv"
    given = understood(asked(data, wishes, "sick", "patient no", ("net a", "b"), "note", "text").line)
    assert given["accept"] == ["net a", "b"]
    assert (str(given["data"]), given["label"], given["group"], given["text"], given["modality"]) == (str(data), "sick", "patient no", "note", "text")
    for name in ("model", "cut", "seed", "effort", "learning_rate", "precision", "twins", "max_mb", "max_ms", "licence"):
        assert given[name] == getattr(wishes, name)
    assert (given["budget"] and seconds_in(given["budget"]), given["memory"] and memory_in(given["memory"])) == (wishes.budget_seconds, wishes.memory_bytes)


def test_a_wake_word_is_begun_anew_without_what_it_does_not_take(tmp_path: Path) -> None:
    wishes = Wishes("speech_embedding", None, 2, "usual", None, "float32", True, 60.0)
    word: Asked = asked(tmp_path, wishes, None, "speaker", task="keyword", false_accepts=0.25)
    assert word.line == f"headstart fit {tmp_path} --task keyword --false-accepts 0.25 --seed 2 --budget 60s --group speaker"


@pytest.mark.parametrize(("now", "place"), [("moved/pictures", "DATA"), ("pictures 2", "'{}/pictures 2'")])
def test_data_that_was_moved_is_asked_for_and_what_lies_beside_with_a_similar_name_is_offered(tmp_path: Path, now: str, place: str) -> None:
    """Found as a bug: `fix: ls /the/folder/above` was all that `resume` said."""
    (tmp_path / "run").mkdir()
    asked(tmp_path / "pictures", Wishes(seed=3), None, "patient").write(tmp_path / "run")
    (tmp_path / now).mkdir(parents=True)
    with pytest.raises(
        InputError, match=f"headstart fit .*{now.split('/')[-1] if place != 'DATA' else 'DATA'}.* --seed 3 --group patient --out {tmp_path}/run-2"
    ) as caught:
        resume(tmp_path / "run")
    assert caught.value.fix == f"headstart resume {tmp_path}/run --data {place.format(tmp_path)}"
