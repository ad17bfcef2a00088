"""The verdict: predictions of the transfer arm and its twins in, one frozen record out (``verdict.json``) with the sentence people read first.

The rule: ``helped`` is "yes" when the whole interval of the gain over the scratch twin lies above 0, and so does that over the same network frozen at
random weights; "no" when the former lies below +1 point; "cannot tell" otherwise, also when there is no scratch twin, or only one that hardly saw its
items and no frozen network beside it. ``chosen`` is what validation prefers; test decides nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headstart.base import records
from headstart.base.errors import InputError
from headstart.evaluation.intervals import Gain, Measured, across_rounds, gain, measure
from headstart.evaluation.metrics import is_lower_better
from headstart.evaluation.predictions import Predictions

Helped = Literal["yes", "no", "cannot tell"]
Doubt = Literal["random", "starved"]
Arm = Literal["transfer", "scratch", "plain"]
Language = Literal["en", "zh"]
WORTH_IT = 1.0  # points: an interval wholly below this says that transfer does not help in practice
STARVED_EPOCHS = 3.0  # below this a network from scratch has hardly seen the items
PREFERENCE: tuple[Arm, ...] = ("transfer", "plain", "scratch")  # of equal validation scores the first is chosen: a twin must win, not tie


@dataclass(frozen=True)
class Cut:
    """Where the pretrained network was cut.

    Attributes:
        block: Name of the first block that was retrained, or ``head``.
        trainable_share: Share 0..1 of the network's computation that lies behind the cut.
        n_blocks: Blocks retrained beside the new head; 0 = head only; None = all of them.
    """

    block: str
    trainable_share: float
    n_blocks: int | None = 0


@dataclass(frozen=True)
class CacheUse:
    """What the store of activations gave, added up over the cuts that were kept: items found, items computed, bytes written."""

    hits: int
    misses: int
    bytes: int


@dataclass(frozen=True)
class Counts:
    """Items on each side of the split."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Circumstances:
    """What the verdict is about and what it cost; nothing here is decided by ``judge``.

    Attributes:
        task: ``classification``, …
        modality: ``image``, …
        model: Name of the pretrained model's card.
        title: Its name for people; "" = the same.
        cut: Where it was cut.
        seconds: Wall-clock seconds per stage; ``total`` among them.
        cache: What the store gave.
        n: Items of the split.
        licence: SPDX id of the weights.
        seed: The run's seed.
        scratch_epochs: How often the scratch twin saw its items in its time, parts of an epoch counted.
        scratch_still_improving: Whether its validation score was still rising at the end.
        scratch_rounds: In how many rounds there is a scratch twin, and in how many of them it is a head on frozen random features, because that did as well
            as training everything, or better.
        why: Why this model and this cut, as the end of a sentence; "" = not said.
    """

    task: str
    modality: str
    model: str
    cut: Cut
    seconds: Mapping[str, float]
    cache: CacheUse
    n: Counts
    licence: str
    seed: int
    title: str = ""
    scratch_epochs: float | None = None
    scratch_still_improving: bool | None = None
    scratch_rounds: tuple[int, int] | None = None
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """Did transfer help, by how much, and what does the user get: everything that ``verdict.json`` says.

    Attributes:
        helped: ``yes``, ``no`` or ``cannot tell``: the gain over the scratch twin decides.
        chosen: What validation prefers, and so what the user gets.
        test: The transfer arm's score on test; ``scratch``, ``plain`` and ``majority`` are the others', None when not trained.
        gain_over_scratch: Gain of the transfer arm; positive = transfer is better; None when there is nothing to compare with.
        validation: The scores that decided ``chosen``.
        scratch_frozen: Whether the scratch twin is, in some round, a head on frozen random features, because training everything did no better.
        scratch_rounds: In how many rounds there is a scratch twin, and in how many of them it is such a head; None in runs that did not say so.
        random: Score of the same network frozen at random weights, with a head trained like the transfer arm's: architecture without
            pretraining. None when it was not measured, as in runs of version 0.1.0.
        gain_over_random: Gain of the transfer arm over it.
    """

    helped: Helped
    chosen: Arm
    task: str
    modality: str
    model: str
    title: str
    cut: Cut
    metric: str
    test: Measured
    scratch: Measured | None
    plain: Measured | None
    majority: Measured | None
    gain_over_scratch: Gain | None
    gain_over_plain: Gain | None
    gain_over_majority: Gain | None
    validation: dict[str, float]
    scratch_epochs: float | None
    scratch_still_improving: bool | None
    seconds: dict[str, float]
    cache: CacheUse
    n: Counts
    licence: str
    seed: int
    why: str = ""
    scratch_frozen: bool = False
    scratch_rounds: tuple[int, int] | None = None
    random: Measured | None = None
    gain_over_random: Gain | None = None

    @property
    def doubt(self) -> Doubt | None:
        """Why a gain over the scratch twin that lies above 0 does not count; None where it counts, or does not."""
        over, random = self.gain_over_scratch, self.gain_over_random
        return None if over is None or over.low <= 0 else doubted(random, self.scratch_epochs, frozen=self.scratch_frozen)

    def sentence(self, language: Language = "en") -> str:
        """The first line people read, in English or Chinese (``zh``)."""
        from headstart.evaluation.sentence import sentence

        return sentence(self, language)

    def to_plain(self) -> dict[str, Any]:
        """Plain values for ``verdict.json``; the English sentence comes first."""
        return {"sentence": self.sentence(), **records.to_plain(self)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], where: str = "verdict.json") -> Verdict:
        """Read what ``to_plain`` wrote.

        Raises:
            InputError: with one line per value that is missing or wrong.
        """
        return records.from_plain(cls, {key: value for key, value in plain.items() if key != "sentence"}, where)


def judge(
    *,
    transfer: Predictions,
    scratch: Predictions | None,
    plain: Predictions | None,
    majority: Predictions | None,
    validation: Mapping[str, float],
    circumstances: Circumstances,
    metric: str = "accuracy",
    random: Predictions | None = None,
    n_rounds: Mapping[str, int] | None = None,
) -> Verdict:
    """Decide whether transfer helped, from one look at the test set.

    Args:
        transfer: The transfer arm's predictions on test.
        scratch: Those of the same network from random weights in the same time, on the same items or some of them; None = not trained, and then
            nobody can tell.
        plain: Those of the plain model.
        majority: Those of the commonest class.
        validation: Score of ``transfer`` and of each twin on validation, by arm; the best is chosen.
        circumstances: What it is about and what it cost.
        metric: The metric of scores and gains.
        random: Predictions of the same network frozen at random weights with a trained head; it explains the gain and is never chosen.
        n_rounds: Rounds of the cross-validation that judged each twin; one that is left out was judged by one look at held-out items.

    Raises:
        InputError: when arms are about different items, or validation names an arm that has no predictions.
    """
    others = {"scratch": scratch, "plain": plain, "majority": majority, "random": random}
    arms = {"transfer", *(name for name in ("scratch", "plain") if others[name] is not None)}
    if set(validation) != arms or not all(math.isfinite(score) for score in validation.values()):
        raise InputError("validation needs one finite score for each arm that was trained", got=dict(validation), allowed=arms)
    seed, taught = circumstances.seed, n_rounds or {}
    gains: dict[str, Gain | None] = {
        name: across_rounds(gain(transfer.among(other.items), other, metric, seed), taught.get(name, 1), metric) if other is not None else None
        for name, other in others.items()
    }
    about: dict[str, Any] = {field.name: getattr(circumstances, field.name) for field in dataclasses.fields(circumstances)}
    about["scratch_frozen"] = circumstances.scratch_rounds is not None and circumstances.scratch_rounds[1] > 0
    about |= {"title": circumstances.title or circumstances.model, "seconds": dict(circumstances.seconds), "validation": dict(validation)}
    about |= {name: measure(other, metric, seed) if other is not None else None for name, other in others.items()}
    about |= {f"gain_over_{name}": one for name, one in gains.items()}
    return Verdict(
        helped=helped_by(gains["scratch"], doubted(gains["random"], circumstances.scratch_epochs, frozen=about["scratch_frozen"])),
        chosen=preferred(validation, metric),
        metric=metric,
        test=measure(transfer, metric, seed),
        **about,
    )


def helped_by(over_scratch: Gain | None, doubt: Doubt | None = None) -> Helped:
    """The rule of decision 3, and nothing else."""
    if over_scratch is None:
        return "cannot tell"
    if over_scratch.low > 0:
        return "yes" if doubt is None else "cannot tell"
    return "no" if over_scratch.high < WORTH_IT else "cannot tell"


def doubted(over_random: Gain | None, epochs: float | None, *, frozen: bool) -> Doubt | None:
    """Why a gain over the scratch twin may be the architecture's or the clock's, not pretraining's.

    Returns:
        ``random`` where a head on the network's random features may be as good; ``starved`` where there is no such head to compare with and the twin
        hardly saw its items.
    """
    if over_random is not None:
        return "random" if over_random.low <= 0 else None
    return "starved" if epochs is not None and epochs < STARVED_EPOCHS and not frozen else None


def preferred(validation: Mapping[str, float], metric: str) -> Arm:
    """The arm with the best score on validation; of equals transfer, for a twin must win."""
    sign = -1 if is_lower_better(metric) else 1
    return max((arm for arm in PREFERENCE if arm in validation), key=lambda arm: sign * validation[arm])
