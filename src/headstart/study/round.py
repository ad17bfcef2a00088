"""One round of a study: a problem, what was found on what may be learnt from, and what every arm says of its test items; and how rounds join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from headstart.evaluation.predictions import Predictions
from headstart.ranking.combine import Ranking
from headstart.study.arms import Arm
from headstart.study.problem import Problem
from headstart.study.transfer import Raced
from headstart.task.linear import Floats


@dataclass(eq=False)
class Round:
    """One division of the data and everything that was done in it.

    Attributes:
        arms: By name; ``transfer`` and ``majority`` always, the twins as they are trained.
        on_test: What each arm that has looked says of the test items.
    """

    problem: Problem
    ranking: Ranking
    raced: Raced
    arms: dict[str, Arm]
    on_test: dict[str, Predictions] = field(default_factory=dict)

    def look(self) -> None:
        """Let every arm that has not yet looked at the test items answer for them, once."""
        for name, arm in self.arms.items():
            test = self.tested(name)
            if name not in self.on_test and len(test):
                self.on_test[name] = self.problem.predictions(test, arm.answer(test))

    def tested(self, name: str) -> NDArray[np.int64]:
        """The test items that an arm answers for: all, or those for which it had time."""
        some = self.arms[name].test_items
        return self.problem.split.test if some is None else some

    def let_go(self, name: str) -> None:
        """Let go of the weights of an arm that has looked and that nobody is given."""
        arm = self.arms[name]
        if name in self.on_test:
            self.arms[name] = replace(arm, weights=None, answer=self._answered)

    def _answered(self, items: NDArray[np.int64]) -> Floats:
        raise AssertionError(f"{len(items)} items are asked of weights that were let go")


def taught(judged: Sequence[Round], model: str) -> Round:
    """The round whose twin from scratch may be delivered: the first that trained the network which is delivered, else the first that trained any.

    Rounds choose their networks anew, and a budget may leave the first of them no time for its twin.
    """
    there = [one for one in judged if "scratch" in one.arms]
    return next((one for one in there if one.arms["scratch"].model == model), there[0])


def let_others_go(judged: Sequence[Round], model: str) -> None:
    """Let go of the weights of all twins from scratch but the one that may be delivered."""
    for one in judged:
        if "scratch" in one.arms and one is not taught(judged, model):
            one.let_go("scratch")
