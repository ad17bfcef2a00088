"""What this means, in at most six lines: the verdict's always, the evidence's most telling ones as far as there is room."""

from dataclasses import replace
from pathlib import Path

import pytest

from headstart.evaluation import Gain, Verdict
from headstart.report.folder import read_verdict
from headstart.report.meaning import meaning

EVIDENCE = {
    "abstention": {"target": 0.95, "threshold": 0.7},
    "learning_curve": {"doubled": {"n": 960, "gain": 1.8, "low": 0.4, "high": 3.1}, "sentence": "Twice the labels would buy about 1.8 points."},
    "label_errors": {"n_judged": 300, "rows": [{}, {}]},
}


@pytest.fixture(scope="module")
def verdict(whole: Path) -> Verdict:
    return read_verdict(whole / "verdict.json")


def test_without_evidence_the_lines_are_the_verdicts(verdict: Verdict) -> None:
    assert len(meaning(replace(verdict, gain_over_random=None), verdict.test)) == 3


def test_the_lines_are_six_at_most(verdict: Verdict) -> None:
    said = meaning(verdict, verdict.test, EVIDENCE)
    assert len(said) == 6
    assert said[3:] == [
        "Below 70 % sure it should hand over to a person.",
        "Twice the labels would buy about 1.8 points.",
        "2 of 300 labels look wrong; checking them is the cheapest thing to do next.",
    ]
    assert len(meaning(replace(verdict, chosen="plain"), verdict.test, EVIDENCE)) == 6


def test_an_architecture_that_needs_no_pretraining_is_said_before_the_rest(verdict: Verdict) -> None:
    said = meaning(replace(verdict, gain_over_random=Gain(0.4, -1.0, 1.8)), verdict.test, EVIDENCE)
    assert said[3].startswith("The same network frozen at random weights does about as well")
    assert len(said) == 6


def test_what_pretraining_gave_beyond_the_architecture_is_said_where_there_is_room(verdict: Verdict) -> None:
    said = meaning(replace(verdict, gain_over_random=Gain(17.0, 12.0, 22.0)), verdict.test)
    assert said[-1] == "The same network frozen at random weights is 17.0 points behind: that much is pretraining, not architecture."


def test_labels_that_would_buy_little_are_said_to(verdict: Verdict) -> None:
    little = {"learning_curve": {"doubled": {"gain": 0.3, "low": -0.2, "high": 0.8}, "sentence": "Twice the labels would buy about 0.3 points."}}
    assert "More labels of the same kind would buy little: about 0.3 points for twice as many." in meaning(verdict, verdict.test, little)
