"""How often: counted events and the hours or tries they were counted in, in; a rate with its 95 % interval out.

Sources: Garwood 1936, "Fiducial Limits for the Poisson Distribution" (events in time); Wilson 1927, "Probable Inference, the Law of Succession, and
Statistical Inference" (misses among tries).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation.intervals import Measured, proportion

HOUR_SECONDS = 3600.0
OUTSIDE = 0.025  # chance on either side
NORMAL = 1.959963984540054  # its quantile of the normal distribution


def per_hour(events: int, hours: float) -> Measured:
    """Events an hour with Garwood's interval; ``n`` is the number of events.

    Example:
        >>> none = per_hour(0, 2.0)
        >>> none.value, none.low, round(none.high, 3)
        (0.0, 0.0, 1.844)
    """
    from scipy.stats import chi2

    if hours <= 0:
        return Measured(0.0, 0.0, math.inf, 0)
    low = chi2.ppf(OUTSIDE, 2 * events) / 2 if events else 0.0
    high = chi2.ppf(1 - OUTSIDE, 2 * (events + 1)) / 2
    return Measured(events / hours, float(low) / hours, float(high) / hours, events)


def hours_to_promise(rate: float) -> float:
    """So many hours without a single event end the interval at this rate.

    Example:
        >>> round(hours_to_promise(0.5), 1)
        7.4
    """
    return -math.log(OUTSIDE) / rate


def share(events: int, tries: int) -> Measured:
    """The share of tries in which something happened, with Wilson's interval.

    Example:
        >>> half = share(5, 10)
        >>> round(half.low, 3), round(half.high, 3)
        (0.237, 0.763)
    """
    if tries == 0:
        return Measured(0.0, 0.0, 1.0, 0)
    found, square = events / tries, NORMAL * NORMAL / tries
    middle = (found + square / 2) / (1 + square)
    reach = NORMAL / (1 + square) * math.sqrt(found * (1 - found) / tries + square / (4 * tries))
    return Measured(found, min(found, max(0.0, middle - reach)), max(found, min(1.0, middle + reach)), tries)


def share_by(happened: NDArray[np.bool_], units: NDArray[np.int64]) -> Measured:
    """The share of tries in which something happened; where several tries are of one unit (a speaker), the interval draws whole units.

    Args:
        happened: ``(n,)``.
        units: ``(n,)``: equal numbers belong together.

    Example:
        >>> apart, together = (share_by(np.arange(20) < 10, np.arange(20) // size) for size in (1, 10))
        >>> apart.value == together.value and together.high - together.low > 2 * (apart.high - apart.low)
        True
    """
    if len(np.unique(units)) == len(units):
        return share(int(happened.sum()), len(happened))
    return proportion(happened.astype(np.float64), np.ones(len(happened)), units)
