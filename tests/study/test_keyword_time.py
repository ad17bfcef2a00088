"""A wake word under a budget and a memory limit: words before hours, what does not fit is not begun, what was decided holds, what is left out is said."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.kills import differences
from hypothesis import given
from hypothesis import strategies as st
from tests.study.keyword_data import lay_out

import headstart
from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.base.journal import Book, Journal, begin
from headstart.data import load
from headstart.planning.budget import Budget
from headstart.planning.memory import LEAST_BYTES, Memory
from headstart.study import keyword_time
from headstart.study.frames import Sound
from headstart.study.keyword import Result, fit_keyword
from headstart.study.keyword_time import (
    HELD_BYTES,
    JUDGED,
    LAYER,
    OTHERS,
    POINT,
    SAID,
    STEPS,
    TESTED,
    THRESHOLD,
    VARIED,
    WORDS,
    Timetable,
    costs,
    fitting,
    foretold,
    refuse_too_short,
    step,
    timetable,
)
from headstart.training.keyword import ROUNDS, train_head


def usual(words: float = 6.0, hours: float = 2.0, others: float = 10.0) -> dict[str, float]:
    fixed = {LAYER: 5.0, POINT: 0.8, JUDGED: 0.2}
    return {
        WORDS: words,
        VARIED: others,
        SAID: 0.1,
        **fixed,
        **{what: share * hours * 28.8 for what, share in ((OTHERS, 0.6), (THRESHOLD, 0.2), (TESTED, 0.2))},
    }


def total(lesson: dict[str, float], *steps: str) -> float:
    return sum(value for name, value in lesson.items() if not steps or name.partition(" · ")[2] in steps)


LESSON = costs("pretrained", usual(), 1.0)
TWIN = costs("random", usual(), 1.0)


def test_where_there_is_time_every_step_has_what_it_takes() -> None:
    assert timetable([LESSON, TWIN], 1000.0) == LESSON | TWIN and list(LESSON) == [step("pretrained", what) for what in STEPS]
    assert foretold([LESSON, TWIN], LESSON | TWIN, 1000.0, 2.0) == ""


def test_in_little_time_words_come_before_hours_and_the_twin_goes_first() -> None:
    planned = timetable([LESSON, TWIN], 40.0)
    assert all(name in planned for name in TWIN) and total(planned) == pytest.approx(40.0) and total(planned, WORDS) == total(LESSON | TWIN, WORDS)
    planned = timetable([LESSON, TWIN], 20.0)
    assert list(planned) == list(LESSON) and total(planned) == pytest.approx(20.0) and total(planned, WORDS) == total(LESSON, WORDS)
    assert "and teaches no random embedding" in foretold([LESSON, TWIN], planned, 20.0, 2.0)
    many = costs("pretrained", usual(words=600.0), 1.0)
    planned = timetable([many], 100.0)
    assert total(planned, WORDS, SAID) == pytest.approx(total(planned, OTHERS, VARIED, THRESHOLD, TESTED), rel=0.01)


@given(st.floats(0.1, 500.0), st.floats(0.0, 900.0), st.floats(0.0, 20.0), st.floats(0.2, 20.0), st.booleans())
def test_no_more_is_planned_than_is_left_and_no_step_gets_more_than_it_takes(left: float, words: float, hours: float, slow: float, both: bool) -> None:
    lessons = [costs(name, usual(words, hours), slow) for name in ("pretrained", "random")[: 1 + both]]
    planned, whole = timetable(lessons, left), {name: value for one in lessons for name, value in one.items()}
    fixed = total(planned) - total(planned, WORDS, SAID, OTHERS, VARIED, THRESHOLD, TESTED)
    assert total(planned) <= max(left, left / 2 + fixed) * 1.001
    assert all(0 < value <= whole[name] * 1.001 for name, value in planned.items()) and step("pretrained", WORDS) in planned


def test_a_step_gets_its_share_and_what_it_leaves_goes_on() -> None:
    time_for = Timetable(Budget(100.0), Memory(), Journal(), {"a": 1.0, "b": 1.0, "c": 2.0})
    assert time_for.limit("a").left == pytest.approx(25.0, abs=0.5) and time_for.limit("b").left == pytest.approx(33.3, abs=0.5)
    assert time_for.limit("c").left == pytest.approx(100.0, abs=0.5)
    assert Timetable(Budget(), Memory(), Journal()).limit("a").left == float("inf")


def test_what_was_done_once_is_done_again_as_it_was(tmp_path: Path) -> None:
    journal = begin(tmp_path, time.perf_counter())
    little = Timetable(Budget(0.0), Memory(), journal, {"a": 1.0})
    assert little.as_much("a", 10, lambda n, limit: (3 if limit.left <= 0 else n, "some")) == "some" and little.done("a") == 3
    asked: list[tuple[int, float]] = []
    again = Timetable(Budget(1000.0), Memory(), journal, {"a": 1.0})
    again.as_much("a", 10, lambda n, limit: (n, asked.append((n, limit.left))))
    assert asked == [(3, float("inf"))]
    unlimited = Timetable(Budget(), Memory(), Journal(Book(tmp_path / "other.jsonl", 0.0)))
    assert unlimited.as_much("a", 10, lambda n, _: (n, n)) == 10 and not (tmp_path / "other.jsonl").exists()


def test_what_does_not_fit_is_not_begun_but_the_first() -> None:
    def slow(_: int) -> int:
        time.sleep(0.02)
        return 1

    assert sum(slow(one) for one in fitting(range(1000), Budget(0.2))) < 12
    assert list(fitting(range(5), Budget(0.0))) == [0] and list(fitting(range(5), Budget())) == [0, 1, 2, 3, 4]


def test_without_time_there_is_one_round() -> None:
    generator = np.random.default_rng(0)
    words, others = generator.standard_normal((30, 10, 96)).astype(np.float32), [generator.standard_normal((60, 96)).astype(np.float32)]
    assert train_head(words, others, seed=0, limit=Budget(0.0))[1] == 1
    (head, rounds), (same, _) = train_head(words, others, seed=0), train_head(words, others, seed=0, rounds=ROUNDS, limit=Budget(600.0))
    assert rounds == ROUNDS and np.array_equal(head.linear.weight.detach(), same.linear.weight.detach())


def test_memory_holds_the_first_recordings_and_one_at_least() -> None:
    sounds = [Sound(str(n), lambda: np.zeros(0, np.float32), seconds=60.0) for n in range(50)]
    assert Timetable(Budget(), Memory(), Journal()).held(sounds) == 50
    assert Timetable(Budget(), Memory(LEAST_BYTES), Journal()).held([Sound("", lambda: np.zeros(0, np.float32), seconds=1e9)] * 3) == 1
    roomy = Timetable(Budget(), Memory(1 << 50), Journal())
    hours = roomy.memory.left / HELD_BYTES / 5
    assert roomy.held([Sound("", lambda: np.zeros(0, np.float32), seconds=hours)] * 9) == 2


def test_a_budget_of_which_reading_leaves_too_little_is_refused_with_what_it_takes() -> None:
    refuse_too_short(5.0, 30.0, 1.0)
    with pytest.raises(InputError, match=r"of 30 s, 3.0 s are left for teaching and testing, which take 8.0 s at least(?s:.*)--budget 35s or more"):
        refuse_too_short(3.0, 30.0, 2.0)


@pytest.fixture
def home(fresh_home: Path, subscribed: Callable[[str], Path]) -> Path:
    subscribed("speech_embedding")
    return fresh_home


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("wake"))


def test_an_ample_budget_changes_nothing(data: Path, home: Path, tmp_path: Path) -> None:
    free, bounded = (
        fit_keyword(data, out=tmp_path / "free", false_accepts=60.0),
        fit_keyword(data, out=tmp_path / "bounded", false_accepts=60.0, budget_seconds=3600.0),
    )
    assert (free.transfer, free.random, free.test_hours, free.sentence) == (bounded.transfer, bounded.random, bounded.test_hours, bounded.sentence)


def hurried(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch, heard: list[Event]) -> Result:
    """All time is gone before the first word is heard, as on a slow machine that nothing refuses; the recordings have been read before."""
    load(data, modality="audio", minimum_per_class=1, cut=lambda label: label != "positive")
    monkeypatch.setattr(keyword_time, "LEAST_SECONDS", -1000.0)
    return fit_keyword(data, out=out, false_accepts=60.0, budget_seconds=20.0, started=time.perf_counter() - 18.0, sink=heard.append)


@pytest.mark.slow
def test_a_word_is_taught_in_no_time_and_what_was_left_out_is_said_everywhere(data: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = list[Event]()
    done = hurried(data, tmp_path / "run", monkeypatch, heard)
    told = next(one for one in done.cautions if one.startswith("--budget 20s allowed"))
    for part in (
        "of other sound",
        "2 of 8 recordings of the word",
        "3 of 40 hearings of each word",
        f"1 of {ROUNDS} rounds of training",
        "no time for a random embedding",
    ):
        assert part in told and part in done.sentence and part in (done.folder / "report.html").read_text(encoding="utf-8"), (part, told)
    assert any(event.kind == "note" and event.text.startswith("--budget: all of it would take about") for event in heard)
    assert done.random is None and done.transfer.missed.n == 1
    first = Path(shutil.copytree(done.folder, tmp_path / "first"))
    shutil.rmtree(home / "activations")
    for name in ("manifest.json", "report.html", "keyword.json", "model.safetensors"):
        (done.folder / name).unlink()
    again = headstart.resume(done.folder)  # as after a kill that took all pieces along: what the clock decided stands in the journal
    assert isinstance(again, Result) and again.transfer == done.transfer and again.sentence == done.sentence
    assert [name for name in differences(done.folder, first) if name != "journal.jsonl"] == []


@pytest.mark.slow
def test_a_memory_limit_is_kept_to_by_hearing_less(data: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword_time, "HELD_BYTES", 10**12)  # as if a second were a terabyte
    done = fit_keyword(data, out=tmp_path / "run", false_accepts=60.0, twins=False, memory_bytes=10**10)
    assert "--memory 10,000 MB allowed" in done.sentence and done.transfer.missed.n == 1
