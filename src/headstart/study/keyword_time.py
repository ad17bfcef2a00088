"""A wake word under limits: recordings, a pace and a budget in; what each step may take, and in words what had to be left out, out.

Hours of sound are what takes time, and they are spent evenly: of each part as many recordings are heard, in an order that is drawn, as its share of the time
holds. Words come first: something is taken from them only where they alone would take more than half. What a step leaves over goes to those behind it; a
recording or a round of training that does not fit is not begun. How much was done is recorded, so that a run that was killed does as much again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from torch import nn

from headstart.backbone.networks.speech_embedding import RATE
from headstart.base import amounts
from headstart.base.errors import InputError
from headstart.base.journal import Journal
from headstart.data.refuse import enough
from headstart.planning.budget import Budget, kept
from headstart.planning.memory import Memory
from headstart.study.frames import Sound
from headstart.study.listening import Ear

# Seconds on a machine as it was when they were measured (two cores of an EPYC, nothing beside it); others are told by how fast they hear the first files.
FRAME_SECONDS = 0.008  # a second of sound through the embedding
HEARING_SECONDS = 0.018  # one hearing of the word: varied, and through the embedding
OTHER_SECONDS = 0.04  # another hearing of another word
ROUND_SECONDS = 0.5  # of training
POINT_SECONDS, JUDGING_SECONDS = 0.6, 0.2  # for the threshold, for the mistakes
LEAST_SECONDS = 4.0  # with a word and a recording of every kind in every part, one round, and nothing left over
BEGINNING_SECONDS = 5.0  # of a recording
PACE_SECONDS = 1.0  # of listening tell the pace: shorter, one clip that had to wait told of a machine ten times as slow as it was
STEPS = ("words", "other sound", "other words", "layer", "threshold", "operating point", "words tested", "tested", "judged")  # of a lesson, in their order
WORDS, OTHERS, VARIED, LAYER, THRESHOLD, POINT, SAID, TESTED, JUDGED = STEPS
OF_WORDS, FIXED = (WORDS, SAID), (LAYER, POINT, JUDGED)
LEAST_STEP = 0.05  # seconds: even what the store holds is looked up
HELD_BYTES = 16_000  # a second of other sound that is held: its frames twice, and its places
HELD_SHARE = 0.5  # of what memory leaves, for the frames of one part
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Timetable:
    """What each step may take of what is left; without a limit, all there is.

    Attributes:
        budget: Until the end of the last step.
        memory: What may be held.
        journal: Recalls what was decided.
        planned: Seconds of each step, in their order.
        slowness: Times the usual seconds that this machine takes now.
    """

    budget: Budget
    memory: Memory
    journal: Journal
    planned: Mapping[str, float] = field(default_factory=dict)
    slowness: float = 1.0

    @property
    def pace(self) -> float:
        """Seconds for a second of sound through the embedding, here and now."""
        return FRAME_SECONDS * self.slowness

    @property
    def is_limited(self) -> bool:
        """Did the user give a limit on time or memory?"""
        return self.budget.seconds is not None or self.memory.is_limited

    def limit(self, step: str) -> Budget:
        """What one step may take: its share of what is left for it and all behind it."""
        if self.budget.seconds is None:
            return self.budget
        seconds = list(self.planned.values())
        ahead = sum(seconds[list(self.planned).index(step) :])
        return kept(self.budget.until(self.planned[step] / ahead), self.journal, f"time for {step}")

    def as_much(self, step: str, most: int, do: Callable[[int, Budget], tuple[int, T]]) -> T:
        """Do as much of a step as its time allows, or as much as it allowed when the run first came by.

        Args:
            step: One of the planned.
            most: How much there is to do.
            do: Takes how much to do at most and until when; returns how much was done, and what came of it.
        """
        if not self.is_limited:
            return do(most, self.budget)[1]
        was = self.done(step)
        n, found = do(most, self.limit(step)) if was is None else do(was, Budget())
        self.journal.recall(f"done of {step}", lambda: n)
        return found

    def done(self, step: str) -> int | None:
        """How much of a step was done; None before it, or without a limit."""
        found = self.journal.find(f"done of {step}")
        return None if found is None else int(found)

    def has_time_for(self, lesson: str) -> bool:
        """Is another lesson planned, and time left for the least of it?"""
        if self.budget.seconds is None:
            return True
        least = LEAST_SECONDS * self.slowness
        return step(lesson, WORDS) in self.planned and bool(self.journal.recall(f"time for {lesson}", lambda: self.budget.left >= least))

    def held(self, sounds: Sequence[Sound], times: int = 1) -> int:
        """How many of these recordings memory holds, each so many times, from the first on; one at least."""
        left, n = HELD_SHARE * self.memory.left / (times * HELD_BYTES), 0
        while n < len(sounds) and (left := left - sounds[n].seconds) >= 0:
            n += 1
        return max(1, n)


def fitting(items: Sequence[T], limit: Budget) -> Iterator[T]:
    """The items one by one, as long as one more, by what one took so far, fits into the limit; the first in any case."""
    began = time.perf_counter()
    for number, one in enumerate(items):
        if number and limit.left <= (time.perf_counter() - began) / number:
            return
        yield one


def step(lesson: str, what: str) -> str:
    """The name of a step of a lesson."""
    return f"{lesson} · {what}"


def costs(lesson: str, usual: Mapping[str, float], slowness: float) -> dict[str, float]:
    """Seconds of each step of a lesson, in their order, on this machine."""
    return {step(lesson, what): max(LEAST_STEP, slowness * usual[what]) for what in STEPS}


def timetable(lessons: Sequence[Mapping[str, float]], left: float) -> dict[str, float]:
    """Seconds that each step is given: all that it takes where there is time, else what is left, words before other sound.

    Args:
        lessons: `costs` of each lesson; the first has to be, a second one only where it takes nothing from words, and they leave as much to other sound.
        left: Seconds for all of them.

    Example:
        >>> one = costs("one", {WORDS: 2.0, OTHERS: 300.0, VARIED: 0.0, LAYER: 5.0, THRESHOLD: 100.0, POINT: 1.0, SAID: 0.5, TESTED: 100.0, JUDGED: 0.2}, 1.0)
        >>> {name.split(" · ")[1]: round(value) for name, value in timetable([one], 40.0).items()}
        {'words': 2, 'other sound': 19, 'other words': 0, 'layer': 5, 'threshold': 6, 'operating point': 1, 'words tested': 0, 'tested': 6, 'judged': 0}
    """
    whole, left = {name: value for one in lessons for name, value in one.items()}, max(left, LEAST_STEP)
    if sum(whole.values()) <= left:
        return whole
    fixed, words, others = (sum(value for name, value in whole.items() if _is_of(name) == kind) for kind in ("fixed", "words", "others"))
    spare = max(left - fixed, left / 2)
    if len(lessons) > 1 and words > spare / 2:
        return timetable(lessons[:1], left)
    for_words = min(words, max(spare / 2, spare - others))
    shares = {"fixed": 1.0, "words": for_words / words, "others": min(1.0, (spare - for_words) / others)}
    return {name: value * shares[_is_of(name)] for name, value in whole.items()}


def _is_of(name: str) -> str:
    what = name.rpartition(" · ")[2]
    return "fixed" if what in FIXED else "words" if what in OF_WORDS else "others"


def prepare() -> None:
    """Import what the last steps and the page need: seconds of a slow disk are known before they are parted, not after."""
    import jinja2  # noqa: F401
    import scipy.optimize
    import scipy.special
    import scipy.stats  # noqa: F401


def slowness(embedding: nn.Module, sounds: Sequence[Sound]) -> float:
    """Times the usual seconds that a second of sound takes: the first of these recordings are read, and their beginnings heard.

    Cost: about a second.
    """
    rates, spent = list[float](), 0.0
    for one in sounds:
        began = time.perf_counter()
        beginning = one.samples()[: round(BEGINNING_SECONDS * RATE)]
        read = time.perf_counter()
        Ear(embedding).hear(beginning)
        ended = time.perf_counter()
        rates.append((read - began) / one.seconds + (ended - read) * RATE / len(beginning))
        spent += ended - began
        if spent > PACE_SECONDS and len(rates) > 1:
            break
    return sum(rates[-1:] + rates[1:-1]) / max(1, len(rates) - 1) / FRAME_SECONDS  # the first only warms up, if there is another


def refuse_too_short(left: float, asked: float, slow: float) -> None:
    """Refuse, before anything is heard, a budget of which reading has left too little to teach anything by.

    Raises:
        InputError: naming the budget that would do.
    """
    least = LEAST_SECONDS * slow
    if left < least:
        what = f"--budget is too short: of {asked:g} s, {max(0.0, left):.1f} s are left for teaching and testing, which take {least:.1f} s at least"
        raise InputError(what, fix=f"--budget {enough(asked + least - left)} or more")


def foretold(lessons: Sequence[Mapping[str, float]], planned: Mapping[str, float], left: float, hours: float) -> str:
    """What is said before the work where a budget does not hold all of it; empty where it does."""
    first = lessons[0]
    share = sum(planned[name] for name in first if _is_of(name) == "others") / sum(value for name, value in first.items() if _is_of(name) == "others")
    whole = sum(value for one in lessons for value in one.values())
    if whole <= left:
        return ""
    said = f"--budget: all of it would take about {amounts.seconds(whole)}, {amounts.seconds(left)} are left: it hears about {amounts.hours(share * hours)}"
    return f"{said} of the {amounts.hours(hours)} of other sound{'' if len(planned) > len(first) or len(lessons) == 1 else ', and teaches no random embedding'}"
