"""A value of any kind as a person reads it; a number with its interval, where it has one."""

from __future__ import annotations

from typing import Any


def is_measured(value: Any) -> bool:
    """Whether this is a number with its interval."""
    return isinstance(value, dict) and {"low", "high"} <= value.keys() and ("value" in value or "points" in value)


def in_words(value: Any) -> str:
    """A value as a person reads it; a measured one with its 95 % interval."""
    if is_measured(value):
        size = f", n = {value['n']}" if value.get("n") is not None else ""
        number = value["value"] if "value" in value else value["points"]
        return f"{in_words(number)} (95 % {in_words(value['low'])} to {in_words(value['high'])}{size})"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in value)
    return "" if value is None else str(value)
