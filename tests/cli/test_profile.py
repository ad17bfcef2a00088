"""How a data set's profile looks: what is counted is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.data.made import made

from headstart.cli.profile import lines
from headstart.data import profile, split
from headstart.data.profile import Range


@pytest.mark.parametrize(("mode", "is_told"), [("Han, GB18030", True), ("Latin", False)])
def test_where_characters_are_counted_as_words_it_is_said(mode: str, *, is_told: bool) -> None:
    dataset = made([0, 1] * 20)
    told = dict(lines(replace(profile(dataset, split(dataset)), modes={mode: 40}, measures={"characters": Range(1, 9, 5), "words": Range(1, 9, 5)})))
    assert ("each character counts as one" in str(told["words"])) == is_told and "counts" not in str(told["characters"])
