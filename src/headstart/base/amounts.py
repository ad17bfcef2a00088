"""How amounts read wherever they are told, on a page or in a terminal: a number in, a short text out."""

from __future__ import annotations

MINUTE, HOUR = 60, 3600
SHORTEST = 0.05  # seconds: what is shorter would round to nothing
WORTH_MINUTES = 120  # seconds: below this, seconds read better than minutes


def seconds(value: float) -> str:
    """A span of time.

    Example:
        >>> seconds(0.42), seconds(83.4), seconds(252), seconds(3780)
        ('0.4 s', '83 s', '4 min 12 s', '1 h 03 min')
    """
    if 0 < value < SHORTEST:
        return "under 0.1 s"
    whole = round(value)
    if round(value, 1) < 10:
        return f"{value:.1f} s"
    if whole < WORTH_MINUTES:
        return f"{whole} s"
    minutes = round(value / MINUTE)
    return f"{whole // MINUTE} min {whole % MINUTE:02d} s" if whole < HOUR else f"{minutes // MINUTE} h {minutes % MINUTE:02d} min"


def hours(value: float) -> str:
    """A span of time that is counted in hours.

    Example:
        >>> hours(7.4), hours(0.05), hours(0.0)
        ('7.40 h', '3.0 min', '0.0 min')
    """
    return f"{MINUTE * value:.1f} min" if value < 0.1 else f"{value:.2f} h"


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction 0..1 in per cent.

    Example:
        >>> percent(0.75), percent(0.75, 0)
        ('75.0 %', '75 %')
    """
    return f"{100 * fraction:.{digits}f} %"


def several(n: int, noun: str) -> str:
    """So many of something, by a noun with a regular plural; commas between thousands.

    Example:
        >>> several(1, "word"), several(0, "time")
        ('1 word', '0 times')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
