"""Seeds: the same for the same purpose on any machine, unrelated between purposes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headstart.base.seeds import seed_for


@given(st.integers(0, 2**63), st.text(max_size=20))
def test_a_seed_is_one_that_torch_and_numpy_accept(seed: int, purpose: str) -> None:
    assert 0 <= seed_for(seed, purpose) < 2**63


def test_purposes_and_seeds_do_not_meet() -> None:
    assert len({seed_for(seed, purpose) for seed in range(100) for purpose in ("split", "order", "folds", "1:order")}) == 400


def test_old_seeds_stay_as_they_were() -> None:
    assert seed_for(0, "split") == 5963735560859606764  # a change moves every split that anyone has ever drawn
