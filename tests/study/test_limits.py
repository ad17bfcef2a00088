"""A model outside the limits is named with the limit it breaks; a limit that nothing could keep is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headstart import gallery
from headstart.base.errors import InputError
from headstart.ranking.combine import LeftOut
from headstart.study.limits import Limits, within

CARD = gallery.card("efficientnet_lite0")
THREE = replace(CARD, licence="BSD-2-Clause AND Apache-2.0 AND MIT")


@pytest.mark.parametrize(
    ("limits", "ms", "broken"),
    [
        (Limits(), 900.0, ""),
        (Limits(max_mb=18), None, "--max-mb"),
        (Limits(max_mb=19), None, ""),
        (Limits(max_ms=5), 5.1, "--max-ms"),
        (Limits(max_ms=5), 4.9, ""),
        (Limits(max_ms=5), None, ""),
        (Limits(licence="MIT"), None, "--licence"),
        (Limits(licence="MIT, apache-2.0"), None, ""),
        (Limits(licence="permissive"), None, ""),
    ],
)
def test_the_limit_that_is_broken_is_named(limits: Limits, ms: float | None, broken: str) -> None:
    assert within(limits, CARD, ms).split(":")[0] == broken


def test_a_licence_of_several_parts_needs_all_of_them_and_a_choice_one() -> None:
    assert within(Limits(licence="MIT,Apache-2.0"), THREE, None) and not within(Limits(licence="MIT,Apache-2.0,BSD-2-Clause"), THREE, None)
    assert not within(Limits(licence="GPL-3.0-only"), replace(CARD, licence="MIT OR GPL-3.0-only"), None)
    assert within(Limits(licence="permissive"), replace(CARD, licence="unknown"), None) == "--licence: it comes under unknown"


@pytest.mark.parametrize("words", [{"max_mb": 0.0}, {"max_ms": -1.0}, {"max_ms": float("nan")}, {"licence": " , "}])
def test_limits_that_nothing_keeps_are_refused(words: dict[str, float | str]) -> None:
    with pytest.raises(InputError, match=r"--max-|--licence"):
        Limits(**words)  # type: ignore[arg-type]


def test_the_limit_that_left_out_the_most_is_the_one_to_lift() -> None:
    left = [LeftOut("a", "--max-mb: x"), LeftOut("b", "--licence: y"), LeftOut("c", "--max-mb: z")]
    assert Limits(max_mb=1).lift(left).startswith("leave --max-mb out")


def test_a_reason_that_is_no_option_is_not_named_as_one_to_leave_out() -> None:
    left = [LeftOut("a", "language: it reads English"), LeftOut("b", "language: it reads English"), LeftOut("c", "--memory: 100 MB are left")]
    assert Limits().lift(left) == "leave --memory out or widen it" and Limits().lift(left[:2]) == "headstart gallery subscribe NAME"
