"""A run whose rounds chose different networks and whose validation prefers the network from scratch: what it delivers can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.study.test_rank import lay_out

import headstart
from headstart.ranking.combine import Ranking
from headstart.study import fit as study
from headstart.study import verdict

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")


def test_a_network_from_scratch_of_the_first_round_is_not_delivered_under_the_card_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subscribed: Callable[[str], Path], empty_home: Path
) -> None:
    """Found as a bug: the weights of the first round's SqueezeNet lay beside EfficientNet's card, and no file could be predicted."""
    (empty_home / "gallery").mkdir()
    for name in NETWORKS:
        (empty_home / "gallery" / name).symlink_to(subscribed(name).parent)
    ranked, scored, n_ranked = study.rank_collected, verdict.validation_scores, list[str]()

    def first_round_differs(collected: Any, *about: Any, **how: Any) -> tuple[Ranking, Any]:
        ranking, probed = ranked([one for one in collected if one.candidate.card.name == NETWORKS[min(1, len(n_ranked))]], *about, **how)
        n_ranked.append(ranking.pick)
        return ranking, probed

    def scratch_wins(*rounds: Any) -> Mapping[str, float]:
        return {**scored(*rounds), "scratch": 2.0}

    monkeypatch.setattr(study, "rank_collected", first_round_differs)
    monkeypatch.setattr(verdict, "validation_scores", scratch_wins)
    data = lay_out(tmp_path / "digits")
    found = headstart.fit(data, out=tmp_path / "run", effort="quick", cut="head").verdict
    assert (found.chosen, found.model, n_ranked[0]) == ("scratch", "efficientnet_lite0", "squeezenet1_1")
    (said,) = headstart.predict(tmp_path / "run", [data / "digit 3" / "00.png"])
    assert said.fault is None and said.label in {"digit 3", "digit 8"}
