"""The reasons for what was measured, in a sentence each: why this model, why this cut, what evidence overruled, what the store kept."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.evaluation.sentence import METRIC_WORDS
from headstart.planning.entrants import Entrant
from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision, Plan
from headstart.study.candidates import Collected
from headstart.study.round import Round
from headstart.study.tracks import judged, worth
from headstart.training.race import Result

SHOWN = 3  # other entrants that a sentence names


def competed(plan: Plan, names: Sequence[str], n_played: int, n_possible: int) -> Plan:
    """The plan with the models that were asked and the rounds that judged, where limits, time or the data made them fewer than it hoped for."""
    models, planned = plan.decision("models"), int(plan.number("rounds"))
    if models.source != "pinned" and len(names) < len(plan.words("models")):
        reason = f"{len(names)} of {len(plan.words('models'))} subscribed models competed; ranking.json says why the others did not"
        plan = plan.decide(Decision("models", tuple(names), "", reason, "measured"))
    if n_played < planned:
        reason = "--budget left the others no time" if n_played < n_possible else "there are no more groups or families of repeats to divide"
        tested = f"{plan.decision('rounds').why}; {planned} were planned, {n_played} judged: {reason}"
        plan = plan.decide(Decision("rounds", n_played, "rounds", tested, "measured"))
    return plan


def decided(plan: Plan, last: Round, collected: dict[str, Collected], wishes: Wishes) -> Plan:
    """The plan with what the delivered round measured."""
    winner, known = last.raced.winner.entrant, {one.name for one in plan.decisions}
    plan = plan.decide(this_model(last, wishes)).decide(these_kept(collected[winner.model])).decide(this_cut(last, wishes))
    for name, value in sorted(winner.changes.items()):
        if name not in known or plan.decision(name).source != "pinned":
            unit = plan.decision(name).unit if name in known else ""
            plan = plan.decide(Decision(name, value, unit, this_setting(winner), "measured"))
    views = max([winner.views, *(one.entrant.views for one in last.raced.parents)])
    if plan.number("views") != views:
        offered = f"{plan.number('views'):.0f} varied views of each item were to be tried; they were too dear, or validation preferred what was trained without"
        plan = plan.decide(Decision("views", views, "views", offered, "measured"))
    if winner.source == "average":
        whose = "; ".join(f"{beside(winner, one.entrant, last)}{setting_words(one.entrant)}" for one in last.raced.parents)
        reason = f"the mean of the two finalists' weights did better on validation than either: {whose}"
        plan = plan.decide(Decision("averaged", True, "", reason, "measured"))
    return plan


def this_setting(winner: Entrant) -> str:
    """Why a setting of the winner is another than the plan's."""
    if winner.source == "search":
        return "proposed by the search and preferred by validation"
    if "contrastive" in winner.changes:
        return "contrastive tuning, for a few items a class, with a length and a rate of its own; it raced beside the others and validation preferred it"
    if "lora_rank" in winner.changes:
        return "low-rank adapters, which bear a higher rate than the layers themselves; they raced beside the others and validation preferred them"
    return "the highest that a range test of this network bore: much of it trains, and a higher one would tear its head down"


def setting_words(entrant: Entrant) -> str:
    """What of an entrant's settings is not the plan's: `` with learning rate 3e-05, dropout 0.2``; empty where nothing is."""
    said = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in sorted(entrant.changes.items()))
    return f" with {said}" if said else ""


def this_model(last: Round, wishes: Wishes) -> Decision:
    """The model, and how it compares with the next one and with the one of the highest published accuracy."""
    name = last.raced.arm.model
    if wishes.model is not None:
        return Decision("model", name, "", "you asked for it", "pinned")
    if name != last.ranking.pick:
        pick = last.ranking.row(last.ranking.pick).title
        return Decision("model", name, "", f"the race overruled the ranking, whose pick was {pick}: {this_cut(last, wishes).why}", "measured")
    return Decision("model", name, "", last.ranking.why, "measured")


def these_kept(one: Collected) -> Decision:
    """Which cuts of the chosen model the store keeps, and what the pass was expected to take beside what it took."""
    candidate, kept = one.candidate, one.activations
    names = tuple(candidate.block_name(cut) for cut in kept)
    misses = max(each.misses for each in kept.values())
    expected, took = misses / candidate.items_per_second, kept[candidate.backbone.depth].pass_seconds
    now = f"expected {expected:.1f} s of computing, decoding and writing aside; took {took:.1f} s" if misses else "nothing had to be computed"
    return Decision("kept_cuts", names, "", f"cheaper to keep than to compute again; the pass over {misses} new items: {now}", "measured")


def this_cut(last: Round, wishes: Wishes) -> Decision:
    """The cut, and what the best of the others reached."""
    winner, problem = last.raced.winner, last.problem
    if wishes.cut is not None:
        return Decision("cut", winner.entrant.block, "", "you asked for it", "pinned")
    others = [one for one in last.raced.results if one is not winner and one.heats and beside(winner.entrant, one.entrant, last) != words(winner.entrant)]
    best: dict[str, Result] = {}
    for one in others:
        if len(one.heats) == len(winner.heats):
            best.setdefault(beside(winner.entrant, one.entrant, last), one)
    said = "".join(f"; {name}: {_score(one)} at {-one.standing[0]:.3f}" for name, one in list(best.items())[:SHOWN])
    n = len(problem.held(len(winner.heats)))
    metric = METRIC_WORDS["en"][problem.metric].split(" (")[0]
    reason = f"on {n} validation items {words(winner.entrant)} reached {_score(winner)} {metric} at a log-loss of {-winner.standing[0]:.3f}{said}"
    deeper = [one for one in best.values() if one.entrant.model == winner.entrant.model and one.entrant.cut < winner.entrant.cut]
    if any(one.standing[0] > winner.standing[0] for one in deeper):
        reason += "; what retrains more was not clearly better"
    return Decision("cut", winner.entrant.block, "", reason, "measured")


def overruled(last: Round, wishes: Wishes) -> str:
    """What evidence made of the rule of thumb's first choice; empty where it agreed."""
    first, winner = last.raced.first, last.raced.winner
    if wishes.cut is not None or (first.model, first.cut) == (winner.entrant.model, winner.entrant.cut):
        return ""
    did = next((one for one in last.raced.results if one.entrant is first and one.heats), None)
    if did is None:
        return ""  # time, not evidence
    folds = len(did.heats)
    loss, alike = -float(worth(last.problem, winner.heats[:folds]).mean()), last.problem.score(judged(last.problem, winner.heats[:folds]))
    there = f"over {folds} fold{'s' if folds > 1 else ''} it reached {_score(did)} at a log-loss of {-did.standing[0]:.3f}"
    return f"The rule would have begun with {first.words()}; {there}, {words(winner.entrant)} {100 * alike:.1f} % at {loss:.3f}."


def order(last: Round, plan: Plan) -> str:
    """The starting order with its reason, and whether its first choice was too dear to be tried."""
    first = last.raced.first
    reason = next((reason for entrant, reason in last.raced.left_out if entrant is first), "")
    said = plan.decision("cuts").why
    return f"{said[:1].upper()}{said[1:]}." + (f" {first.words()[:1].upper()}{first.words()[1:]}: {reason}." if reason else "")


def words(entrant: Entrant) -> str:
    """What an entrant retrained, as in a sentence, and whether it is a mean."""
    mean = " (the mean of two finalists)" if entrant.source == "average" else ""
    return f"{entrant.words()}{' on varied views' if entrant.views else ''}{mean}"


def beside(winner: Entrant, entrant: Entrant, last: Round) -> str:
    """The same of another than the winner: its network too, where it is another."""
    return words(entrant) if entrant.model == winner.model else f"{last.ranking.row(entrant.model).title}'s {words(entrant).removeprefix('the ')}"


def _score(one: Result) -> str:
    return f"{100 * one.standing[1]:.1f} %"
