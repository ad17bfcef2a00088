"""Why this model: a ranking in, one sentence out that names the evidence, the ties and what published accuracy alone would have taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headstart.evaluation.intervals import Gain, Measured

if TYPE_CHECKING:
    from headstart.gallery.card import Prior
    from headstart.ranking.combine import Ranked, Ranking

NAMED = 3  # tied models that are named; the rest are counted
MUCH_FASTER = 0.75  # of the pick's time: from there on a tied model is worth naming as the cheaper one


def why(ranking: Ranking) -> str:
    """Why the pick, in one sentence.

    Args:
        ranking: Complete but for this sentence.
    """
    pick = ranking.row(ranking.pick)
    parts = [f"{pick.title}: {_evidence(pick, ranking.metric, alone=len(ranking.rows) == 1)}"]
    if len(ranking.rows) > 1:
        parts.append(_ties(ranking, pick))
    parts.append(_prior(ranking, pick))
    return "; ".join(part for part in parts if part)


def why_row(title: str, probe: Measured, behind: Gain | None, *, at_middle: bool) -> str:
    """How one model stands to the pick.

    Example:
        >>> why_row("MobileNetV2", Measured(0.8, 0.75, 0.85, 200), Gain(-2.0, -3.5, -0.5), at_middle=False)
        'MobileNetV2: probe 80.0 %, 2.0 points (0.5 to 3.5) behind the pick'
    """
    where = ", at its middle" if at_middle else ""
    said = f"{title}: probe {_percent(probe)}{where}"
    if behind is None:
        return f"{said}, the pick"
    if behind.low <= 0 <= behind.high:
        return f"{said}, which these items cannot tell from the pick ({behind.points:+.1f} points, {behind.low:+.1f} to {behind.high:+.1f})"
    if behind.points < 0:
        return f"{said}, {-behind.points:.1f} points ({-behind.high:.1f} to {-behind.low:.1f}) behind the pick"
    return f"{said}, {behind.points:.1f} points ahead of the pick's, but little was expected of it"


def _evidence(pick: Ranked, metric: str, *, alone: bool) -> str:
    middle = pick.probe_middle
    at_middle = middle is not None and middle.value > pick.probe.value
    best = middle if middle is not None and at_middle else pick.probe
    where = "the features of its middle" if at_middle else "its frozen features"
    reached = f"a new head on {where} reached {_percent(best)} {metric.replace('_', ' ')} on {best.n} training items, each held out when it was asked"
    published = f"published: {_percent(pick.prior)} {pick.prior.metric}" if pick.prior else "nothing is published about it"
    return f"{reached} ({published}); {'' if alone else 'beside the other models '}{_percent(pick.expected)} ({_range(pick.expected)}) are expected of it"


def _ties(ranking: Ranking, pick: Ranked) -> str:
    tied, ahead = [row for row in ranking.rows if row.tied], [row for row in ranking.rows if row.ahead]
    if ahead:
        return f"{_names(ahead)} probed better by more than chance, but with what is published less is expected there" + (
            f"; these items cannot tell the pick from {_names(tied)}" if tied else ""
        )
    if not tied:
        following = ranking.rows[1]
        return f"every other model is behind by more than chance, next {following.title} with {_percent(following.expected)} expected"
    cheaper = [row for row in tied if row.ms_per_item and pick.ms_per_item and row.ms_per_item < MUCH_FASTER * pick.ms_per_item]
    told = f"these items cannot tell it from {_names(tied)}"
    if not cheaper:
        return told
    fastest = min(cheaper, key=lambda row: row.ms_per_item or 0.0)
    return f"{told}, of which {fastest.title} takes {100 * (fastest.ms_per_item or 0) / (pick.ms_per_item or 1):.0f} % of its time"


def _names(rows: Sequence[Ranked]) -> str:
    return ", ".join(row.title for row in rows[:NAMED]) + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def _prior(ranking: Ranking, pick: Ranked) -> str:
    if ranking.prior_pick is None:
        return "nothing is published about any of them" if len(ranking.rows) > 1 else ""
    if ranking.prior_pick == pick.model:
        return "by published accuracy alone it would have been the same"
    other = ranking.row(ranking.prior_pick)
    return f"by published accuracy alone it would have been {other.title}, {_percent(other.expected)} expected"


def _percent(share: Measured | Prior) -> str:
    return f"{100 * share.value:.1f} %"


def _range(measured: Measured) -> str:
    return f"{100 * measured.low:.1f} to {100 * measured.high:.1f}"
