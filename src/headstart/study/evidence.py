"""What a careful reader asks next, answered from what the rounds left: trust in probabilities, likely label errors, what more labels would buy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.base.events import stage
from headstart.base.records import to_plain
from headstart.data import Split, profile
from headstart.evaluation.evidence import trust
from headstart.evaluation.predictions import Predictions, joined
from headstart.evaluation.verdict import preferred as by_validation
from headstart.planning.plan import Plan
from headstart.ranking.label_errors import likely_label_errors
from headstart.ranking.learning_curve import learning_curve
from headstart.study.round import Round
from headstart.study.tracks import Tracks
from headstart.study.verdict import validation_scores

MOST_NAMES = 50  # of one kind; ``inspect --json`` names them all


def evaluation(rounds: Sequence[Round], plan: Plan) -> dict[str, Any]:
    """How the answer was judged, and what each round chose."""
    planned = int(plan.number("rounds"))
    choices = [_choice(number, one) for number, one in enumerate(rounds, 1)]
    how = "nested cross-validation" if len(rounds) > 1 else "held-out test"
    short = f"the items of {len(rounds)} of {planned} rounds, for which the budget had time; the others were tested by nobody"
    return {"how": how, "rounds": len(rounds), "why": plan.decision("rounds").why if len(rounds) == planned else short, "choices": choices}


def _choice(number: int, one: Round) -> dict[str, Any]:
    entrant = one.raced.winner.entrant
    return {
        "round": number,
        "model": one.raced.arm.model,
        "cut": entrant.block,
        "n_blocks": entrant.n_blocks,
        "source": entrant.source,
        "chosen": preferred(one),
    }


def preferred(one: Round) -> str:
    """The arm that the validation items of one round would have chosen, had it been alone."""
    return by_validation(validation_scores([one], one), one.problem.metric)


def trusted(validation: Predictions, rounds: Sequence[Round], arm: str, seed: int) -> dict[str, Any]:
    """Calibration, abstention and conformal sets of the arm that is delivered, each promise measured where its round had not looked; plain values."""
    judged = [(one.arms[arm].validation, one.on_test[arm]) for one in rounds if arm in one.on_test]
    plain: dict[str, Any] = to_plain(trust(validation, judged, seed=seed)) if judged else {}
    return plain


def label_errors(last: Round, judged: Sequence[Round], arm: str) -> dict[str, Any]:
    """Items whose label the delivered arm doubts, each judged by weights that had not seen it."""
    dataset = last.problem.dataset
    found = [(one.on_test[arm], one.tested(arm)) for one in judged if arm in one.on_test]
    if len(judged) == 1:
        held = last if arm in last.arms else judged[0]  # the network from scratch is trained in judged rounds only
        place, tested = {source: n for n, source in enumerate(dataset.sources)}, set(found[0][0].items)
        validation = held.arms[arm].validation
        others = [item for item in validation.items if item not in tested]  # where one of several rounds judged, the last one's hold its test items too
        if others:
            found.append((validation.among(others), np.array([place[item] for item in others])))
    probabilities, places = joined([said for said, _ in found]).probabilities, np.concatenate([where for _, where in found])
    rows = [
        {
            "position": one.position,
            "source": dataset.sources[one.position],
            "given": dataset.classes[one.given],
            "suggested": dataset.classes[one.suggested],
            "probability": one.probability,
            "given_probability": one.given_probability,
        }
        for one in likely_label_errors(probabilities, dataset.labels[places], places)
    ]
    return {"n_judged": len(places), "rows": rows}


def duplicates(last: Round, parts: Split) -> dict[str, Any]:
    """What is there twice, under whatever name or label, and what would leak."""
    seen = profile(last.problem.dataset, parts)
    families = {"equal": seen.equal, "near": seen.near, "across_classes": seen.across_classes}
    return {**{name: [list(one.sources) for one in found[:MOST_NAMES]] for name, found in families.items()}, "leaks": list(seen.leaks)}


def more_labels(last: Round, tracks: Tracks) -> dict[str, Any] | None:
    """The learning curve of a head on the delivered network's features; None when there are too few labels for one."""
    problem, model = last.problem, last.raced.arm.model
    with stage(problem.sink, "learning curve"):
        features, strength = tracks.collected[model].features, last.raced.strength
        found = learning_curve(
            features,
            problem.dataset.labels,
            problem.split.units,
            problem.folds,
            problem.dataset.classes,
            strength,
            problem.metric,
            problem.seed,
            balance=problem.balance,
        )
    return None if found is None else to_plain(found)
