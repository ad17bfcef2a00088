"""Two real models ranked on digits: what is said of each, what a second look costs, and what the limits leave."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import headstart
from headstart.activations.store import Store
from headstart.base.errors import InputError
from headstart.base.events import Event, silence
from headstart.base.journal import Journal
from headstart.cli.plan import price
from headstart.data import load, split
from headstart.planning.budget import Budget
from headstart.planning.entrants import Entrant
from headstart.planning.facts import Effort, Wishes
from headstart.planning.memory import Memory
from headstart.planning.plan import Decision
from headstart.planning.rules import LONGER_FROM, first_plan
from headstart.ranking.combine import Ranking
from headstart.study import room
from headstart.study.candidates import Candidate, Collected, collect_candidate, models_for, open_candidate, rank_collected
from headstart.study.clock import Clock
from headstart.study.fit import scratch_time
from headstart.study.gather import afforded, cheapest_first, gather, too_dear
from headstart.study.limits import Limits
from headstart.study.problem import known_facts, pose, rounds
from headstart.study.tracks import DENSER, PASSES, Contest, Tracks

MODELS = ("efficientnet_lite0", "squeezenet1_1")
A_CLASS = 14


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, subscribed: object, gallery_home: Path) -> Iterator[Path]:
    """Two subscribed models and empty stores."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "gallery").mkdir()
    for name in MODELS:
        subscribed(name)  # type: ignore[operator]
        (folder / "gallery" / name).symlink_to(gallery_home / "gallery" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("digits"))


def lay_out(root: Path, most: int = A_CLASS) -> Path:
    """Threes and eights as class folders."""
    loaded = load_digits()
    for digit in (3, 8):
        (root / f"digit {digit}").mkdir(parents=True)
        for number, picture in enumerate(loaded.images[loaded.target == digit][:most]):
            Image.fromarray((picture * 15.9).astype("uint8")).resize((64, 64)).save(root / f"digit {digit}" / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def ranking(home: Path, digits: Path) -> Ranking:
    return headstart.rank(digits)


def test_a_plan_says_how_many_items_a_budget_affords(home: Path, tmp_path: Path) -> None:
    lay_out(tmp_path / "digits", most=180)
    whole, short = (headstart.plan(tmp_path / "digits", model="efficientnet_lite0", budget=budget) for budget in (None, "10s"))
    decided = {one.name: one for one in short.decisions}
    assert decided["items"].value < 350 and "--budget affords" in decided["items"].why
    assert "items" not in {one.name for one in whole.decisions} and short.bytes < whole.bytes


def test_a_plan_under_a_budget_lets_into_the_race_what_the_budget_has_time_for(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found as a bug: with an hour everything but the head was "too dear for this budget", by the 20 s of a run without any; and "at least" was no floor."""
    monkeypatch.setattr(Candidate, "torch_items_per_second", property(lambda one: 30.0))
    lay_out(tmp_path / "digits", most=180)
    plans = {budget: headstart.plan(tmp_path / "digits", model="efficientnet_lite0", budget=budget) for budget in ("30s", None, "1h")}
    entered = {budget: {one.cut for one in found.cuts if one.enters} for budget, found in plans.items()}
    assert entered["30s"] == {"head"} < entered[None] < entered["1h"] and "half" in entered["1h"] - entered[None]
    last = next(one for one in plans[None].cuts if one.cut == "last")  # 280 items, eight times, in each of three heats
    assert last.seconds == pytest.approx(PASSES * last.trainable_share * 280 * 8 / (DENSER * 30), abs=0.1)


def test_with_float32_speeds_are_timed_too(home: Path, digits: Path) -> None:
    """Found as a bug: "10 items/s" stood there as if it had been timed, and a budget took a tenth of what it afforded."""
    told = headstart.plan(digits, model="squeezenet1_1", precision="float32").models[0]
    assert told.engine == "torch-float32" and told.items_per_second > 11 and price(told)[2].isdecimal()


@pytest.mark.parametrize("exact", [False, True])
def test_what_a_budget_affords_is_told_apart_from_what_classes_need(home: Path, digits: Path, tmp_path: Path, exact: bool) -> None:
    """Found as a bug: "--budget affords 16 of 28 items" where it afforded none."""
    dataset, (card,) = load(digits), models_for("image", "squeezenet1_1")
    one = open_candidate(card, dataset, ("head",), exact=exact)
    part, decision = afforded(one, Budget(0.0), Memory(), dataset, Store(tmp_path), 0)
    assert decision is not None and decision.value == len(part) < len(dataset) and decision.source == "measured"
    assert "affords 0 of 28 items" in decision.why and "16 are taken, for each of 2 classes needs a few" in decision.why


@pytest.mark.parametrize("most", [60, 140])
def test_of_several_heats_each_takes_about_as_many_steps_as_the_fit_that_is_delivered(most: int, home: Path, tmp_path: Path) -> None:
    """Found as a bug: with two thirds of the steps "everything" stood at 79.5 % in the folds and at 92.3 % when it was fitted to all items.

    Few items are not seen more often than they will be: there that misled.
    """
    dataset = load(lay_out(tmp_path / "digits", most=most))
    parts = split(dataset)
    plan = first_plan(known_facts(dataset, parts, ["squeezenet1_1"]), Wishes(model="squeezenet1_1", effort="quick"))
    problem = pose(dataset, parts, plan, Store(tmp_path / "store"), silence)
    one = open_candidate(models_for("image", "squeezenet1_1")[0], dataset, plan.words("cuts"), exact=False)
    collected = collect_candidate(one, plan.words("cuts"), dataset, problem.store, silence)
    contest = Contest(Tracks({one.card.name: collected}, plan), {one.card.name: rank_collected([collected], problem)[1][0]}, problem)
    cut = one.backbone.depth - 1
    heat = contest.run(Entrant(one.card.name, cut, one.block_name(cut), 1, 0.0), 0)
    fitted, held = problem.heats[0]
    assert len(problem.heats) > 1 and len(fitted) + len(held) == len(problem.pool)
    seen = sum(row.passes for row in heat.history) * len(fitted)
    assert (len(problem.pool) < LONGER_FROM) == (most == 60)
    assert seen == pytest.approx(plan.number("epochs") * len(fitted if most == 60 else problem.pool), rel=0.15)


def test_every_candidate_is_described_and_one_is_picked(ranking: Ranking) -> None:
    assert sorted(row.model for row in ranking.rows) == sorted(MODELS)
    assert [row.model for row in ranking.rows if row.chosen] == [ranking.pick] == [ranking.rows[0].model]
    assert ranking.prior_pick == "efficientnet_lite0" and "published accuracy alone" in ranking.why
    for row in ranking.rows:
        assert 0 <= row.nearest <= 1 and row.ms_per_item and row.bytes > 1e6 and row.expected.n == row.probe.n > 10
        assert row.nearest_middle is not None and row.probe_middle is not None and np.isfinite([row.logme, row.h_score]).all()
    known = {row.model: row.relatedness for row in ranking.rows}
    assert known["efficientnet_lite0"].words in {"some way off", "far"} and known["squeezenet1_1"].words == "unknown"


def test_a_second_ranking_computes_nothing_and_says_the_same(ranking: Ranking, digits: Path) -> None:
    events: list[Event] = []
    again = headstart.rank(digits, sink=events.append)
    assert not any(event.total for event in events if event.stage == "activations")
    assert [(row.model, row.probe, row.logme, row.relatedness) for row in again.rows] == [(r.model, r.probe, r.logme, r.relatedness) for r in ranking.rows]


def test_labels_of_test_items_change_nothing(ranking: Ranking, digits: Path) -> None:
    dataset = load(digits)
    parts, cards = split(dataset), models_for("image", "squeezenet1_1")
    plan = first_plan(known_facts(dataset, parts, ["squeezenet1_1"]), Wishes())
    parts = rounds(dataset, parts, plan)[0]
    store = Store()
    problem = pose(dataset, parts, plan, store, silence)
    cuts = plan.words("cuts")
    collected: Collected = collect_candidate(open_candidate(cards[0], dataset, cuts, exact=False), cuts, dataset, store, silence)
    (row,) = rank_collected([collected], problem)[0].rows
    dataset.labels[parts.test] ^= 1
    changed, probed = rank_collected([collected], problem)
    assert (changed.rows[0].probe, changed.rows[0].logme, changed.rows[0].nearest_middle) == (row.probe, row.logme, row.nearest_middle)
    assert set(probed[0].probe.items) <= set(problem.pool) and probed[0].candidate is collected.candidate


def test_limits_leave_models_out_by_name_and_refuse_to_leave_none(ranking: Ranking, digits: Path) -> None:
    small = headstart.rank(digits, max_mb=10)
    assert small.pick == "squeezenet1_1" and [one.model for one in small.left_out] == ["efficientnet_lite0"] and "--max-mb" in small.left_out[0].why
    with pytest.raises(InputError, match=r"(?s)efficientnet_lite0: --max-ms.*squeezenet1_1: --max-ms.*fix: leave --max-ms out"):
        headstart.rank(digits, max_ms=0.001)
    with pytest.raises(InputError, match=r"efficientnet_lite0: --max-ms: it takes \d"):
        headstart.rank(digits, max_ms=0.001, precision="float32")


def test_what_the_store_holds_costs_nothing_of_a_budget(ranking: Ranking, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found as a bug: 24 of 300 items were taken under a budget though all of them had been stored a minute before."""
    monkeypatch.setattr(Candidate, "items_per_second", property(lambda one: 1.0))  # 28 items: 28 s, which a budget of 40 s does not have for them
    dataset, cards = load(digits), [one for one in models_for("image", None) if one.name == "efficientnet_lite0"]
    plan = first_plan(known_facts(dataset, split(dataset), ["efficientnet_lite0"]), Wishes(budget_seconds=40))
    for store, all_of_them in ((Store(), True), (Store(tmp_path), False)):
        found = gather(cards, dataset, plan, Limits(), Budget(40), store, silence, exact=False)
        assert (len(found.dataset) == len(dataset), found.decision is None) == (all_of_them, all_of_them)


@pytest.mark.parametrize(("effort", "speed", "asked"), [("usual", 0.1, False), ("usual", 0.3, True), ("thorough", 0.1, True)])
def test_a_model_dearer_than_all_others_together_is_named_and_not_asked(
    ranking: Ranking, digits: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort, speed: float, asked: bool
) -> None:
    speeds = {"efficientnet_lite0": 1.0, "squeezenet1_1": speed}  # 28 items: 28 s, then 280 or 93 s, which is below two minutes
    monkeypatch.setattr(Candidate, "items_per_second", property(lambda one: speeds[one.card.name]))
    heard: list[Event] = []
    dataset = load(digits)
    plan = first_plan(known_facts(dataset, split(dataset), list(MODELS)), Wishes(effort=effort))
    found = gather(models_for("image", None), dataset, plan, Limits(), Budget(), Store(), heard.append, exact=False)
    assert [one.candidate.card.name for one in found.collected] == [name for name in MODELS if asked or name != "squeezenet1_1"]
    assert found.seconds.keys() == {one.candidate.card.name for one in found.collected} and all(seconds > 0 for seconds in found.seconds.values())
    said = "its forward pass would take about 280 s, that of efficientnet_lite0 28 s; --model squeezenet1_1 or --effort thorough asks it"
    assert [one.why for one in found.left_out] == ([] if asked else [said]) and any(said in event.text for event in heard) != asked
    if asked:  # the twin gets the time of the network that was taken, not of those that were asked beside it
        clock, impatient = Clock(Journal()), plan.decide(Decision("scratch_least_seconds", 0.0, "", "", "rule"))
        with clock("race"):
            pass
        needed = found.seconds["efficientnet_lite0"] + found.collected[0].seconds_saved
        twin = scratch_time(clock, found, Budget(), impatient, {"efficientnet_lite0"})
        assert twin.number("scratch_seconds") == pytest.approx(needed * plan.number("scratch_times"), abs=0.2)


def test_dear_models_are_asked_cheapest_first_while_each_is_no_dearer_than_the_others_together(ranking: Ranking, digits: Path) -> None:
    dataset = load(digits)
    one = open_candidate(models_for("image", "squeezenet1_1")[0], dataset, ("head",), exact=False)

    def taking(seconds: float) -> Candidate:
        lap = replace(one.choice.race[0], engine=one.choice.engine, items_per_second=len(dataset) / seconds)
        return replace(one, choice=replace(one.choice, race=(lap,)))

    cheap, dear, dearest = [taking(25), taking(60), taking(60)], taking(140), taking(300)
    assert cheapest_first([dearest, dear]) == [dear, dearest]
    assert too_dear(dear, cheap) == "" and too_dear(dear, cheap[:2]) and "those of the 3 others together 145 s" in too_dear(dearest, cheap)
    assert too_dear(dearest, [*cheap, dear, taking(20)]) == ""


def test_what_is_known_of_a_networks_size_keeps_no_network_alive(ranking: Ranking, digits: Path) -> None:
    """Found as a bug: every network that any fit of a process had opened stayed in memory."""
    candidate = open_candidate(models_for("image", "squeezenet1_1")[0], load(digits), ("head",), exact=False)
    assert room.to_pass(candidate, 10, Memory(4 << 30)) == "" and room.step_bytes(candidate.backbone, 0)[1] > 0
    gone = weakref.ref(candidate.backbone)
    del candidate
    gc.collect()
    assert gone() is None
