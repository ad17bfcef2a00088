"""Values as people read them: numbers, seconds, bytes and intervals in, short texts out."""

from __future__ import annotations

import math
from typing import Any

from headstart.base import amounts
from headstart.evaluation import Gain, Measured
from headstart.evaluation.sentence import MINUS, number

NOT_RECORDED = "not recorded"
KILO = 1000
LARGEST = 1e15  # nothing that a run measures is larger; sums and logarithms of such numbers are still finite
LONGEST_NAME = 16


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction in per cent."""
    return NOT_RECORDED if fraction is None else amounts.percent(fraction, digits)


def score(value: float, metric: str = "accuracy") -> str:
    """A score in per cent, or in nats."""
    return f"{value:.3f}" if metric == "log_loss" else percent(value)


def ends(measured: Measured, metric: str = "accuracy") -> str:
    """The ends of an interval."""
    if metric == "log_loss":
        return f"{measured.low:.2f} to {measured.high:.2f}"
    return f"{100 * measured.low:.1f} to {100 * measured.high:.1f}"


def gain_ends(gain: Gain) -> str:
    """The ends of a gain's interval."""
    return f"{number(gain.low)} to {number(gain.high)}"


def points(gain: Gain) -> str:
    """A gain with its sign."""
    return number(gain.points, signed=True)


def seconds(value: float | None) -> str:
    """A duration, if it is known."""
    return NOT_RECORDED if value is None else amounts.seconds(value)


def size(n_bytes: float | None) -> str:
    """A number of bytes.

    Example:
        >>> size(512), size(18_700_000)
        ('512 B', '18.7 MB')
    """
    if n_bytes is None:
        return NOT_RECORDED
    amount, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < KILO:
            break
        amount, unit = amount / KILO, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def count(value: float) -> str:
    """A whole number with commas between thousands, as in the terminal."""
    return f"{value:,.0f}"


def as_number(value: Any) -> float | None:
    """A finite number of a size that can be drawn, or None for whatever else a file may hold."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    return float(value) if known else None


def anything(value: Any) -> str:
    """A value of unknown kind."""
    if value is None or value == "":
        return NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", MINUS) if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(anything(one) for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {anything(one)}" for key, one in value.items()) or "none"
    return str(value)


def unbroken(text: str) -> str:
    """The same text, never broken between lines."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """A name that fits beside an axis: its beginning and its end, because either may be what tells it from others."""
    return name if len(name) <= longest else f"{name[: longest - 7]}…{name[-6:]}"


def moment(date: str) -> str:
    """An ISO 8601 date of universal time.

    Example:
        >>> moment("2026-11-26T17:09:30+00:00")
        '2026-11-26 17:09:30 UTC'
    """
    return f"{date.replace('T', ' ').removesuffix('+00:00')} UTC"
