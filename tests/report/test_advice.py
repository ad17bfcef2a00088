"""What to do next, as the page shows it: more labels, which classes, better labels, duplicates."""

from pathlib import Path
from typing import Any

from headstart.report.advice import advice

POINTS = [{"n": n, "value": value, "low": value - 0.05, "high": value + 0.05} for n, value in ((60, 0.6), (120, 0.7), (240, 0.76))]
CURVE: dict[str, Any] = {"points": POINTS, "now": {"n": 480, "value": 0.8}, "doubled": {"n": 960, "gain": 1.8, "low": 0.4, "high": 3.1}, "sentence": "More."}


def shown(**evidence: Any) -> dict[str, Any]:
    page = advice(evidence, Path("nowhere"))
    assert page is not None
    return page


def test_without_any_of_it_there_is_no_advice() -> None:
    assert advice({}, Path("nowhere")) is None
    assert advice({"learning_curve": {"points": []}, "label_errors": [], "duplicates": {}}, Path("nowhere")) is None


def test_the_curve_carries_on_from_now_to_twice_the_labels() -> None:
    figure = str(shown(learning_curve=CURVE)["learning"]["figure"])
    assert "240 labels: 76.0 %; expected with 960: 81.8 % (80.4 to 83.1)" in figure
    assert "if doubled" in figure


def test_without_an_extrapolation_the_curve_stands_alone() -> None:
    figure = str(shown(learning_curve=CURVE | {"doubled": None})["learning"]["figure"])
    assert "expected" not in figure
    assert "if doubled" not in figure


def test_the_neediest_classes_stand_first() -> None:
    classes = [{"name": "甲", "recall": 0.9, "gain": 0.5}, {"name": "乙", "recall": 0.6, "gain": 4.0}, {"name": "丙"}]
    rows = shown(learning_curve=CURVE | {"classes": classes})["learning"]["classes"]
    assert [(row["name"], row["recall"], row["gain"]) for row in rows] == [("乙", "60 %", "+4.0"), ("甲", "90 %", "+0.5"), ("丙", "–", "–")]
    assert [row["share"] for row in rows] == [1.0, 0.125, 0.0]


def test_label_errors_are_counted_and_the_many_folded_away() -> None:
    rows = [{"source": f"{n}.txt", "given": "a", "suggested": "b", "probability": 0.9} for n in range(30)]
    labels = shown(label_errors={"n_judged": 1640, "rows": rows})["labels"]
    assert labels["words"] == "30 of 1,640 labels look wrong"
    assert (len(labels["rows"]), len(labels["others"]), labels["any_seen"]) == (24, 6, False)
    assert not labels["many"] and shown(label_errors={"n_judged": 500, "rows": rows})["labels"]["many"]
    assert shown(label_errors={"n_judged": 640, "rows": rows[:1]})["labels"]["words"] == "1 of 640 labels looks wrong"
    assert shown(label_errors={"n_judged": 640, "rows": []})["labels"]["words"] == "None of 640 labels looks wrong"


def test_duplicates_are_counted_by_kind_and_none_is_said_too() -> None:
    found = shown(duplicates={"equal": [["a", "b"], ["c", "d", "e"]], "near": [], "across_classes": [["f", "g"], []], "leaks": []})["duplicates"]
    assert [(kind["name"], kind["n_groups"], kind["n_items"], kind["bad"]) for kind in found["kinds"]] == [
        ("equal", 2, 5, False),
        ("with different labels", 1, 2, True),
    ]
    assert shown(duplicates={"equal": [], "leaks": []})["duplicates"] == {"leaks": [], "kinds": []}
