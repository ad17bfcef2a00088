"""Played rounds in, the verdict out: what every arm said of all test items, and which arm validation prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.activations.collect import Activations
from headstart.evaluation.predictions import Predictions, joined
from headstart.evaluation.temperature import fit_temperature, with_temperature
from headstart.evaluation.verdict import CacheUse, Circumstances, Counts, Cut, Verdict, judge
from headstart.planning.plan import Plan
from headstart.study.candidates import Collected
from headstart.study.round import Round
from headstart.training.race import clearly_better

CLEARLY = 1.645  # standard errors: one-sided, 95 %
TWINS = ("scratch", "plain", "majority", "random")


def said(rounds: Sequence[Round], arm: str, *, calibrated: bool = True) -> Predictions | None:
    """What an arm says of the test items, at each round's own temperature; of those rounds in which it looked, None where it did in none."""
    parts = []
    for one in rounds:
        if arm not in one.on_test:
            continue
        warm = with_temperature(one.on_test[arm], fit_temperature(one.arms[arm].validation)) if calibrated and arm != "majority" else one.on_test[arm]
        parts.append(warm)
    return joined(parts) if parts else None


def places(rounds: Sequence[Round], arm: str) -> NDArray[np.int64]:
    """Where the items that an arm was asked about stand in the data set, in the order of what it ``said``."""
    return np.concatenate([one.tested(arm) for one in rounds if arm in one.on_test])


def validation_scores(judged: Sequence[Round], last: Round) -> dict[str, float]:
    """The scores by which the delivered arm is chosen.

    The scratch twin was judged on other items than the transfer arm: on some of them or, where a budget left the race fewer folds, on more. Its score is the
    transfer arm's plus their difference on what both were judged on, which may be ten items: it counts as better only where that many can tell.
    """
    score = last.problem.score
    transfer = last.arms["transfer"].validation
    found: dict[str, float] = {"transfer": score(transfer)}
    if "plain" in last.arms:  # under a budget the race's winner may have had time for fewer folds
        found["plain"] = score(last.arms["plain"].validation.among(transfer.items))
    twins = [_on_both(one.arms["scratch"].validation, one.arms["transfer"].validation) for one in judged if "scratch" in one.arms]
    if pairs := [(scratch, transfer) for scratch, transfer in twins if len(scratch)]:
        ahead = float(np.mean([score(scratch) - score(transfer) for scratch, transfer in pairs]))
        twin, arm = (np.concatenate([pair[n].right for pair in pairs]) for n in (0, 1))
        units = np.concatenate([scratch.units for scratch, _ in pairs])
        found["scratch"] = found["transfer"] + (ahead if clearly_better(twin, arm, CLEARLY, units) else min(ahead, 0.0))
    return found


def _on_both(one: Predictions, other: Predictions) -> tuple[Predictions, Predictions]:
    known = set(other.items)
    both = [item for item in one.items if item in known]
    return one.among(both), other.among(both)


def reach(
    judged: Sequence[Round], last: Round, collected: Mapping[str, Collected], random: Sequence[Activations], seconds: dict[str, float], plan: Plan
) -> Verdict:
    """Judge: the one look at what all arms said of the test items.

    Args:
        judged: The rounds whose test items count.
        last: The round whose arms are delivered.
        collected: By model.
        random: What was stored of frozen random networks.
        seconds: Wall-clock seconds by stage.
        plan: For the reasons.
    """
    arm, problem = last.arms["transfer"], last.problem
    candidate = collected[arm.model].candidate
    backbone = candidate.backbone
    twins = [one.arms["scratch"] for one in judged if "scratch" in one.arms]
    stored = [*(kept for each in collected.values() for kept in each.activations.values()), *random]
    transfer = said(judged, "transfer")
    if transfer is None:
        raise TypeError("the transfer arm answers in every round")
    return judge(
        transfer=transfer,
        scratch=said(judged, "scratch"),
        plain=said(judged, "plain"),
        majority=said(judged, "majority"),
        random=said(judged, "random"),
        validation=validation_scores(judged, last),
        circumstances=Circumstances(
            task="classification",
            modality=problem.dataset.modality,
            model=candidate.card.name,
            title=candidate.card.title,
            cut=Cut(candidate.block_name(arm.cut), backbone.trainable_share(arm.cut), backbone.depth - arm.cut if arm.cut else None),
            seconds=seconds,
            cache=CacheUse(sum(one.hits for one in stored), sum(one.misses for one in stored), sum(one.written_bytes for one in stored)),
            n=_counts(judged, last),
            licence=candidate.card.licence,
            seed=problem.seed,
            scratch_epochs=round(min((sum(row.passes for row in one.history) for one in twins if one.history), default=0.0), 1) if twins else None,
            scratch_still_improving=any(one.still_improving for one in twins) if twins else None,
            scratch_rounds=(len(twins), sum(one.frozen for one in twins)) if twins else None,
            why=plan.decision("cut").why,
        ),
        metric=problem.metric,
        n_rounds={name: len(judged) for name in TWINS if sum(name in one.on_test for one in judged) > 1},
    )


def _counts(judged: Sequence[Round], last: Round) -> Counts:
    """Items that teach, choose and test; in a nested cross-validation those of a round, and all that were tested."""
    if len(judged) == 1:
        split = last.problem.split
        return Counts(len(split.train), len(split.validation), len(split.test))
    pools = [len(one.problem.pool) for one in judged]
    held = [len(one.problem.heats[0][1]) for one in judged]
    return Counts(round(float(np.mean(pools)) - float(np.mean(held))), round(float(np.mean(held))), sum(len(one.problem.split.test) for one in judged))
