"""What this means: the verdict and the evidence in everyday words, at most six lines, the most telling ones kept, in the order people ask."""

from __future__ import annotations

from headstart.evaluation import Measured, Verdict
from headstart.evaluation.sentence import epochs, in_rounds, number
from headstart.report import values, words
from headstart.report.advice import are_many
from headstart.report.folder import Plain
from headstart.report.trust import abstention_words

ENOUGH_EPOCHS = 5  # a network that saw its data less often cannot be said to have stopped improving
MOST_LINES = 6
WORTH_LABELLING = 1.0  # points that twice the labels should buy before the line is worth reading at the top
ALIKE = 2.0  # points that transfer may be ahead by, at most, to be called about as good


def meaning(verdict: Verdict, best: Measured, evidence: Plain | None = None) -> list[str]:
    """The verdict in everyday words: what to expect, what pretraining was worth, what is uncertain, what to do next.

    Args:
        verdict: Its lines always stand.
        best: The score of the model that the user gets.
        evidence: What ``evidence.json`` holds; its lines fill the room that is left.
    """
    said = []
    if verdict.metric == "accuracy":
        low, high = (round(100 * end) for end in (best.low, best.high))
        said.append(f"Of 100 new items like these, expect about {round(100 * best.value)} to be right; between {low} and {high} is plausible.")
    said.append(_worth(verdict))
    if verdict.scratch is not None and verdict.scratch_epochs is not None:
        said.append(_scratch(verdict, verdict.scratch_epochs))
    if verdict.chosen != "transfer":
        name = {"plain": "The plain model", "scratch": "The twin without pretraining" if verdict.scratch_frozen else "The network from scratch"}[verdict.chosen]
        said.append(f"{name} did best on validation, so that is the model in this folder.")
    return said + _evidence(verdict, evidence or {})[: MOST_LINES - len(said)]


def _evidence(verdict: Verdict, evidence: Plain) -> list[str]:
    """Lines of the evidence, the most telling first."""
    lines = [
        _architecture(verdict, surprising=True),
        abstention_words(values.table(evidence.get("abstention"))),
        _labels(values.table(evidence.get("learning_curve"))),
        _errors(values.table(evidence.get("label_errors"))),
        _architecture(verdict, surprising=False),
    ]
    return [line for line in lines if line]


def _architecture(verdict: Verdict, *, surprising: bool) -> str:
    """What the network's architecture gives without pretraining; surprising when it gives as much."""
    over = verdict.gain_over_random
    if over is None or surprising == (over.low > 0):
        return ""
    if surprising:
        if over.high < ALIKE:
            return "The same network frozen at random weights does about as well: what helps here is its architecture, not its pretraining."
        return "The same network frozen at random weights cannot be told from it: how much of this is architecture and how much pretraining stays open."
    return f"The same network frozen at random weights is {number(over.points)} points behind: that much is pretraining, not architecture."


def _labels(curve: Plain) -> str:
    gain = values.span(curve.get("doubled"), "gain")
    if gain is None or gain.high >= WORTH_LABELLING:
        return values.text(curve.get("sentence"))
    return f"More labels of the same kind would buy little: about {number(max(0.0, gain.value))} points for twice as many."


def _errors(found: Plain) -> str:
    n, n_judged = len(values.rows(found.get("rows"))), words.as_number(found.get("n_judged"))
    if n == 0 or n_judged is None:
        return ""
    said = f"{words.count(n)} of {words.count(n_judged)} labels look{'s' if n == 1 else ''} wrong"
    if are_many(n, n_judged):
        return f"{said}; of so many a good part will be right and merely hard to tell: begin with the least believable."
    return f"{said}; checking them is the cheapest thing to do next."


def _scratch(verdict: Verdict, n_epochs: float) -> str:
    if verdict.scratch_frozen:
        where = in_rounds(verdict.scratch_rounds)
        if not n_epochs:
            return f"There was no time to train the network from scratch{where}: a head on its random features is the twin it is compared with."
        less = f"knew no more than a head on its random features{where}: that head is the twin it is compared with{' there' if where else ''}"
        return f"Trained from scratch, the network got through {epochs(n_epochs)} and {less}."
    reached = f"The network from scratch reached {epochs(n_epochs)} in the same time"
    ahead = verdict.gain_over_scratch is not None and verdict.gain_over_scratch.points > 0
    if n_epochs < ENOUGH_EPOCHS:
        return f"{reached}: too few to say what it could learn with more.{' The gain is one of time as much as of accuracy.' if ahead else ''}"
    if not verdict.scratch_still_improving:
        return f"{reached} and had stopped improving."
    return f"{reached} and was still improving, so with more time it may {'come closer' if ahead else 'be better still'}."


def _worth(verdict: Verdict) -> str:
    if verdict.gain_over_scratch is None:
        return "No twin was trained from scratch, so nobody can say whether the pretrained weights mattered."
    doubt = {
        "random": "A head on random features of the same network may be as good, whatever a twin that was trained did: pretraining cannot be credited with it.",
        "starved": "The twin from scratch hardly saw its items, and no head on its random features was there: the gain may be one of time alone.",
    }
    if verdict.doubt is not None:
        return doubt[verdict.doubt]
    return {
        "yes": "The pretrained weights are worth having: the whole interval of the gain lies above zero (for other items; another seed trains other networks).",
        "no": "The pretrained weights are not worth a point: the whole interval of the gain lies below +1.",
        "cannot tell": "The interval of the gain is too wide to decide; more test items would narrow it.",
    }[verdict.helped]
