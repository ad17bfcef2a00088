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


def test_where_many_labels_look_wrong_it_is_not_said_that_they_are(verdict: Verdict) -> None:
    said = meaning(verdict, verdict.test, {**EVIDENCE, "label_errors": {"n_judged": 300, "rows": [{}] * 48}})[-1]
    assert said == "48 of 300 labels look wrong; of so many a good part will be right and merely hard to tell: begin with the least believable."


def test_an_architecture_that_needs_no_pretraining_is_said_before_the_rest(verdict: Verdict) -> None:
    said = meaning(replace(verdict, gain_over_random=Gain(0.4, -1.0, 1.8)), verdict.test, EVIDENCE)
    assert said[3].startswith("The same network frozen at random weights does about as well")
    assert len(said) == 6


def test_what_cannot_be_told_apart_is_not_called_alike(verdict: Verdict) -> None:
    said = meaning(replace(verdict, gain_over_random=Gain(8.0, -0.3, 16.5)), verdict.test, EVIDENCE)
    assert said[3].startswith("The same network frozen at random weights cannot be told from it")


def test_a_twin_that_is_a_frozen_head_in_some_rounds_is_said_to_be_one_there(verdict: Verdict) -> None:
    told = replace(verdict, scratch_frozen=True, scratch_epochs=0.4)
    assert "Trained from scratch, the network got through 0.4 epochs and knew no more than a head on its random features" in meaning(told, verdict.test)[2]
    some, everywhere = (meaning(replace(told, scratch_rounds=rounds), verdict.test)[2] for rounds in ((5, 2), (5, 5)))
    assert some.endswith("in 2 of 5 rounds: that head is the twin it is compared with there.") and everywhere.endswith("compared with.")


def test_what_pretraining_gave_beyond_the_architecture_is_said_where_there_is_room(verdict: Verdict) -> None:
    said = meaning(replace(verdict, gain_over_random=Gain(17.0, 12.0, 22.0)), verdict.test)
    assert said[-1] == "The same network frozen at random weights is 17.0 points behind: that much is pretraining, not architecture."


def test_labels_that_would_buy_little_are_said_to(verdict: Verdict) -> None:
    little = {"learning_curve": {"doubled": {"gain": 0.3, "low": -0.2, "high": 0.8}, "sentence": "Twice the labels would buy about 0.3 points."}}
    unknown = {"learning_curve": {"doubled": {"gain": 0.8, "low": 0.0, "high": 7.5}, "sentence": "What more labels would buy cannot be told."}}
    assert unknown["learning_curve"]["sentence"] in meaning(verdict, verdict.test, unknown)
    assert "More labels of the same kind would buy little: about 0.3 points for twice as many." in meaning(verdict, verdict.test, little)


def test_no_gain_is_spoken_of_where_the_network_from_scratch_did_as_well(verdict: Verdict) -> None:
    """Found as a bug: "The gain is one of time as much as of accuracy" under a loss of five points."""
    for points, gained in ((7.0, True), (-5.0, False)):
        told = replace(verdict, scratch_frozen=False, scratch_epochs=2.0, gain_over_scratch=Gain(points, points - 4, points + 4))
        (said,) = [line for line in meaning(told, verdict.test) if "too few to say" in line]
        assert said.endswith("one of time as much as of accuracy.") == gained
