"""The whole river on real photographs, with nothing to prepare: fetch the solar cells and two models, then `fit` as anybody would."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from headstart.base.events import Sink, silence
from headstart.gallery import is_subscribed, subscribe
from headstart.planning.facts import Wishes
from headstart.study.fit import Run, fit
from headstart.study.places import free_run, new_run
from headstart.study.solar_cells import solar_cells

MODELS = ("efficientnet_lite0", "mobilenet_v2")
NAME = Path("solar-cells")


def demo(out: str | Path | None = None, *, accept: Collection[str] = (), sink: Sink = silence) -> Run:
    """Fit 800 solar cells, defective or whole.

    Args:
        out: The run folder; ``runs/solar-cells-date-N`` when not given.
        accept: Names of models whose licences are accepted beforehand; the demo's own need none.
        sink: Hears of everything, of the pictures' licence first.

    Cost: about 115 MB fetched the first time, then minutes on two cores.
    """
    folder = free_run(out) if out is not None else new_run(NAME)
    data = solar_cells(sink=sink)
    for name in MODELS:
        if not is_subscribed(name):
            subscribe(name, accept=accept, sink=sink)
    return fit(data, out=folder, wishes=Wishes(), sink=sink)
