"""Ways of choosing a cut, and what each loses: the record of one cell in (``depth_fits.measure``), the cut a rule picks and its regret in points out.

Every rule sees what validation said of the cuts and nothing of the test part: of each held item its loss, at the temperature that suits the cut best, and
whether it was right. A score is coarse where few items are held; losses say more; a preference for the shallower cut guards against the best of
several noisy numbers. That is what the rules differ in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.training.race import clearly_better

Values = Mapping[str, Any]
Rule = Callable[[Values], str]


def cuts_of(values: Values) -> dict[str, Any]:
    """What is known of each cut, the shallowest first."""
    found: dict[str, Any] = values["cuts"]
    return found


def worth(values: Values, cut: str) -> NDArray[np.float64]:
    """Minus the loss of each held item."""
    return -np.asarray(cuts_of(values)[cut]["losses"], np.float64)


def right(values: Values, cut: str) -> NDArray[np.float64]:
    """Whether each held item was right."""
    return np.asarray(cuts_of(values)[cut]["right"], np.float64)


def by_log_loss(values: Values) -> str:
    """The lowest log-loss."""
    return max(cuts_of(values), key=lambda cut: float(worth(values, cut).mean()))


def by_score(values: Values) -> str:
    """The score, and among equals the log-loss."""
    return max(cuts_of(values), key=lambda cut: (round(cuts_of(values)[cut]["score"], 6), float(worth(values, cut).mean())))


def shallower(values: Values, *, first: Rule, of: Callable[[Values, str], NDArray[np.float64]], errors: float) -> str:
    """The shallowest cut that the first rule's choice does not beat by so many standard errors on the same items.

    Source: the rule of one standard error, Breiman et al., Classification and Regression Trees, 1984, 3.4.3; paired here.
    """
    best = first(values)
    return next(cut for cut in cuts_of(values) if cut == best or not clearly_better(of(values, best), of(values, cut), errors))


RULES: dict[str, Rule] = {
    "log-loss": by_log_loss,
    "log-loss, the shallower within 0.25 SE": partial(shallower, first=by_log_loss, of=worth, errors=0.25),
    "log-loss, the shallower within 0.5 SE": partial(shallower, first=by_log_loss, of=worth, errors=0.5),
    "log-loss, the shallower within 1 SE": partial(shallower, first=by_log_loss, of=worth, errors=1.0),
    "score, then log-loss": by_score,
    "score, the shallower within 0.25 SE": partial(shallower, first=by_score, of=right, errors=0.25),
    "score, the shallower within 0.5 SE": partial(shallower, first=by_score, of=right, errors=0.5),
    "score, the shallower within 1 SE": partial(shallower, first=by_score, of=right, errors=1.0),
}
FIXED = {
    "always the head": "head",
    "probe, then tune the last block": "last",
    "always the last two": "last2",
    "always half": "half",
    "always everything": "all",
}
RACE = "headstart's race"


def truth(values: Values, part: str = "all") -> dict[str, float]:
    """Score of every cut on the test part."""
    return {cut: found["test"][part] for cut, found in cuts_of(values).items()}


def regret(values: Values, taken: Mapping[str, float]) -> float:
    """Points that a choice loses against the best cut on the same test items; the best of several noisy scores flatters itself, so this is too large."""
    return 100 * float(max(truth(values).values()) - taken["all"])


def fair_regret(values: Values, taken: Mapping[str, float]) -> float:
    """The same where the best is chosen by one half of the test items and scored on the other, both ways: its noise does not make it the best."""
    lost = []
    for chooses, judges in (("first", "second"), ("second", "first")):
        tests = [found["test"] for found in cuts_of(values).values()]
        lost.append(max(tests, key=lambda one: one[chooses])[judges] - taken[judges])
    return 100 * float(np.mean(lost))


def taken_by(values: Values) -> dict[str, Mapping[str, float]]:
    """What every way of choosing scores on the test part."""
    found: dict[str, Mapping[str, float]] = {RACE: values["race"]["test"]} if values["race"] else {}
    found |= {name: cuts_of(values)[rule(values)]["test"] for name, rule in RULES.items()}
    return found | {name: cuts_of(values)[cut]["test"] for name, cut in FIXED.items() if cut in cuts_of(values)}


def regrets(records: Sequence[Values], measure: Callable[[Values, Mapping[str, float]], float]) -> dict[str, list[float]]:
    """Points lost by each way of choosing, a value a task, network and number of labels: the mean over the seeds that know it."""
    groups: dict[tuple[str, str, int], list[Values]] = {}
    for record in records:
        key = record["key"]
        groups.setdefault((key["task"], key["model"], key["per_class"]), []).append(record["values"])
    lost: dict[str, list[float]] = {}
    for found in groups.values():
        each = [{name: measure(values, taken) for name, taken in taken_by(values).items()} for values in found]
        for name in dict.fromkeys(name for one in each for name in one):
            known = [one[name] for one in each if name in one]
            lost.setdefault(name, []).append(sum(known) / len(known))
    return {name: lost[name] for name in (RACE, *RULES, *FIXED) if name in lost}
