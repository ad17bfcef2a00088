"""Ways of choosing a cut, and what each loses: the record of one cell in (``depth_fits.measure``), the cut a rule picks and its regret in points out.

Every rule sees what validation said of the cuts and nothing of the test part. A score is the task's metric over all folds; where it is coarse (a fold
of ten items), log-loss or a preference for the shallower cut may break near-ties: that is what the rules differ in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Values = Mapping[str, Any]
Rule = Callable[[Values], str]

PRIOR_ITEMS = 100  # validation items that the prior counts for
PRIOR_POINTS = 0.02  # of the metric that a step deeper loses by the prior
TIE = 0.01  # nats: log-losses this near count as equal


def cuts_of(values: Values) -> dict[str, Any]:
    """What is known of each cut, the shallowest first."""
    found: dict[str, Any] = values["cuts"]
    return found


def mean(values: Values, cut: str, name: str) -> float:
    """A fold's value, averaged over the held items of all folds."""
    folds = cuts_of(values)[cut]["folds"]
    return float(np.average([fold[name] for fold in folds], weights=[fold["n"] for fold in folds]))


def n_held(values: Values) -> int:
    """Items that validation judges, once each."""
    return int(sum(fold["n"] for fold in cuts_of(values)["head"]["folds"]))


def crossed(values: Values, cut: str) -> tuple[float, float]:
    """Score and minus the log-loss, no item judged at an epoch that it chose (``training.epochs``)."""
    found = cuts_of(values)[cut]
    return round(found["crossed_score"], 6), -found["crossed_log_loss"]


def accuracy_then_log_loss(values: Values) -> str:
    """The score, and among equals the log-loss: the race's own rule."""
    return max(cuts_of(values), key=lambda cut: (round(mean(values, cut, "score"), 6), -mean(values, cut, "log_loss")))


def by_log_loss(values: Values) -> str:
    """The log-loss alone."""
    return min(cuts_of(values), key=lambda cut: mean(values, cut, "log_loss"))


def by_calibrated_log_loss(values: Values) -> str:
    """The log-loss, each fold at the temperature that the others ask for."""
    return min(cuts_of(values), key=lambda cut: cuts_of(values)[cut]["calibrated_log_loss"])


def by_crossed(values: Values) -> str:
    """The score and then the log-loss, each fold at the epoch that the others ask for; among equals the shallower cut."""
    return max(cuts_of(values), key=lambda cut: crossed(values, cut))


def by_crossed_log_loss(values: Values) -> str:
    """The log-loss alone, each fold at the epoch that the others ask for."""
    return max(cuts_of(values), key=lambda cut: crossed(values, cut)[1])


def crossed_one_standard_error(values: Values) -> str:
    """The shallowest cut whose crossed score lies within a standard error of the best."""
    scores = {cut: crossed(values, cut)[0] for cut in cuts_of(values)}
    best = max(scores.values())
    return next(cut for cut in cuts_of(values) if scores[cut] >= best - math.sqrt(max(best * (1 - best), 0.0) / n_held(values)))


def crossed_both(values: Values) -> str:
    """Of the cuts whose crossed log-loss is not above the head's, the one with the best crossed score: both must agree to go deeper."""
    able = [cut for cut in cuts_of(values) if crossed(values, cut)[1] >= crossed(values, "head")[1]]
    return max(able, key=lambda cut: crossed(values, cut))


def accuracy_then_calibrated(values: Values) -> str:
    """The score, and among equals the calibrated log-loss."""
    return max(cuts_of(values), key=lambda cut: (round(mean(values, cut, "score"), 6), -cuts_of(values)[cut]["calibrated_log_loss"]))


def one_standard_error(values: Values, times: float = 1.0) -> str:
    """The shallowest cut whose score lies within a standard error of the best. Source: Breiman et al., Classification and Regression Trees, 1984, 3.4.3."""
    scores = {cut: mean(values, cut, "score") for cut in cuts_of(values)}
    best = max(scores.values())
    error = math.sqrt(max(best * (1 - best), 0.0) / n_held(values))
    return next(cut for cut in cuts_of(values) if scores[cut] >= best - times * error)


def half_a_standard_error(values: Values) -> str:
    """The same within half of it."""
    return one_standard_error(values, 0.5)


def calibrated_within_standard_error(values: Values) -> str:
    """Of the cuts whose score lies within a standard error of the best, the one with the lowest calibrated log-loss."""
    scores = {cut: mean(values, cut, "score") for cut in cuts_of(values)}
    best = max(scores.values())
    error = math.sqrt(max(best * (1 - best), 0.0) / n_held(values))
    near = [cut for cut in cuts_of(values) if scores[cut] >= best - error]
    return min(near, key=lambda cut: cuts_of(values)[cut]["calibrated_log_loss"])


def shrunk(values: Values) -> str:
    """The score, shrunk towards the seeds' rule: by the prior a step deeper loses 2 points, and the prior counts for 100 items."""
    weight = PRIOR_ITEMS / (PRIOR_ITEMS + n_held(values))
    return max(
        cuts_of(values),
        key=lambda cut: (
            round((1 - weight) * mean(values, cut, "score") - weight * PRIOR_POINTS * list(cuts_of(values)).index(cut), 6),
            -mean(values, cut, "log_loss"),
        ),
    )


def between(values: Values) -> str:
    """Ranks by score and by calibrated log-loss, added."""
    cuts = list(cuts_of(values))
    by_score = sorted(cuts, key=lambda cut: -mean(values, cut, "score"))
    scores = {cut: sum(mean(values, other, "score") > mean(values, cut, "score") for other in by_score) for cut in cuts}
    losses = {cut: sum(cuts_of(values)[other]["calibrated_log_loss"] < cuts_of(values)[cut]["calibrated_log_loss"] for other in cuts) for cut in cuts}
    return min(cuts, key=lambda cut: (scores[cut] + losses[cut], cuts.index(cut)))


def by_end(values: Values) -> str:
    """The score and then the log-loss of the last epoch, which nobody chose; among equals the shallower cut."""
    return max(cuts_of(values), key=lambda cut: (cuts_of(values)[cut]["end_score"], -cuts_of(values)[cut]["end_log_loss"]))


def by_end_log_loss(values: Values) -> str:
    """The log-loss of the last epoch alone."""
    return min(cuts_of(values), key=lambda cut: cuts_of(values)[cut]["end_log_loss"])


def by_end_calibrated(values: Values) -> str:
    """The log-loss of the last epoch, each fold at the temperature that the others ask for."""
    return min(cuts_of(values), key=lambda cut: cuts_of(values)[cut]["end_calibrated_log_loss"])


def end_one_standard_error(values: Values, times: float = 1.0) -> str:
    """The shallowest cut whose score at the last epoch lies within a standard error of the best."""
    scores = {cut: found["end_score"] for cut, found in cuts_of(values).items()}
    best = max(scores.values())
    return next(cut for cut in scores if scores[cut] >= best - times * math.sqrt(max(best * (1 - best), 0.0) / n_held(values)))


def end_half_a_standard_error(values: Values) -> str:
    """The same within half of it."""
    return end_one_standard_error(values, 0.5)


def end_both(values: Values) -> str:
    """The score at the last epoch among the cuts whose log-loss then is not above the head's."""
    found = cuts_of(values)
    able = [cut for cut in found if found[cut]["end_log_loss"] <= found["head"]["end_log_loss"]]
    return max(able, key=lambda cut: (found[cut]["end_score"], -found[cut]["end_log_loss"]))


RULES: dict[str, Rule] = {
    "score, then log-loss": accuracy_then_log_loss,
    "score, then calibrated log-loss": accuracy_then_calibrated,
    "log-loss": by_log_loss,
    "calibrated log-loss": by_calibrated_log_loss,
    "crossed score, then crossed log-loss": by_crossed,
    "crossed log-loss": by_crossed_log_loss,
    "shallowest within 1 SE of the best crossed score": crossed_one_standard_error,
    "crossed score, if the crossed log-loss agrees": crossed_both,
    "shallowest within 1 SE of the best score": one_standard_error,
    "shallowest within 0.5 SE": half_a_standard_error,
    "calibrated log-loss within 1 SE of the best score": calibrated_within_standard_error,
    "score shrunk to the seeds' rule": shrunk,
    "sum of ranks by score and calibrated log-loss": between,
}
END_RULES: dict[str, Rule] = {
    "last epoch: score, then log-loss": by_end,
    "last epoch: log-loss": by_end_log_loss,
    "last epoch: calibrated log-loss": by_end_calibrated,
    "last epoch: shallowest within 1 SE of the best score": end_one_standard_error,
    "last epoch: shallowest within 0.5 SE": end_half_a_standard_error,
    "last epoch: score, if the log-loss agrees": end_both,
}
FIXED = {
    "always the head": "head",
    "probe, then tune the last block": "last",
    "always the last two": "last2",
    "always half": "half",
    "always everything": "all",
}


def truth(values: Values, part: str = "all") -> dict[str, float]:
    """Score of every cut on the test part: after all epochs of the plan or after those that the folds found best, whichever is higher there."""
    return {cut: max(found["test"][part], found["whole"][part]) for cut, found in cuts_of(values).items()}


def regret(values: Values, taken: Mapping[str, float]) -> float:
    """Points that a choice loses against the best cut on the same test items; the best of several noisy scores flatters itself, so this is too large."""
    return 100 * float(max(truth(values).values()) - taken["all"])


def fair_regret(values: Values, taken: Mapping[str, float]) -> float:
    """The same where the best is chosen by one half of the test items and scored on the other, both ways: its noise does not make it the best."""
    lost = []
    for chooses, judges in (("first", "second"), ("second", "first")):
        versions = [found[kind] for found in cuts_of(values).values() for kind in ("test", "whole")]
        lost.append(max(versions, key=lambda one: one[chooses])[judges] - taken[judges])
    return 100 * float(np.mean(lost))


def taken_by(values: Values) -> dict[str, Mapping[str, float]]:
    """What every way of choosing scores on the test part; fixed cuts are trained for all of the plan's epochs, as one does who does not look."""
    found: dict[str, Mapping[str, float]] = {"headstart's race": values["race"]["test"]}
    for name, rule in RULES.items():
        found[name] = cuts_of(values)[rule(values)]["test"]
    for name, rule in END_RULES.items():
        found[name] = cuts_of(values)[rule(values)]["whole"]
    for name, cut in FIXED.items():
        if cut in cuts_of(values):
            found[name] = cuts_of(values)[cut]["whole"]
    return found


def regrets(records: Sequence[Values], measure: Callable[[Values, Mapping[str, float]], float]) -> dict[str, list[float]]:
    """Points lost by each way of choosing, a value a task, network and number of labels: the mean over seeds."""
    groups: dict[tuple[str, str, int], list[Values]] = {}
    for record in records:
        key = record["key"]
        groups.setdefault((key["task"], key["model"], key["per_class"]), []).append(record["values"])
    lost: dict[str, list[float]] = {}
    for found in groups.values():
        each = [{name: measure(values, taken) for name, taken in taken_by(values).items()} for values in found]
        for name in each[0]:
            lost.setdefault(name, []).append(sum(one[name] for one in each) / len(each))
    return lost
