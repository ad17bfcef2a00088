"""Any record as a person reads it: lines for values, numbers with their intervals, a table for each part that has parts of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from headstart.cli.show import facts, table


def nested(title: str, values: Mapping[str, Any]) -> list[RenderableType]:
    """Lines for what is a value, a table for each thing within that has parts of its own."""
    lines = [(name.replace("_", " "), in_words(value)) for name, value in values.items() if not is_nested(value)]
    parts: list[RenderableType] = [facts(title, lines)] if lines else []
    for name, value in values.items():
        heading = name.replace("_", " ").capitalize()
        if is_rows(value):
            columns = list(value[0])
            parts.append(table(f"\n{heading}", columns, [[in_words(row.get(column)) for column in columns] for row in value]))
        elif is_matrix(value):
            parts.append(table(f"\n{heading}", [str(number) for number in range(len(value[0]))], value))
        elif isinstance(value, dict) and is_nested(value):
            parts += nested(f"\n{heading}", value)
    return parts


def is_measured(value: Any) -> bool:
    """Whether this is a number with its interval."""
    return isinstance(value, dict) and {"low", "high"} <= value.keys() and ("value" in value or "points" in value)


def is_rows(value: Any) -> bool:
    """Whether this is a list of records."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def is_matrix(value: Any) -> bool:
    """Whether this is a list of lists."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


def is_nested(value: Any) -> bool:
    """Whether this needs a table of its own."""
    return is_rows(value) or is_matrix(value) or (isinstance(value, dict) and not is_measured(value))


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
