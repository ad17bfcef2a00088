"""One round of a study: a problem, what was found on what may be learnt from, and what every arm says of its test items; and how rounds join."""

from __future__ import annotations

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
