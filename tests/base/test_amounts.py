"""How amounts read: spans of time at the edges of their units, shares, and counts of one and of many."""

import pytest

from headstart.base.amounts import hours, percent, seconds, several


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (0.0, "0.0 s"),
        (0.04, "under 0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (119.6, "2 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7199.0, "2 h 00 min"),
    ],
)
def test_a_span_of_time_is_rounded_and_never_has_sixty_of_a_unit(span: float, told: str) -> None:
    assert seconds(span) == told


def test_shares_hours_and_counts() -> None:
    assert (percent(0.12345), percent(1.0, 0)) == ("12.3 %", "100 %")
    assert (hours(0.0999), hours(0.1)) == ("6.0 min", "0.10 h")
    assert (several(1, "item"), several(1200, "item")) == ("1 item", "1,200 items")
