"""The pictures of the verdict: what the twin was, and on how many items it was judged, stand beside its score and its gain."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.conftest import Change
from tests.report.reader import read

from headstart.base.files import write_json
from headstart.evaluation import Gain, Measured, Verdict
from headstart.report import write_report
from headstart.report.folder import read_verdict
from headstart.report.gains import arms_figure, gains_figure

TWIN = Measured(0.6, 0.5, 0.7, 300)
OVER = Gain(22.0, 12.0, 31.0)


@pytest.fixture(scope="module")
def verdict(whole: Path) -> Verdict:
    return read_verdict(whole / "verdict.json")


def frozen(verdict: Verdict, rounds: tuple[int, int] | None, random: Measured = TWIN) -> Verdict:
    return replace(verdict, scratch_frozen=True, scratch_rounds=rounds, scratch=TWIN, gain_over_scratch=OVER, random=random, gain_over_random=OVER)


def told(verdict: Verdict) -> tuple[str, str]:
    """What both pictures say."""
    return read(str(gains_figure(verdict))).text, read(str(arms_figure(verdict))).text


def test_a_twin_that_is_a_head_on_random_features_is_called_one_and_stands_there_once(verdict: Verdict) -> None:
    gains, arms = told(frozen(verdict, (5, 5)))
    assert "over a head on frozen random features" in gains and "Twin: a head on frozen random features" in arms
    assert not [said for said in (gains, arms) if "from scratch" in said or "frozen random weights" in said or "rounds" in said]
    assert "over frozen random weights" in told(frozen(verdict, (5, 5), replace(TWIN, value=0.61)))[0]


def test_where_the_twin_is_such_a_head_in_some_rounds_only_they_are_counted(verdict: Verdict) -> None:
    assert all("in 2 of 5 rounds" in said for said in told(frozen(verdict, (5, 2), replace(TWIN, value=0.61))))
    assert not any("rounds" in said for said in told(replace(verdict, scratch_rounds=(5, 0))))


def test_a_twin_that_was_judged_on_fewer_items_says_on_how_many(verdict: Verdict) -> None:
    fewer = replace(verdict, scratch=replace(TWIN, n=15))
    gains, arms = told(fewer)
    assert [said.count("(on 15 of 300 items)") for said in (gains, arms)] == [1, 1]
    assert "(on 15 of 300 items): 60.0 %" in str(arms_figure(fewer))
    assert not any("items)" in said for said in told(verdict))


@pytest.mark.parametrize(("n", "times"), [(15, 1), (300, 0)])
def test_the_page_explains_once_what_a_gain_over_fewer_items_is(verdict: Verdict, tmp_path: Path, n: int, times: int) -> None:
    write_json(tmp_path / "verdict.json", replace(frozen(verdict, None), scratch=replace(TWIN, n=n)).to_plain())
    text = read(write_report(tmp_path).read_text(encoding="utf-8")).text
    assert text.count("it need not be the difference of the two scores") == times
    assert text.count("points · on 15 of 300 items") == times
    assert "gain over the twin" in text and "Same network from scratch" not in text


def test_a_twin_that_is_delivered_is_not_said_to_be_trained_from_scratch(verdict: Verdict, changed: Change) -> None:
    folder = changed(verdict=replace(frozen(verdict, (5, 2)), chosen="scratch").to_plain())
    text = read(write_report(folder).read_text(encoding="utf-8")).text
    assert f"{verdict.title}, without pretraining" in text and "The twin without pretraining did best on validation" in text
    assert "It is not the twin in 2 of 5 rounds: a head on its random features" in text
    assert "twin from scratch 26 s" in text
