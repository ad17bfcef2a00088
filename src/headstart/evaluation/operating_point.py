"""Which threshold keeps false accepts to a stated number an hour: logits of sounds without the word in; a threshold, and whether its hours can promise it, out.

Few hours hold few false accepts, so the loudest of them is a poor guide. The peaks above a high level fall off exponentially (Pickands 1975, "Statistical
Inference Using Extreme Order Statistics", shape 0), and where that line crosses the rate that was asked for is a steadier one; the higher of both is taken.
Where more are allowed than the line is drawn through, there are enough of them to be counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation.intervals import Measured
from headstart.evaluation.rates import hours_to_promise, per_hour

Logits = NDArray[np.float32]
TAIL_PEAKS = 30  # that the line is drawn through
TAIL_SHARE = 0.1  # of the moments at which there could be a peak: more are no tail
FEWEST_PEAKS = 5  # fewer show no line
MARGIN = 1e-3  # above the loudest wrong logit


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it rests on.

    Attributes:
        threshold: A logit.
        accepted: Sounds without the word that it accepts, an hour, with an interval; ``n`` of them were counted.
        hours: What they were counted in.
        promised: Does the interval end below the rate that was asked for?
        hours_to_promise: So many hours without a single false accept would promise it.
    """

    threshold: float
    accepted: Measured
    hours: float
    promised: bool
    hours_to_promise: float


def operating_point(wrong: Sequence[Logits], hours: float, asked: float, *, rest_steps: int) -> OperatingPoint:
    """The lowest threshold that keeps the promise on these sounds, and by the line through their loudest peaks.

    Args:
        wrong: Logits of sounds without the word, step by step.
        hours: How long these sounds are.
        asked: False accepts an hour.
        rest_steps: Steps after a detection in which nothing is reported.
    """
    allowed = int(asked * hours)
    most = max(TAIL_PEAKS, allowed) + 1  # of one recording: it may hold all that are allowed
    found = np.sort(np.array([peak for one in wrong for peak in peaks(one, rest_steps, most)]))[::-1]
    threshold = max(_counted(wrong, found[:most], allowed, rest_steps), _extrapolated(found, sum(map(len, wrong)) // rest_steps, hours * asked))
    accepted = per_hour(sum(len(steps_of_detections(one, threshold, rest_steps)) for one in wrong), hours)
    return OperatingPoint(threshold, accepted, hours, accepted.high <= asked, hours_to_promise(asked))


def peaks(logits: Logits, rest_steps: int, most: int) -> list[float]:
    """So many of the loudest logits that lie at least a rest apart, the loudest first."""
    free, found = np.isfinite(logits), list[float]()
    for step in np.argsort(-logits, kind="stable").tolist():
        if len(found) == most:
            break
        if free[step]:
            found.append(float(logits[step]))
            free[max(0, step - rest_steps + 1) : step + rest_steps] = False
    return found


def steps_of_detections(logits: Logits, threshold: float, rest_steps: int) -> list[int]:
    """At which steps a listener with this threshold would report, from all logits at once."""
    found: list[int] = []
    for step in np.flatnonzero(logits >= threshold).tolist():
        if not found or step >= found[-1] + rest_steps:
            found.append(step)
    return found


def _counted(wrong: Sequence[Logits], found: NDArray[np.float64], allowed: int, rest_steps: int) -> float:
    """The lowest of the peaks at which no more than so many are accepted, or just above all of them."""

    def accepted(place: int) -> int:
        return sum(len(steps_of_detections(one, float(found[place]), rest_steps)) for one in wrong)

    within = bisect_right(range(len(found)), allowed, key=accepted)
    return float(found[within - 1]) if within else float(found[0]) + MARGIN


def _extrapolated(found: NDArray[np.float64], moments: int, allowed: float) -> float:
    """Where the line through the loudest peaks falls to the number that is allowed in these hours; nowhere if more are allowed than it is drawn through."""
    m = min(TAIL_PEAKS, int(TAIL_SHARE * moments), len(found) - 1)
    if m < FEWEST_PEAKS or allowed > m:
        return -np.inf
    level = float(found[m])
    return level + float(np.mean(found[:m] - level)) * float(np.log(m / allowed))
