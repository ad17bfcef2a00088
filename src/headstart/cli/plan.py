"""How a plan looks: what would be done, every value with its why, then what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from headstart.cli.records import in_words, nested
from headstart.cli.show import plain, table

if TYPE_CHECKING:
    from headstart.study.plan import Preview as Plan


def plan_parts(plan: Plan) -> list[RenderableType]:
    """Decisions first, the rest of the plan (costs, what was measured) below."""
    values: dict[str, Any] = plain(plan)
    rows = [
        (one["name"].replace("_", " "), f"{in_words(one['value'])} {one.get('unit') or ''}".strip(), f"{one['why']} ({one['source']})")
        for one in values.pop("decisions", [])
    ]
    return [table("Plan: nothing has been trained", ["decision", "value", "why"], rows), *nested("\nCost", values)]
