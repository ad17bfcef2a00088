"""Records turn into plain values and back without loss, and every fault on the way back is named, all at once."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.base.errors import InputError
from headstart.base.records import from_plain, read_toml, to_plain, to_toml

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)


@dataclass(frozen=True)
class Inner:
    name: str
    share: float
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError("share lies between 0 and 1")


@dataclass(frozen=True)
class Outer:
    inner: Inner
    several: tuple[Inner, ...]
    pair: tuple[int, str]
    table: dict[str, float]
    either: bool | int | float | str | tuple[str, ...]
    maybe: int | None
    spare: tuple[str, ...] = field(default=())


INNERS = st.builds(Inner, WORDS, st.floats(0, 1), st.sampled_from(["a", "b"]))
EITHER = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), WORDS, st.lists(WORDS, max_size=3).map(tuple))
OUTERS = st.builds(
    Outer,
    INNERS,
    st.lists(INNERS, max_size=3).map(tuple),
    st.tuples(st.integers(-9, 9), WORDS),
    st.dictionaries(WORDS, st.floats(-9, 9), max_size=3),
    EITHER,
    st.none() | st.integers(-9, 9),
    st.lists(WORDS, max_size=2).map(tuple),
)
PLAIN = {
    "inner": {"name": "n", "share": 0.5, "kind": "a"},
    "several": [],
    "pair": [1, "x"],
    "table": {},
    "either": True,
    "maybe": None,
}


@settings(max_examples=60, deadline=None)
@given(OUTERS)
def test_a_record_comes_back_from_json_and_toml_as_it_was(record: Outer) -> None:
    for plain in (json.loads(json.dumps(to_plain(record))), tomllib.loads(to_toml(record))):
        again = from_plain(Outer, plain)
        assert again == record
        assert type(again.either) is type(record.either)


def test_unknown_names_missing_names_and_wrong_types_are_named_together() -> None:
    wrong = {**PLAIN, "colour": 1, "inner": {"name": 3, "kind": "c", "size": 1}, "pair": [1, 2], "table": {"x": "y"}, "either": [1]}
    del wrong["several"]
    with pytest.raises(InputError) as caught:
        from_plain(Outer, wrong, "here.json")
    text = str(caught.value)
    assert text.startswith("here.json cannot be read")
    wanted = ("colour: unknown", "inner.size: unknown", "inner.share: missing", "several: missing", "inner.name: expected str, got 3")
    assert [one for one in (*wanted, "inner.kind: expected", "pair[1]: expected str", "table.x: expected float", "either: expected") if one not in text] == []


def test_what_a_record_itself_refuses_is_named_with_its_place() -> None:
    with pytest.raises(InputError, match=r"inner: share lies between 0 and 1"):
        from_plain(Outer, {**PLAIN, "inner": {"name": "n", "share": 2.0}})


def test_a_whole_number_will_do_for_a_float_but_not_a_truth_value_for_a_number() -> None:
    assert from_plain(Inner, {"name": "n", "share": 1}) == Inner("n", 1.0)
    for share in (True, "1", None):
        with pytest.raises(InputError, match="share: expected float"):
            from_plain(Inner, {"name": "n", "share": share})


def test_no_table_at_all_is_said(tmp_path: Path) -> None:
    for plain in (None, [], "text", 3):
        with pytest.raises(InputError, match="expected a table"):
            from_plain(Outer, plain)
    (tmp_path / "damaged.toml").write_bytes(b"a = \xff")
    with pytest.raises(InputError, match="is not TOML"):
        read_toml(Inner, tmp_path / "damaged.toml")


def test_paths_and_sets_become_plain() -> None:
    assert to_plain({"a": Path("b") / "c", 1: frozenset({"d"})}) == {"a": "b/c", "1": ["d"]}


@pytest.mark.parametrize("text", ["n = 1e999999", "n = " + "9" * 5000, "n = " + "[" * 20_000, "n = 2026-13-45", "n = 1e400", "n = 0001-01-01T00:00:00+99:99"])
def test_a_hostile_toml_file_is_a_refusal_with_a_line_that_mends(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(InputError):
        read_toml(Inner, tmp_path / "x.toml")
