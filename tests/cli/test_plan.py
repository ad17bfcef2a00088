"""How a plan looks to who asked for it."""

from __future__ import annotations

import pytest

from headstart.cli.plan import in_all
from headstart.planning.plan import Decision
from headstart.study.plan import Preview


@pytest.mark.parametrize(("budgeted", "said"), [(False, "about 10 s in all"), (True, "10 s in all (the budget: what above takes longer")])
def test_a_budget_that_is_shorter_than_the_prices_above_it_says_that_they_are_cut(*, budgeted: bool, said: str) -> None:
    budget = (Decision("budget", 10.0, "seconds in all", "you asked for it", "pinned"),) if budgeted else ()
    assert in_all(Preview(budget, (), (), 10.0, 0, 0, 0)).startswith(said)
