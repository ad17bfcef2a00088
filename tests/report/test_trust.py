"""Whether probabilities can be trusted, in words: the temperature, the threshold below which a person should look, sets that hold the truth."""

from typing import Any

from headstart.report.trust import abstention, abstention_words, calibration, conformal, trust

SHARE = {"value": 0.83, "low": 0.79, "high": 0.87, "n": 300}
RIGHT = {"value": 0.96, "low": 0.93, "high": 0.98, "n": 249}
BIN = {"low": 0.9, "high": 1.0, "confidence": 0.96, "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60}}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_threshold_is_said_in_one_sentence() -> None:
    found = {"target": 0.95, "threshold": 0.71, "validation": {"coverage": SHARE, "accuracy": RIGHT}}
    said = "Below 71 % sure it should hand over to a person: it then answers 83 % of the items and is right on 96 % (93 to 98) of those."
    assert plain(abstention_words(found)) == said
    assert plain(abstention_words(found | {"threshold": 0.0})).startswith("It may answer everything: it then answers 83 %")
    assert abstention_words(found | {"validation": None}) == "Below 71 % sure it should hand over to a person."


def test_test_items_are_spoken_of_where_there_are_some_and_a_shortfall_is_owned() -> None:
    low = {"value": 0.9, "low": 0.86, "high": 0.93, "n": 240}
    found = {"target": 0.95, "threshold": 0.71, "validation": {"coverage": SHARE, "accuracy": RIGHT}, "test": {"coverage": SHARE, "accuracy": low}}
    shown = abstention(found)
    assert shown is not None
    assert plain(shown["words"]).endswith("and were right on 90 % (86 to 93) of those.")
    assert plain(shown["fitted"]).endswith("The sentence above is about test items; on those it falls short of the 95 % asked for.")
    assert shown["figure"] is None
    nothing = {"coverage": {"value": 0.0, "low": 0.0, "high": 0.1, "n": 48}, "accuracy": {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}}
    unmeasured = abstention(found | {"test": nothing}, 5)
    assert unmeasured is not None and "answers 83 % of the items" in plain(unmeasured["words"]) and "measured on no others" in unmeasured["fitted"]
    rounds = abstention(found, 5)
    assert rounds is not None and "each of 5 rounds had set aside, with a threshold that it chose without them" in plain(rounds["fitted"])


def test_when_no_threshold_reaches_the_target_a_person_checks() -> None:
    found: dict[str, Any] = {"target": 0.99, "threshold": None, "curve": [{"threshold": t, "coverage": 1 - t, "accuracy": 0.8} for t in (0.0, 0.5)]}
    shown = abstention(found)
    assert shown is not None
    assert shown["words"] == (
        "These validation items cannot promise how sure it must be for 99 % of its answers to be right (too few, or too many sure mistakes): "
        "a person should check."
    )
    assert "sure</text>" not in str(shown["figure"])


def test_the_temperature_is_said_in_words() -> None:
    found = {"temperature": 1.32, "before": {"bins": [BIN], "error": 0.08}, "after": {"bins": [BIN], "error": 0.03}}
    shown = calibration(found)
    assert shown is not None
    assert "too sure of itself: its probabilities were softened by a temperature of 1.32" in shown["words"]
    assert shown["errors"].endswith("went from 8.0 to 3.0 points.")
    assert "before correction" in str(shown["figure"])
    rare = calibration(found, balanced=True)
    assert rare is not None and "if all came equally often" in rare["words"] and "equally often" not in shown["words"]
    colder = calibration(found | {"temperature": 0.8, "after": {"bins": [BIN], "error": 0.1}})
    assert colder is not None
    assert "not sure enough: its probabilities were sharpened" in colder["words"]
    assert colder["errors"].endswith("on these items the correction did not help.")


def test_a_temperature_near_one_is_about_right() -> None:
    found = {"before": {"bins": [BIN]}, "after": {"bins": [BIN]}}
    near, far = (calibration(found | {"temperature": heat}) for heat in (1.02, 1.06))
    assert near is not None and "about right: its probabilities were hardly changed by a temperature of 1.02" in near["words"]
    assert far is not None and "too sure of itself" in far["words"]


def test_bins_that_cannot_be_read_are_left_out() -> None:
    empty = BIN | {"accuracy": {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}}
    found = {"temperature": 1.0, "after": {"bins": [empty, {"low": "?"}, 3]}}
    assert calibration(found) is None


def test_sets_that_hold_the_truth_less_often_than_asked_are_marked() -> None:
    rows = conformal([{"coverage": 0.9, "measured": SHARE, "mean_size": 1.3}, {"coverage": 0.8, "measured": SHARE}, {"mean_size": 2}])
    assert [(row["asked"], row["size"], row["short"]) for row in rows] == [("90 %", "1.30", True), ("80 %", "–", False)]


def test_what_was_not_measured_is_nothing() -> None:
    assert trust({}, [{"name": "balance", "value": True}]) == trust({}) == {"calibration": None, "abstention": None, "conformal": []}
