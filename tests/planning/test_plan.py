"""A plan comes back from its file as it was written, and damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.base.errors import InputError
from headstart.base.records import from_plain, to_plain
from headstart.planning.plan import Decision, Plan, load_plan

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), WORDS, st.lists(WORDS, max_size=3).map(tuple))
DECISIONS = st.builds(Decision, WORDS, VALUES, WORDS, WORDS, st.sampled_from(["rule", "measured", "pinned"]))


@settings(max_examples=40, deadline=None)
@given(st.lists(DECISIONS, max_size=4))
def test_values_units_and_reasons_survive_the_file(tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]) -> None:
    plan = Plan(tuple(decisions))
    again = load_plan(plan.save(tmp_path_factory.mktemp("plan") / "plan.toml"))
    assert again == plan
    assert [type(one.value) for one in again.decisions] == [type(one.value) for one in decisions]
    assert from_plain(Plan, to_plain(plan)) == plan


def test_deciding_anew_replaces_in_place_and_a_new_name_comes_last() -> None:
    plan = Plan((Decision("cut", "head", "", "a guess", "rule"), Decision("seed", 0, "", "first", "rule")))
    plan = plan.decide(Decision("cut", "blocks.5", "", "validation", "measured")).decide(Decision("model", "x", "", "probe", "measured"))
    assert [(one.name, one.value) for one in plan.decisions] == [("cut", "blocks.5"), ("seed", 0), ("model", "x")]


def test_words_and_numbers_are_read_as_such() -> None:
    plan = Plan(
        (Decision("cuts", ("head", "last"), "", "why", "rule"), Decision("metric", "accuracy", "", "why", "rule"), Decision("folds", 5, "", "why", "rule"))
    )
    assert (plan.words("cuts"), plan.words("metric"), plan.number("folds")) == (("head", "last"), ("accuracy",), 5.0)
    with pytest.raises(TypeError, match="metric is not a number"):
        plan.number("metric")


def test_every_fault_of_a_plan_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('[[decision]]\nname = "folds"\nvalue = 5\nunit = 3\nwhy = ""\nsource = "guess"\ncolour = 1\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_plan(file)
    assert [
        one for one in ("decision[0].colour: unknown", "decision[0].unit: expected str", "decision[0].source: expected") if one not in str(caught.value)
    ] == []
