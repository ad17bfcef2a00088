"""Values out of files that may hold anything: what has the expected kind comes out, the rest as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headstart.evaluation.metrics import is_lower_better
from headstart.report import words

Plain = dict[str, Any]
UNKNOWN = "–"


@dataclass(frozen=True)
class Span:
    """A number with its interval, as far as the file tells them: without an interval both ends are the value."""

    value: float
    low: float
    high: float
    n: int | None = None

    @property
    def is_wide(self) -> bool:
        """Whether there is an interval at all."""
        return self.low < self.high

    def times(self, factor: float) -> Span:
        """The same in another unit."""
        return Span(factor * self.value, factor * self.low, factor * self.high, self.n)


def span(found: Any, name: str = "value") -> Span | None:
    """The number ``name`` of a table with its ``low``, ``high`` and ``n``, or None."""
    known = {key: words.as_number(found.get(key)) for key in (name, "low", "high", "n")} if isinstance(found, Mapping) else {}
    value = known.get(name)
    if value is None:
        return None
    low, high, n = known["low"], known["high"], known["n"]
    return Span(value, value if low is None else min(low, value), value if high is None else max(high, value), None if n is None else int(n))


def span_words(found: Any, metric: str = "accuracy") -> tuple[str, str]:
    """Value and interval of a score as texts; a dash when there is none."""
    known = span(found)
    if known is None:
        return UNKNOWN, ""
    digits, scale = (2, 1) if is_lower_better(metric) else (1, 100)
    return words.score(known.value, metric), f"{scale * known.low:.{digits}f} to {scale * known.high:.{digits}f}" if known.is_wide else ""


def around(found: Any, digits: int = 0) -> str:
    """A share with its interval as part of a sentence: ``96 % (93 to 98)``; "" when there is none."""
    known = span(found)
    if known is None:
        return ""
    ends = f" ({100 * known.low:.{digits}f} to {100 * known.high:.{digits}f})" if known.is_wide else ""
    return f"{100 * known.value:.{digits}f}\N{NO-BREAK SPACE}%{ends}"


def table(found: Any) -> Plain:
    """A table of names and values; empty when it is none."""
    return found if isinstance(found, dict) else {}


def rows(found: Any) -> list[Plain]:
    """The tables of a list."""
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(found: Any) -> str:
    """A text; "" when nothing is there."""
    return "" if found is None or found == "" else words.anything(found)


def texts(found: Any) -> list[str]:
    """The texts of a list."""
    return [text(one) for one in found] if isinstance(found, list) else []


def groups(found: Any) -> list[list[str]]:
    """Lists of texts in a list; empty ones are left out."""
    return [texts(group) for group in found if isinstance(group, list) and group] if isinstance(found, list) else []


def metric_of(found: Plain) -> str:
    """The metric that a table names; accuracy when it names none that is known."""
    from headstart.evaluation import METRICS

    metric = found.get("metric")
    return metric if isinstance(metric, str) and metric in METRICS else "accuracy"
