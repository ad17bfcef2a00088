"""The reasons for the two measured choices, in a sentence each: why this model, why this cut."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.planning.facts import Wishes
from headstart.planning.plan import Decision
from headstart.study.arms import Arm
from headstart.study.candidates import Probed
from headstart.study.problem import Problem


def this_model(probed: Sequence[Probed], best: Probed, problem: Problem, wishes: Wishes) -> Decision:
    """The model, and how it compares with the next one and with the one of the highest published accuracy."""
    name = best.candidate.card.name
    if wishes.model is not None:
        return Decision("model", name, "", "you asked for it", "pinned")
    words = problem.metric.replace("_", " ")
    reasons = [f"a new head on its frozen features reached {100 * best.score.value:.1f} % {words} in cross-validation"]
    others = sorted((one for one in probed if one is not best), key=lambda one: -one.score.value)
    if others:
        noise = ", a difference within the noise" if others[0].score.high > best.score.value else ""
        reasons.append(f"next {others[0].candidate.card.name} with {100 * others[0].score.value:.1f} %{noise}")
    known = [(one.candidate.card.prior.value, one.candidate.card.name) for one in probed if one.candidate.card.prior is not None]
    if known and max(known)[1] != name:
        reasons.append(f"by published accuracy alone it would have been {max(known)[1]}")
    return Decision("model", name, "", "; ".join(reasons), "measured")


def these_kept(best: Probed) -> Decision:
    """Which cuts of the chosen model the store keeps, and what the pass was expected to take beside what it took."""
    candidate, kept = best.candidate, best.activations
    names = tuple(candidate.block_name(cut) for cut in kept)
    misses = max(one.misses for one in kept.values())
    expected, took = misses / candidate.items_per_second, kept[candidate.backbone.depth].pass_seconds
    now = f"expected {expected:.1f} s of computing, decoding and writing aside; took {took:.1f} s" if misses else "nothing had to be computed"
    return Decision("kept_cuts", names, "", f"cheaper to keep than to compute again; the pass over {misses} new items: {now}", "measured")


def this_cut(tried: Sequence[Arm], chosen: Arm, best: Probed, problem: Problem, wishes: Wishes) -> Decision:
    """The cut, and what every cut that was tried reached."""
    block = best.candidate.block_name
    if wishes.cut is not None:
        return Decision("cut", block(chosen.cut), "", "you asked for it", "pinned")
    others = "".join(f", {_words(best, arm)} {100 * problem.score(arm.validation):.1f} %" for arm in tried if arm is not chosen)
    won = f"{_words(best, chosen)} reached {100 * problem.score(chosen.validation):.1f} % {problem.metric.replace('_', ' ')}"
    return Decision("cut", block(chosen.cut), "", f"on {len(chosen.validation)} validation items {won}{others}", "measured")


def _words(best: Probed, arm: Arm) -> str:
    blocks = best.candidate.backbone.depth - arm.cut
    return "the head alone" if blocks == 0 else "the last block" if blocks == 1 else f"the last {blocks} blocks"
