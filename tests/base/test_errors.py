"""Errors say what is wrong, what was got, what is allowed and a line to paste, in that order."""

from __future__ import annotations

from headstart.base.errors import HeadstartError, InputError, IntegrityError, LicenceError


def test_all_parts_of_a_message_stand_in_their_order_and_choices_are_sorted() -> None:
    error = InputError("no such model", got="mobilenet_v3", allowed=["squeezenet", "mobilenet_v2"], fix="headstart gallery list", details=["row 1", "row 2"])
    assert str(error).splitlines() == [
        "no such model",
        "  row 1",
        "  row 2",
        "  got: mobilenet_v3",
        "  allowed: mobilenet_v2, squeezenet",
        "  did you mean: mobilenet_v2",
        "  fix: headstart gallery list",
    ]


def test_nothing_is_suggested_when_nothing_is_near_or_allowed() -> None:
    assert "did you mean" not in str(InputError("no such model", got="zzz", allowed=["mobilenet"]))
    assert str(InputError("nothing to choose from", got="a", allowed=[])).endswith("allowed: (nothing)")


def test_a_value_that_is_false_is_still_shown() -> None:
    assert "got: 0" in str(InputError("too few", got=0))


def test_the_users_faults_leave_with_2_and_ours_with_1() -> None:
    assert [kind.exit_code for kind in (InputError, LicenceError, HeadstartError, IntegrityError)] == [2, 2, 1, 1]
