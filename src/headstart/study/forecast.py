"""How long a run will still take: its plan, what it has taken so far and what runs before it took in; the seconds left, as events, out.

Parts that lie ahead are reckoned from the plan (rounds, the twin's time) and from rates that were kept of earlier runs; what has begun is reckoned from
itself as soon as it shows a pace: items of a forward pass, rounds of the race. With a budget the budget is the answer. Nothing is decided by it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from headstart.base.errors import InputError
from headstart.base.events import Event, Sink
from headstart.base.files import read_json, write_json
from headstart.base.folders import measured
from headstart.base.journal import Journal
from headstart.planning.plan import Plan

EVERY_SECONDS = 2.0  # between two estimates, unless a part ends
OLD_SHARE = 0.5  # of a rate that was kept: one run does not decide
ORDER = ("read", "candidates", "race", "plain", "random", "look", "evidence", "scratch", "end")
# Until a run has shown better, on two cores: seconds a model and for each of its items, a round as a share of what the plan allots it, and an item and round.
USUAL = {"model": 6.0, "item": 0.02, "round": 0.6, "plain": 0.003, "random": 0.006, "look": 0.0, "evidence": 4.0}
LEAST_RATE, MOST_RATE = 0.0, 600.0
ONCE = "activations"  # the stage of the first round that no other repeats: passes over views


@dataclass(eq=False)
class Forecast:
    """Hears what happens, tells it further, and adds how long the run will still take.

    Attributes:
        sink: Who is told.
        journal: Whose clock counts.
        budget_seconds: What the user gave for all of it.
    """

    sink: Sink
    journal: Journal
    budget_seconds: float | None = None
    saved_seconds: float = 0.0
    _plan: Plan | None = None
    _models: int = 1
    _items: int = 0
    _key: str = ""
    _rates: dict[str, float] = field(default_factory=lambda: dict(USUAL))
    _took: dict[str, float] = field(default_factory=dict)
    _part: str = "read"
    _begun: float = field(default_factory=time.perf_counter)
    _opened: int = 0
    _since: float = 0.0
    _pass_left: float | None = None
    _rounds: list[float] = field(default_factory=list)
    _once: float = 0.0  # of the first round's seconds
    _told: float = -math.inf
    _end: float = 0.0
    _scratch: float | None = None
    _taught: int = 1  # rounds in which the twin trains
    _twins: list[float] = field(default_factory=list)

    def planned(self, plan: Plan, n_models: int, n_items: int, key: str, end_seconds: float) -> None:
        """Begin to reckon.

        Args:
            plan: Of the run.
            n_models: That compete.
            n_items: In the data set.
            key: Names the kind of run whose rates are kept: modality and effort.
            end_seconds: What judging and writing take.
        """
        self._plan, self._models, self._items, self._key, self._end = plan, n_models, n_items, key, end_seconds
        self._rates = {**USUAL, **_recalled(key)}
        self.tell()

    def enters(self, part: str) -> None:
        """A part begins."""
        self._part, self._begun = part, time.perf_counter()
        self.tell()

    def leaves(self, part: str, seconds: float) -> None:
        """A part has ended."""
        self._took[part] = self._took.get(part, 0.0) + seconds
        self._part, self._begun = "", time.perf_counter()
        self.tell()

    def twin(self, seconds: float, rounds: int) -> None:
        """How long the twin from scratch will take is known now, and in how many rounds."""
        self._scratch, self._taught = seconds, rounds

    def __call__(self, event: Event) -> None:
        """Tell it further, and look at it."""
        self.sink(event)
        if self._plan is None:
            return
        if self._part == "candidates":
            self._heard_of_candidates(event)
        elif self._part == "race" and event.kind == "end":
            if event.stage.startswith("rank and race"):
                self._rounds.append(event.seconds)
            elif event.stage == ONCE and not self._rounds:
                self._once += event.seconds
        elif self._part == "scratch" and event.kind == "end" and event.stage.startswith("twin from scratch"):
            self._twins.append(event.seconds)
        if event.kind in {"start", "progress", "end"} and time.perf_counter() - self._told > EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Say how long it will still take."""
        if self._plan is None:
            return
        self._told = time.perf_counter()
        at = self.journal.seconds
        left = max(0.0, self.budget_seconds - at) if self.budget_seconds is not None else sum(self.left().values())
        self.sink(Event("forecast", "run", seconds=round(left, 2), data={"at": round(at, 2), "total": round(at + left, 2), "part": self._part}))

    def left(self) -> dict[str, float]:
        """Seconds that each part still takes, those that have ended left out."""
        whole = self._whole()
        spent = time.perf_counter() - self._begun
        found = {}
        for part in ORDER:
            if part == self._part:
                found[part] = self._pace(part, whole[part], spent)
            elif part not in self._took:
                found[part] = whole[part]
        return found

    def keep(self) -> None:
        """Keep the rates of this run for those after it."""
        plan = self._plan
        if plan is None or self.budget_seconds is not None:
            return
        seen, items = self._took, max(1, self._items)
        rounds = plan.number("rounds")
        shown = {
            "item": max(0.0, seen.get("candidates", 0.0) + self.saved_seconds - self._models * self._rates["model"]) / (self._models * items),
            "round": sum(self._rounds) / len(self._rounds) / plan.number("race_seconds") if self._rounds else self._rates["round"],
            "plain": seen.get("plain", 0.0) / (items * rounds),
            "random": seen.get("random", 0.0) / (items * rounds),
            "look": seen.get("look", 0.0) / (items * rounds),
            "evidence": seen.get("evidence", 0.0),
        }
        kept = {name: OLD_SHARE * self._rates[name] + (1 - OLD_SHARE) * value for name, value in shown.items()}
        write_json(_file(self._key), {name: round(value, 6) for name, value in kept.items()})

    def _whole(self) -> dict[str, float]:
        """What each part takes in all."""
        plan = self._plan
        assert plan is not None
        rates, n, rounds = self._rates, self._items, plan.number("rounds")
        races, twins = rounds + (rounds > 1), bool(plan["twins"])
        first, later = sum(self._rounds[:1]), self._rounds[1:]
        per_round = rates["round"] * plan.number("race_seconds")
        if later:
            per_round = sum(later) / len(later)
        elif self._rounds:
            per_round = max(0.0, first - self._once)
        whole = dict.fromkeys(ORDER, 0.0)
        whole["candidates"] = self._took.get("candidates", self._models * (rates["model"] + n * rates["item"]))
        whole["race"] = self._took.get("race", first + sum(later) + max(0.0, races - len(self._rounds)) * per_round)
        whole["evidence"], whole["end"], whole["look"] = rates["evidence"], self._end, n * rounds * rates["look"]
        if twins:
            whole["plain"], whole["random"] = n * rounds * rates["plain"], n * rounds * rates["random"]
            needed = (whole["candidates"] + self.saved_seconds) / self._models + whole["race"]  # one of the models is taken
            whole["scratch"] = max(needed * plan.number("scratch_times"), plan.number("scratch_least_seconds")) if self._scratch is None else self._scratch
        return whole

    def _pace(self, part: str, whole: float, spent: float) -> float:
        """What a part that has begun still takes."""
        if part == "candidates" and self._opened:
            done = self._opened - 1
            now = time.perf_counter() - self._since
            this = self._pass_left if self._pass_left is not None else max(0.0, whole / self._models - now)
            each = (spent - now) / done if done else now + this
            return this + (self._models - self._opened) * each
        if part == "scratch" and self._twins:  # beside what it was given stand the opening of its network and its answers
            whole = self._taught * sum(self._twins) / len(self._twins)
        return max(0.0, whole - spent)

    def _heard_of_candidates(self, event: Event) -> None:
        if event.kind == "start" and event.stage.startswith("open "):
            self._opened, self._since, self._pass_left = min(self._models, self._opened + 1), time.perf_counter(), None
        elif event.kind == "progress" and event.stage == "activations" and event.done and event.total:
            spent = time.perf_counter() - self._since
            self._pass_left = spent * (event.total - event.done) / event.done


def _file(key: str) -> Path:
    return measured() / f"forecast-{key}.json"


def _recalled(key: str) -> dict[str, float]:
    """Rates that were kept; what is damaged counts as none."""
    try:
        kept = {name: float(value) for name, value in dict(read_json(_file(key))).items() if name in USUAL}
    except (OSError, ValueError, TypeError, AttributeError, InputError):
        return {}
    return {name: value for name, value in kept.items() if LEAST_RATE <= value <= MOST_RATE}
