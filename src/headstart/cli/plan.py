"""How a plan looks: what would be done, every value with its why, then what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from headstart.base.amounts import percent
from headstart.cli.records import in_words
from headstart.cli.show import in_bytes, in_seconds, plain, table

if TYPE_CHECKING:
    from headstart.study.plan import CutCost, ModelCost, Preview


def plan_parts(preview: Preview) -> list[RenderableType]:
    """Decisions first, then the price of each model, then of all together."""
    decisions = [(one.name.replace("_", " "), f"{in_words(plain(one.value))} {one.unit}".strip(), f"{one.why} ({one.source})") for one in preview.decisions]
    columns = ["model", "engine", "items/s", "passes", "disk"]
    return [
        table("Plan (nothing has been trained)", ["decision", "value", "why"], decisions),
        table("\nCost, from an empty store", columns, [price(one) for one in preview.models], numbers=columns[2:], whole=["model"]),
        *([table("\nLeft out", ["model", "why"], [(one.model, one.why) for one in preview.left_out], whole=["model"])] if preview.left_out else []),
        table(
            "\nWays to retrain the first of them, in the order in which they enter the race",
            ["cut", "from block", "share of the work", "one fold, at least", ""],
            [retrained(one) for one in preview.cuts],
            numbers=["share of the work", "one fold, at least"],
            whole=["cut"],
        ),
        Text(
            f"\n{in_all(preview)}, {in_bytes(preview.bytes)} of disk in the store, {in_bytes(preview.run_bytes)} in the run folder, "
            f"about {in_bytes(preview.memory_bytes)} of memory",
            style="bold",
        ),
    ]


def in_all(preview: Preview) -> str:
    """How long everything takes; under a budget the prices above are those without it."""
    length = in_seconds(preview.seconds)
    if any(one.name == "budget" for one in preview.decisions):
        return f"{length} in all (the budget: what above takes longer is cut short or left out)"
    return f"about {length} in all"


def retrained(one: CutCost) -> tuple[str, ...]:
    """A cut's row."""
    return one.cut, one.block, percent(one.trainable_share, 0), in_seconds(one.seconds), "" if one.enters else one.why or "too dear for this effort or budget"


def price(one: ModelCost) -> tuple[str, ...]:
    """A model's row."""
    return one.model, one.engine, f"{one.items_per_second:.0f}", in_seconds(one.forward_seconds), in_bytes(one.store_bytes)
