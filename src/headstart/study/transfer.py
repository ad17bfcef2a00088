"""The transfer arm of one round: ranked models in, a race of cuts and settings, and the winner fitted to everything that may be learnt from, out."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from headstart.base.errors import InputError
from headstart.planning.budget import VIEWS_SHARE, Budget
from headstart.planning.entrants import REFIT, Entrant, admit, race_seconds
from headstart.planning.plan import Plan
from headstart.ranking.combine import Ranking
from headstart.study import room
from headstart.study.arms import Arm
from headstart.study.candidates import HALF
from headstart.study.tracks import Contest, judged, worth
from headstart.training.contrastive import FROM_A_CLASS, RATE_TIMES, TEMPERATURE, TO_A_CLASS, passes
from headstart.training.race import Heat, Result, race, steadied
from headstart.training.search import OTHER_WAYS, Search

OTHERS = 2  # models that race beside the pick: those that probed better, then those that the evidence cannot tell from it
HEAD_SECONDS = 0.3  # a linear head on one fold, roughly
MARGIN = 1e-9
LORA_RANK, LORA_TIMES = 8, 10.0  # adapters bear about ten times the rate of the layers (Hu et al., LoRA, 2022, appendix D)
PASS_SHARES, LEAST_PASSES = (1.0, 0.5, 0.33), 4.0
DEEP_SHARE = 0.3  # of the FLOPs behind the cut


@dataclass(frozen=True, eq=False)
class Raced:
    """What a race came to.

    Attributes:
        arm: The winner, fitted to everything that may be learnt from.
        results: Every entrant, the best first.
        left_out: Entrants that never ran, and why.
        winner: The one that was chosen.
        seconds: Wall-clock seconds; ``expected_seconds`` is what was expected of those that the rule let in.
        first: The first of the starting order, for what evidence overruled.
        strength: Of the linear head on the winner's network.
        parents: Whose weights' mean won, where a mean did.
    """

    arm: Arm
    results: tuple[Result, ...]
    left_out: tuple[tuple[Entrant, str], ...]
    winner: Result
    seconds: float
    expected_seconds: float
    first: Entrant
    strength: float
    parents: tuple[Result, ...] = ()


def transfer(ranking: Ranking, contest: Contest, plan: Plan, budget: Budget, *, n_races: int) -> Raced:
    """Race what the ranking and the starting order suggest, and fit the winner.

    Args:
        ranking: Its pick races with every cut, what is tied with it or probed better with a head and the last block.
        contest: The networks under one problem.
        plan: Seconds, folds, proposals and the order of cuts.
        budget: What this race may take; without a limit the plan's expectation decides alone, so that the same plan gives the same bits.
        n_races: How many races share the price of varied views.
    """
    problem, journal = contest.problem, contest.problem.keeping.journal
    started = journal.instant("race")
    seconds = plan.number("race_seconds") if budget.seconds is None else journal.recall("seconds of the race", lambda: budget.left)
    for_views = seconds if budget.seconds is not None else seconds * n_races  # a limited race pays for the pass that all races use
    options, too_dear = _options(ranking, contest, plan, seconds, for_views)
    entered, left_out = admit(options, seconds, len(problem.heats))
    entered = [_steadied(one, contest, plan) for one in entered]
    prices = [one.seconds for one in entered]
    expected = race_seconds(prices, len(problem.heats))
    highest = max((one.views for one in options), default=0)
    mixes = not contest.tracks.collected[ranking.pick].candidate.backbone.varies

    def fits(further: Sequence[float]) -> bool:
        return race_seconds([*prices, *further], len(problem.heats)) <= seconds

    search = Search(int(plan.number("proposals")), fits, contest.highest_rate, highest, problem.seed, mixes=mixes)

    asked = itertools.count(1)

    def affordable(entrant: Entrant) -> bool:
        if budget.seconds is None:
            return True
        return bool(journal.recall(f"time {next(asked)}", lambda: budget.left > entrant.seconds * (1 + REFIT)))

    results = race(entered, len(problem.heats), contest.run, contest.stand, proposer=search, has_time=affordable)
    results, parents = _with_average(results, contest)
    results = steadied(results, partial(worth, problem), lambda heats: problem.split.units[problem.held(len(heats))])
    parents = parents if results[0].entrant.source == "average" else []
    arm = _fitted(results[0], parents, contest)
    for one in results:
        one.let_go()
    took, strength = journal.recall("seconds that the race took", lambda: time.perf_counter() - started), contest.probed[arm.model].probe.strength
    first = _first([*entered, *options, *(one for one, _ in too_dear)], ranking, contest, plan)
    return Raced(arm, tuple(results), (*too_dear, *left_out), results[0], took, expected, first, strength, tuple(parents))


def _options(ranking: Ranking, contest: Contest, plan: Plan, seconds: float, for_views: float) -> tuple[list[Entrant], list[tuple[Entrant, str]]]:
    """Entrants in their order: the pick's head, its cuts by the rule, the head on varied views, then heads and last blocks of its rivals."""
    rivals = [row.model for row in sorted(ranking.rows, key=lambda row: not row.ahead) if row.ahead or (row.tied and row.model != ranking.pick)][:OTHERS]
    words = plan.words("cuts")
    wanted = [(ranking.pick, ("head", *words) if len(words) > 1 else words)]
    wanted += [(model, ("head", "last")) for model in rivals if len(words) > 1]
    options: list[Entrant] = []
    too_dear: list[tuple[Entrant, str]] = []
    everybody = [(name, cut) for name, cuts in wanted for cut in contest.tracks.collected[name].candidate.backbone.cuts_of(cuts).values()]
    for model, cut in dict.fromkeys(everybody):
        backbone = contest.tracks.collected[model].candidate.backbone
        n_blocks = backbone.depth - cut if cut else None
        entrant = Entrant(model, cut, contest.tracks.collected[model].candidate.block_name(cut), n_blocks, HEAD_SECONDS)
        if cut < backbone.depth and (reason := contest.tracks.no_room(model, cut, contest.problem)):
            if len(words) == 1:
                raise InputError(f"--cut {words[0]} does not fit", details=[reason], fix="more --memory, or --cut head")
            too_dear.append((entrant, f"not tried: {reason}"))
            continue
        if cut < backbone.depth:
            least = contest.tracks.least_seconds(model, cut, contest.problem)
            price = race_seconds([HEAD_SECONDS, least], len(contest.problem.heats))
            if price > seconds and len(words) > 1:
                too_dear.append((replace(entrant, seconds=least), f"not tried: with it the race would take at least {price:.0f} s, it has {seconds:.0f} s"))
                continue
            entrant = replace(entrant, seconds=contest.tracks.fold_seconds(model, cut, contest.problem, seconds))
        options.append(entrant)
        views = _views(contest, plan, model, for_views)
        if entrant.is_linear and views and model == ranking.pick and len(words) > 1:
            options.append(replace(entrant, views=views, seconds=HEAD_SECONDS * (1 + views)))
    return _with_other_ways(ranking.pick, options, contest, seconds), too_dear


def _with_other_ways(model: str, options: list[Entrant], contest: Contest, seconds: float) -> list[Entrant]:
    """For texts, two more ways to train the deepest cut that is affordable.

    Contrastive tuning enters right behind the head, where a class has few items; low-rank adapters enter behind everything else. Half of
    the network is as good as all of it for the former, and its frozen half is in the store.
    """
    problem, candidate = contest.problem, contest.tracks.collected[model].candidate
    deeper = sorted((one for one in options if one.model == model and not one.is_linear), key=lambda one: one.cut)
    if not candidate.backbone.varies or len(contest.tracks.plan.words("cuts")) == 1:
        return options
    usual = contest.tracks.settings()

    def first_affordable(changes: dict[str, float | bool], times: float, cuts: list[Entrant]) -> list[Entrant]:
        whole = [one for one in cuts if "contrastive" not in changes or contest.tracks.trains_whole(one.model, one.cut)]
        found = [replace(one, changes=changes, seconds=one.seconds * times) for one in whole]
        return [one for one in found if race_seconds([HEAD_SECONDS, one.seconds], len(problem.heats)) <= seconds][:1]

    adapters = first_affordable({"lora_rank": LORA_RANK, "learning_rate": usual.learning_rate * LORA_TIMES}, 1.0, deeper)
    contrastive: list[Entrant] = []
    if FROM_A_CLASS <= len(problem.pool) / problem.n_classes <= TO_A_CLASS:
        near_half = sorted(deeper, key=lambda one: abs(candidate.backbone.trainable_share(one.cut) - HALF))
        tries = [*((share, near_half[:1]) for share in PASS_SHARES), (PASS_SHARES[-1], near_half)]
        for share, cuts in tries:  # fewer passes over half of the network rather than all of them over less of it
            epochs = max(LEAST_PASSES, passes(len(problem.heats[0][0])) * share)
            changes = {"contrastive": TEMPERATURE, "epochs": epochs, "learning_rate": usual.learning_rate * RATE_TIMES}
            contrastive = contrastive or first_affordable(changes, epochs / usual.epochs, cuts)
    return [*options[:1], *contrastive, *options[1:], *adapters]


def _steadied(entrant: Entrant, contest: Contest, plan: Plan) -> Entrant:
    """Where much of the network trains, the plan's rate is lowered to what a range test bears: from a good head, a rate that is too high tears it down."""
    backbone, rate = contest.tracks.collected[entrant.model].candidate.backbone, plan.decision("learning_rate")
    if entrant.is_linear or rate.source == "pinned" or entrant.changes.keys() & OTHER_WAYS or backbone.trainable_share(entrant.cut) < DEEP_SHARE:
        return entrant
    bearable = contest.highest_rate(entrant)
    return replace(entrant, changes={**entrant.changes, "learning_rate": bearable}) if bearable < plan.number("learning_rate") else entrant


def _first(options: list[Entrant], ranking: Ranking, contest: Contest, plan: Plan) -> Entrant:
    """What the starting order itself would have taken."""
    backbone = contest.tracks.collected[ranking.pick].candidate.backbone
    wanted = next(iter(backbone.cuts_of(plan.words("cuts")).values()))
    return next(one for one in options if (one.model, one.cut, one.views) == (ranking.pick, wanted, 0))


def _views(contest: Contest, plan: Plan, model: str, seconds: float) -> int:
    """Varied views that pay: computing them takes a small part of the races' seconds."""
    tracks, n, views = contest.tracks, len(contest.problem.dataset), int(plan.number("views"))
    candidate = tracks.collected[model].candidate
    if not views or views * candidate.pass_seconds > VIEWS_SHARE * seconds:
        return 0
    lacks = partial(room.to_pass, candidate, n, tracks.memory, held=views * n)  # the head learns all of them side by side
    return 0 if tracks.recall(f"memory for {views} views of {model}", lacks) else views


def _with_average(results: list[Result], contest: Contest) -> tuple[list[Result], list[Result]]:
    """Put the mean of the two finalists' weights first, if validation agrees that it is better than either; the second list says whose mean it is."""
    full = [one for one in results if len(one.heats) == len(contest.problem.heats) and all(heat.weights for heat in one.heats)][:2]
    if len(full) < 2 or full[0].entrant.model != full[1].entrant.model or all(one.entrant.is_linear for one in full):
        return results, []
    first, second = full
    deeper = min((one.entrant for one in full), key=lambda entrant: entrant.cut)
    cut, model = deeper.cut, deeper.model
    mean = Result(replace(deeper, source="average", changes={}, views=0))
    for fold, pair in enumerate(zip(first.heats, second.heats, strict=True)):
        began = time.perf_counter()
        weights = contest.average([heat.weights or {} for heat in pair], model)
        said = contest.answer(model, cut, weights, contest.problem.heats[fold][1])
        mean.heats.append(Heat(said, time.perf_counter() - began, weights=weights, history=pair[0].history))
    mean.standing = contest.stand(mean.heats)
    if mean.standing[0] <= first.standing[0] + MARGIN:
        mean.outcome = "finalist"
        return [*results[:1], mean, *results[1:]], []
    first.outcome, mean.outcome = "finalist", "won"
    return [mean, *results], full


def _fitted(winner: Result, parents: list[Result], contest: Contest) -> Arm:
    """The winner as an arm: fitted to the whole pool, or as it is where one fold left nearly all of it."""
    started, problem, entrant = time.perf_counter(), contest.problem, winner.entrant
    validation = judged(problem, winner.heats)
    head, weights = None, winner.heats[0].weights or {}
    if parents and len(problem.heats) > 1:
        weights = contest.average([contest.refit(one.entrant)[1] for one in parents], entrant.model)
    elif entrant.is_linear or len(problem.heats) > 1:
        head, weights = contest.refit(entrant)
    features = contest.tracks.collected[entrant.model].features
    answer = (
        (lambda items: head.probabilities(features[items])) if head is not None else (lambda items: contest.answer(entrant.model, entrant.cut, weights, items))
    )
    seconds = winner.seconds + time.perf_counter() - started
    history = winner.heats[0].history
    return Arm("transfer", validation, answer, seconds, history, False, head, None if head is not None else weights, entrant.model, entrant.cut)
