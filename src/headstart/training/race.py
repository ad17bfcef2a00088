"""The race: entrants and a way to run one of them on one fold in, all results, the best first, out. It knows nothing of networks.

Source: Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, 2016 (successive halving; here a fold is
the unit of effort, so that what survives has been judged on more items, never on fewer).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from headstart.planning.entrants import Entrant, rungs, survivors
from headstart.task.linear import Floats
from headstart.training.loop import Epoch

NOISE = 0.25  # standard errors by which what retrains more must be better (``benchmarks/depth_choice.py``)


@dataclass(frozen=True, eq=False)
class Heat:
    """What one entrant did on one fold.

    Attributes:
        probabilities: ``(n_held, k)`` of the items that the fold holds out.
        seconds: Wall-clock seconds.
        weights: Trained weights by name; None once nobody needs them.
        history: One row an epoch, where there were epochs.
    """

    probabilities: Floats
    seconds: float
    weights: dict[str, Tensor] | None = None
    history: tuple[Epoch, ...] = ()


@dataclass(eq=False)
class Result:
    """An entrant's heats so far, and how it ended.

    Attributes:
        standing: Minus the log-loss on the items it was judged on, and its score for ties: larger is better; equals keep their starting order.
        outcome: ``won``, ``finalist``, ``dropped after fold 2``, ``out of time after fold 1``, ``not tried: …``.
    """

    entrant: Entrant
    heats: list[Heat] = field(default_factory=list)
    standing: tuple[float, float] = (-np.inf, -np.inf)
    outcome: str = ""

    @property
    def seconds(self) -> float:
        """What its heats took."""
        return sum(heat.seconds for heat in self.heats)

    def drop(self, outcome: str) -> None:
        """Leave the race; the weights go, the answers stay."""
        self.outcome = outcome
        self.let_go()

    def let_go(self) -> None:
        """Let go of the weights; the answers stay."""
        self.heats = [replace(heat, weights=None) for heat in self.heats]


class Proposer(Protocol):
    """Proposes further entrants on the first rung."""

    def ask(self, results: Sequence[Result]) -> Entrant | None:
        """The next proposal, or None when there is none."""

    def tell(self, result: Result) -> None:
        """Hear how a proposal did."""


def race(
    entrants: Sequence[Entrant],
    n_folds: int,
    run: Callable[[Entrant, int], Heat],
    stand: Callable[[Sequence[Heat]], tuple[float, float]],
    *,
    proposer: Proposer | None = None,
    has_time: Callable[[Entrant], bool] | None = None,
) -> list[Result]:
    """Run the race.

    Args:
        entrants: In their starting order.
        n_folds: Folds that a finalist is judged on.
        run: Runs an entrant on the fold of a number.
        stand: Judges the heats of the folds 0, 1, … together.
        proposer: Asked for further entrants after all have run the first fold.
        has_time: Whether an entrant's next fold can be afforded; where it cannot, the entrant stays with what it has; None for always.
            The first entrant's first fold is always run.

    Returns:
        One result an entrant, the best first: more folds before fewer, then by standing.
    """
    alive = [Result(entrant) for entrant in entrants]
    everybody = list(alive)
    steps = rungs(n_folds)
    for number, (begin, end) in enumerate(steps):
        for result in alive:
            _advance(result, range(begin, end), run, stand, has_time, forced=number == 0 and result is alive[0])
        if number == 0 and proposer is not None:
            while (proposal := proposer.ask(everybody)) is not None:
                result = Result(proposal)
                _advance(result, range(begin, end), run, stand, has_time, forced=False)
                alive.append(result)
                everybody.append(result)
                proposer.tell(result)
        alive = sorted((one for one in alive if len(one.heats) == end), key=lambda one: one.standing, reverse=True) or alive[:1]
        if number + 1 < len(steps):
            for result in alive[survivors(len(alive), last=number + 2 == len(steps)) :]:
                result.drop(f"dropped after fold {end}")
            alive = alive[: survivors(len(alive), last=number + 2 == len(steps))]
    ordered = sorted(everybody, key=lambda one: (len(one.heats), one.standing), reverse=True)
    for place, result in enumerate(ordered):
        if not result.outcome:
            result.outcome = "won" if place == 0 else _ended(len(result.heats), n_folds)
    return ordered


def clearly_better(one: NDArray[np.generic], other: NDArray[np.generic], errors: float = NOISE, units: NDArray[np.int64] | None = None) -> bool:
    """Whether one does better than another by some standard errors of the difference on the same items.

    The best of several noisy scores looks better than it is: of 16 items one answer more is no reason to retrain half of a network.

    Args:
        one: ``(n,)`` how well it did on each item: whether it was right, or minus its loss.
        other: ``(n,)`` the same of the other.
        errors: How many standard errors.
        units: ``(n,)`` which items belong together, as those of a speaker; each by itself when not given.

    Example:
        >>> clearly_better(np.arange(16) < 12, np.arange(16) >= 5, 0.5), clearly_better(np.arange(400) < 300, np.arange(400) >= 120)
        (False, True)
    """
    ahead = one.astype(np.float64) - other.astype(np.float64)
    beside = ahead - ahead.mean()
    together = beside if units is None else np.bincount(np.unique(units, return_inverse=True)[1], weights=beside)
    return bool(ahead.mean() > errors * np.sqrt(np.square(together).sum()) / len(ahead))


def steadied(
    results: list[Result], worth: Callable[[Sequence[Heat]], NDArray[np.generic]], units: Callable[[Sequence[Heat]], NDArray[np.int64]] | None = None
) -> list[Result]:
    """Put a finalist that retrains less of the same network first, where what retrains more is not clearly better.

    Args:
        results: The best first, as `race` gives them.
        worth: How well the items that heats hold out were told, each.
        units: Which of these items belong together.
    """
    best = results[0]
    rivals = [one for one in results if len(one.heats) == len(best.heats) and one.entrant.model == best.entrant.model and one.entrant.cut > best.entrant.cut]
    said = worth(best.heats) if rivals else None
    for rival in sorted(rivals, key=lambda one: one.entrant.cut, reverse=True):  # of one cut the best stands first
        if said is not None and not clearly_better(said, worth(rival.heats), units=None if units is None else units(best.heats)):
            best.outcome, rival.outcome = "finalist", "won"
            return [rival, *(one for one in results if one is not rival)]
    return results


def _ended(n_heats: int, n_folds: int) -> str:
    """What became of an entrant that neither won nor was dropped."""
    if n_heats == n_folds:
        return "finalist"
    return f"out of time after fold {n_heats}" if n_heats else "not tried: no time was left for it"


def _advance(
    result: Result,
    folds: range,
    run: Callable[[Entrant, int], Heat],
    stand: Callable[[Sequence[Heat]], tuple[float, float]],
    has_time: Callable[[Entrant], bool] | None,
    *,
    forced: bool,
) -> None:
    for fold in folds:
        if fold > len(result.heats) or not (forced or has_time is None or has_time(result.entrant)):
            return
        result.heats.append(run(result.entrant, fold))
        result.standing = stand(result.heats)
