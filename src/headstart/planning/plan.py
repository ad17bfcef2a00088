"""The plan: a list of decisions, each a value with its unit, its why and its source; kept as ``plan.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headstart.base.files import write
from headstart.base.records import read_toml, to_toml

Value = bool | int | float | str | tuple[str, ...]
Source = Literal["rule", "measured", "pinned"]


@dataclass(frozen=True)
class Decision:
    """One value of the plan.

    Attributes:
        name: What is decided: ``learning_rate``.
        value: The value itself.
        unit: Its unit; empty for names and counts that need none.
        why: The reason in one sentence.
        source: ``rule`` (a rule of thumb applied to facts), ``measured`` (evidence of this run), ``pinned`` (the user's wish).
    """

    name: str
    value: Value
    unit: str
    why: str
    source: Source


@dataclass(frozen=True)
class Plan:
    """All decisions, in the order in which they are made.

    Example:
        >>> plan = Plan((Decision("folds", 5, "folds", "the usual compromise", "rule"),))
        >>> plan.number("folds")
        5.0
    """

    decisions: tuple[Decision, ...]

    def __getitem__(self, name: str) -> Value:
        """The value of a decision."""
        return next(decision.value for decision in self.decisions if decision.name == name)

    def decision(self, name: str) -> Decision:
        """The whole decision."""
        return next(decision for decision in self.decisions if decision.name == name)

    def words(self, name: str) -> tuple[str, ...]:
        """The value of a decision that is a word or several."""
        value = self[name]
        return tuple(str(one) for one in value) if isinstance(value, tuple) else (str(value),)

    def number(self, name: str) -> float:
        """The value of a decision that is a number."""
        value = self[name]
        if isinstance(value, (int, float)):
            return float(value)
        raise TypeError(f"{name} is not a number: {value!r}")

    def decide(self, decision: Decision) -> Plan:
        """The plan with one decision added, or replaced where it stands."""
        if any(one.name == decision.name for one in self.decisions):
            return Plan(tuple(decision if one.name == decision.name else one for one in self.decisions))
        return Plan((*self.decisions, decision))

    def save(self, path: Path) -> Path:
        """Write ``plan.toml``."""
        return write(path, to_toml({"decision": self.decisions}))


@dataclass(frozen=True)
class _File:
    decision: tuple[Decision, ...]


def load_plan(path: Path) -> Plan:
    """Read ``plan.toml``.

    Raises:
        InputError: with one line per fault.
    """
    return Plan(read_toml(_File, path).decision)
