"""What the store saves and what it costs: the ceiling of a partial cut, the price of views, disk per cut, and the cost model against the clock.

    python -m benchmarks.cache                       # the four tables, resumable
    python -m benchmarks.cache --only views cuts     # some of them
    python -m benchmarks.cache --markdown            # only render what there is

*ceiling*: retraining a last share u of the FLOPs from the store against the same training without it, over four cuts of two networks
(``benchmarks.ceiling``). *views*: seconds, bytes and what a head gains when it is fitted to 0, 1, 2 and 4 varied views of each item beside the item.
*cuts*: bytes of a cut's activations, and the seconds that ``activations.cost`` predicts for keeping and for computing them against what both took.
*folds*: the seconds that ``study.tracks`` predicts for a fold of a training against what it took. Where other work runs beside, wall-clock seconds
say little: processor seconds stand beside them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ledger import RESULTS, Column, Table, Values
from benchmarks.tasks import TASKS

MODELS = ("efficientnet_lite0", "resnet50_thin")
RACERS = ("efficientnet_lite0", "mobilenet_v2")
SHARES = (0.05, 0.13, 0.25, 0.5)  # trainable shares of the FLOPs whose nearest cuts are measured
VIEWS = (0, 1, 2, 4)
VIEW_TASKS = {"solar": (40, 1000), "stamps": (120, 179)}  # pictures to fit on and to test on
N_CUT_ITEMS = 200  # pictures whose activations are kept at every cut
N_FOLD_ITEMS = 96
FOLD_EPOCHS = 3.0
CEILING = Table(
    "cache_ceiling",
    "Retraining a last share u of the FLOPs from the store, against without it",
    ("model", "block"),
    (
        Column("u", "u", digits=3),
        Column("ratio", "times quicker", digits=2),
        Column("cpu_ratio", "of processor time", digits=2),
        Column("ceiling", "ceiling (1+2u)/(3u)", digits=2),
        Column("reached", "reached %", 100, 0),
        Column("cpu_reached", "reached %, processor time", 100, 0),
        Column("equal", "same bits", digits=0),
    ),
)
PRICE = Table(
    "cache_views",
    "Varied views of each item: what they cost and what a head gains",
    ("task", "model", "n", "views"),
    (
        Column("seconds", "s"),
        Column("cpu", "CPU s"),
        Column("bytes", "MB on disk", 1e-6, 2),
        Column("head", "head on the test part %", 100),
        Column("gain", "gain, points", 100),
        Column("log_loss", "log-loss", digits=3),
    ),
)
KEPT = Table(
    "cache_cuts",
    "A cut's activations: bytes on disk, and seconds of keeping and computing them, predicted and taken",
    ("model", "place", "block"),
    (
        Column("u", "u", digits=3),
        Column("bytes_per_item", "KB an item", 1e-3),
        Column("of_pixels", "times the prepared picture", digits=2),
        Column("predicted_bytes", "predicted MB", 1e-6),
        Column("bytes", "taken MB", 1e-6),
        Column("keep_predicted", "keep s, predicted", digits=3),
        Column("keep", "keep s", digits=3),
        Column("compute_predicted", "compute s, predicted", digits=2),
        Column("compute", "compute s", digits=2),
        Column("compute_cpu", "compute CPU s", digits=2),
        Column("kept", "kept by the rule", digits=0),
        Column("pays", "keeping was cheaper", digits=0),
    ),
)
FOLDS = Table(
    "cache_folds",
    "A fold of a training: predicted against taken",
    ("model", "cut"),
    (
        Column("predicted", "predicted s", digits=2),
        Column("taken", "taken s", digits=2),
        Column("cpu", "CPU s", digits=2),
        Column("times", "taken / predicted", digits=2),
        Column("cpu_times", "CPU / predicted", digits=2),
        Column("step_predicted", "ms a step, remembered", 1000),
        Column("step", "ms a step, median of the training", 1000),
        Column("again", "taken / predicted, after correction", digits=2),
    ),
)


class Watch:
    """Wall-clock and processor seconds of a block."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def watch() -> Iterator[Watch]:
    """Time a block."""
    found, started = Watch(), (time.perf_counter(), time.process_time())
    yield found
    found.wall, found.cpu = time.perf_counter() - started[0], time.process_time() - started[1]


def ceiling_cells(model: str, share: float, repeats: int) -> list[Values]:
    """One cut with and without the store."""
    from benchmarks.ceiling import N_ITEMS, ceiling_of, nearest_cut, one
    from benchmarks.data import solar
    from headstart import gallery
    from headstart.data import load
    from headstart.study.candidates import open_backbone
    from headstart.study.items import prepared_for

    card, dataset = gallery.card(model), load(solar(N_ITEMS))
    items = prepared_for(card, dataset)
    backbone = open_backbone(card, items, None)
    cut = nearest_cut(backbone, share)
    found, u = one(backbone, cut, items, dataset.labels, repeats), backbone.trainable_share(cut)
    ratio, cpu_ratio = statistics.median(found.ratios), statistics.median(found.cpu_ratios)
    row: Values = {
        "u": u, "block": backbone.blocks[cut].name, "ratio": ratio, "cpu_ratio": cpu_ratio, "ratios": found.ratios, "cpu_ratios": found.cpu_ratios,
        "ceiling": ceiling_of(u), "reached": ratio / ceiling_of(u), "cpu_reached": cpu_ratio / ceiling_of(u), "equal": int(found.equal),
    }  # fmt: skip
    return [row]


def views_cells(task: str, model: str, seed: int) -> list[Values]:
    """A head on the items alone, then with more and more views of each; each number of views from an empty store."""
    from benchmarks.depth_fits import contest_on
    from headstart.activations.store import Store
    from headstart.evaluation.metrics import score

    n, n_test = VIEW_TASKS[task]
    contest, _, _ = contest_on(TASKS[task].folder(n, n_test, seed), model, seed=seed, cuts=("head",), pinned={})
    problem, tracks, test = contest.problem, contest.tracks, contest.problem.split.test
    features, rows, alone = tracks.collected[model].features, [], 0.0
    for views in VIEWS:
        with tempfile.TemporaryDirectory() as empty, watch() as clock:
            object.__setattr__(problem, "store", Store(Path(empty)))
            tracks._kept.clear()
            tracks.features(model, views, problem)
            bytes_kept = sum(file.stat().st_size for file in Path(empty).rglob("*") if file.is_file())
            head = contest._head(_entrant(model, views), -1, problem.pool)
        said = problem.predictions(test, head.probabilities(features[test]))
        value = problem.score(said)
        alone = value if views == 0 else alone
        row = {"seconds": clock.wall, "cpu": clock.cpu, "bytes": bytes_kept, "head": value, "gain": value - alone, "log_loss": score(said, "log_loss")}
        rows.append({"views": views, **{name: round(float(found), 6) for name, found in row.items()}})
    return rows


def _entrant(model: str, views: int) -> Any:
    from headstart.planning.entrants import Entrant

    return Entrant(model, 0, "head", 0, 0.0, views=views)


def cut_cells(model: str) -> list[Values]:
    """Every cut that the plan may ask for, from an empty store each, then read from it."""
    from headstart import gallery
    from headstart.activations.collect import collect
    from headstart.activations.cost import cost
    from headstart.activations.store import Store
    from headstart.data import load
    from headstart.study.candidates import middle_cuts, open_candidate

    dataset = load(TASKS["solar"].folder(N_CUT_ITEMS, 400, 0) / "train")
    candidate = open_candidate(gallery.card(model), dataset, ("head", "last", "last2", "half", "all"), exact=False)
    backbone, items, rows = candidate.backbone, candidate.items, []
    pixels = items.prepare(0).nbytes
    wanted = {*backbone.cuts_of(("head", "last", "last2", "half")).values(), *middle_cuts(backbone)[:1], *(nearest(backbone, share) for share in (0.8, 0.95))}
    for cut in sorted(wanted):
        with tempfile.TemporaryDirectory() as empty:
            store = Store(Path(empty))
            expected = cost(backbone, cut, len(dataset), candidate.engine, candidate.items_per_second, store)
            for number in range(len(dataset)):
                items.prepare(number)  # the pages are warm for whoever comes first
            with watch() as clock:
                found = collect(backbone, [cut], items, candidate.engine, store, label=model)[cut]
            with watch() as reading:
                kept = found.rows(np.arange(len(dataset)))
            with watch() as writing:
                write_again(kept, Path(empty))
            bytes_kept = sum(file.stat().st_size for file in Path(empty).rglob("*.safetensors") if file.is_file())
        row = {
            "u": backbone.trainable_share(cut), "bytes_per_item": bytes_kept / len(dataset), "of_pixels": bytes_kept / len(dataset) / pixels,
            "predicted_bytes": expected.bytes, "bytes": bytes_kept, "keep_predicted": expected.keep_seconds, "keep": reading.wall + writing.wall,
            "compute_predicted": expected.compute_seconds, "compute": clock.wall - writing.wall, "compute_cpu": clock.cpu - writing.cpu,
            "kept": int(expected.kept), "pays": int(reading.wall + writing.wall < clock.wall - writing.wall),
            "items_per_second": candidate.items_per_second,
        }  # fmt: skip
        rows.append({"place": cut, "block": candidate.block_name(cut), **{name: round(float(value), 6) for name, value in row.items()}})
    return rows


def nearest(backbone: Any, share: float) -> int:
    """The cut inside a network whose trainable share is nearest to one."""
    from benchmarks.ceiling import nearest_cut

    return nearest_cut(backbone, share)


def write_again(kept: Any, folder: Path) -> None:
    """What a shard costs to write: the same arrays, checksummed, as one safetensors file that is synced."""
    import os
    import zlib

    from safetensors.numpy import save_file

    for array in kept:
        zlib.crc32(np.ascontiguousarray(array).data)
    path = folder / "again"
    save_file({str(n): np.ascontiguousarray(array) for n, array in enumerate(kept)}, path)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def fold_cells(model: str) -> list[Values]:
    """Every cut on one fold, every epoch of it; then once more, with what the training itself said of its steps."""
    from benchmarks.depth_fits import contest_on, entrants_of
    from headstart.base.folders import home

    pinned = {"epochs": FOLD_EPOCHS, "patience": 99}
    contest, _, _ = contest_on(TASKS["solar"].folder(N_FOLD_ITEMS, 400, 0), model, seed=0, cuts=("head", "last", "last2", "half", "all"), pinned=pinned)
    rows = []
    for cut, entrant in entrants_of(contest, model, ("last", "last2", "half", "all")).items():
        tracks, problem = contest.tracks, contest.problem
        key = tracks._key(model, entrant.cut)
        (home() / "engines" / f"step-{key}.json").unlink(missing_ok=True)
        predicted, remembered = tracks.fold_seconds(model, entrant.cut, problem), tracks.speed(model, entrant.cut, problem)
        tracks.reader(model, entrant.cut, 0, problem)(problem.pool, None)  # what a first reading costs is the store's affair, not the step's
        with watch() as clock:
            contest.run(entrant, 0)
        step = tracks.steps[-1]
        tracks._speeds.pop((model, entrant.cut), None)
        with watch() as second:
            contest.run(entrant, 1)
        row = {
            "predicted": predicted, "taken": clock.wall, "cpu": clock.cpu, "times": clock.wall / predicted, "cpu_times": clock.cpu / predicted,
            "step_predicted": remembered.seconds_per_step, "step": step or 0.0,
            "again": second.wall / tracks.fold_seconds(model, entrant.cut, problem),
        }  # fmt: skip
        rows.append({"cut": cut, **{name: round(float(value), 6) for name, value in row.items()}})
    return rows


def several(table: Table, base: Values, parts: tuple[str, ...], make: Callable[[], list[Values]]) -> None:
    """Cells that one computation fills together: it is done when any of them stands."""
    if any(base.items() <= record["key"].items() for record in table.done()):
        return
    for row in make():
        key = {**base, **{name: row[name] for name in parts}}
        table.cell(key, partial(_without, row, parts))
    print(table.markdown().read_text(encoding="utf-8"), flush=True)


def _without(row: Values, parts: tuple[str, ...]) -> Values:
    return {name: value for name, value in row.items() if name not in parts}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=("ceiling", "views", "cuts", "folds"), default=["ceiling", "views", "cuts", "folds"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=RESULTS)
    parser.add_argument("--markdown", action="store_true", help="only render the tables")
    given = parser.parse_args()
    torch.set_num_threads(1)
    tables = {name: in_folder(table, given.folder) for name, table in (("ceiling", CEILING), ("views", PRICE), ("cuts", KEPT), ("folds", FOLDS))}
    for name in () if given.markdown else given.only:
        fill(name, tables[name], given)
    for table in tables.values():
        print(table.markdown().read_text(encoding="utf-8"))


def fill(name: str, table: Table, given: argparse.Namespace) -> None:
    """Measure what one table still lacks."""
    if name == "ceiling":
        for model in MODELS:
            for share in SHARES:
                several(table, {"model": model, "share": share}, ("block",), partial(ceiling_cells, model, share, given.repeats))
    if name == "views":
        for task, (n, _) in VIEW_TASKS.items():
            for seed in range(given.seeds):
                several(table, {"task": task, "model": RACERS[0], "n": n, "seed": seed}, ("views",), partial(views_cells, task, RACERS[0], seed))
    if name == "cuts":
        for model in RACERS:
            several(table, {"model": model}, ("place", "block"), partial(cut_cells, model))
    if name == "folds":
        for model in RACERS:
            several(table, {"model": model}, ("cut",), partial(fold_cells, model))


def in_folder(table: Table, folder: Path) -> Table:
    """A table whose files lie elsewhere."""
    return Table(table.name, table.title, table.by, table.columns, table.notes, folder)


if __name__ == "__main__":
    main()
