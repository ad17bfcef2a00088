"""How often does the verdict say "helped" where transfer cannot have helped, and how often where it gains 3 or 10 points?

    python -m benchmarks.verdict_power [--pools fashion mnist solar] [--cases ...] [--n 100 200 ...] [--repeats 200]

Each repetition draws n labelled items from a pool of stored activations, judges two heads by the product's own folds, intervals and rule
(``verdict_repeats.py``) and looks up on the other items of the pool what is true. Cases (arm in transfer's place, against its twin):

* ``random``: random weights against other random weights; which is which is drawn anew each time, so the gain is 0 on average, although of
  two given networks one is a little better, which many items can tell: what counts as false is a "helped" where the heads are truly no better;
* ``shuffled``: pretrained weights shuffled within their tensors, against random weights;
* ``plus 3``, ``plus 10``: random features some of whose coordinates are replaced by pretrained ones, so many that the gain on other items is about that.

For speed a fixed draw of 256 of each network's 1,280 coordinates is used, and a fixed strength and temperature, those that the product's probe prefers on the
calibration part of the pool; ``whole`` rows use all coordinates and let the probe choose in every round.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.ledger import RESULTS, Table, Values, groups, machine, spoken
from benchmarks.verdict_repeats import Arms, How, Integers, Metric, Price, draw, repeat, rightness
from benchmarks.verdict_sources import POOLS, pool, source
from benchmarks.verdict_tries import ALONE, RULES, gains, lows, truths
from headstart.base.seeds import seed_for
from headstart.evaluation.verdict import helped_by
from headstart.ranking.probe import probe
from headstart.study.arms import Features, head_on
from headstart.task.linear import one_thread

BLOCK = 50  # repetitions a cell of the ledger
WIDTH = 256
NUMBERS = {"fashion": (100, 200, 400, 800), "mnist": (100, 200, 400), "solar": (100, 200)}
CALIBRATION = {"fashion": 4000, "mnist": 1000, "solar": 330}
CALIBRATION_DRAWS = 8
FOLDS = 5
FITTED = 0.8  # of the drawn items teach a head, in both ways of judging
RANDOM = ("random 1", "random 2")
SHUFFLED = ("shuffled 1",)
GAINS = {"plus 3": 3.0, "plus 10": 10.0}
CASES = ("random", "shuffled", *GAINS)
EVERY = "all cases"
Z = 1.959964


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    pool: str
    case: str
    n: int
    how: How
    way: str = "fixed"
    metric: Metric = "accuracy"

    def key(self, block: int) -> dict[str, Any]:
        """The key of a block of repetitions."""
        return {"pool": self.pool, "case": self.case, "n": self.n, "how": self.how, "way": self.way, "metric": self.metric, "block": block}


TABLE = Table("verdict_power", "False and true verdicts", ("pool", "case", "n", "how", "way", "metric"), ())


@dataclass(frozen=True, eq=False)
class Part:
    """The calibration part or the other part of a pool."""

    name: str
    places: Integers
    width: int | None = WIDTH

    @property
    def labels(self) -> Integers:
        """Of its items."""
        return pool(self.name).labels[self.places]

    def features(self, name: str) -> Features:
        """What a source says of its items."""
        return columns(self.name, name, self.width)[self.places]


@cache
def columns(where: str, name: str, width: int | None) -> Features:
    """A source's coordinates, all of them or a fixed draw; for all items of a pool."""
    found = source(where, name).features
    if width is None:
        return found
    chosen = np.random.default_rng(seed_for(0, f"coordinates of {name}")).permutation(found.shape[1])[:width]
    return np.ascontiguousarray(found[:, chosen])


def parts(name: str, width: int | None = WIDTH) -> tuple[Part, Part]:
    """Calibration part and the rest of a pool, drawn at random."""
    order = np.random.default_rng(seed_for(0, f"parts of {name}")).permutation(len(pool(name)))
    cut = CALIBRATION[name]
    return Part(name, np.sort(order[:cut]), width), Part(name, np.sort(order[cut:]), width)


def mixed(base: Features, good: Features, n_replaced: int) -> Features:
    """Features whose first coordinates are another network's."""
    return np.concatenate([good[:, :n_replaced], base[:, n_replaced:]], axis=1)


def preferred(features: Features, labels: Integers, n: int, seeds: Sequence[int]) -> Price:
    """The strength that the product's probe prefers for n items, with its temperature: the middle ones of several draws."""
    found = []
    for seed in seeds:
        drawn = draw(labels, n, seed)
        place = np.random.default_rng(seed).permutation(n) % FOLDS
        folds = [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(FOLDS)]
        one = probe(features[drawn], labels[drawn], int(labels.max()) + 1, folds)
        found.append((one.strength, one.temperature))
    strength, temperature = sorted(found)[len(found) // 2]
    return float(strength), float(temperature)


def accuracies(features: Features, labels: Integers, n: int, price: Price) -> list[float]:
    """Accuracy on other items, in per cent, of heads taught by as many items as a round teaches with."""
    found = []
    for seed in range(CALIBRATION_DRAWS):
        drawn = draw(labels, round(FITTED * n), seed)
        head = head_on(features[drawn], labels[drawn], int(labels.max()) + 1, *price, balance=False)
        found.append(100 * rightness([head], features, labels, np.setdiff1d(np.arange(len(labels)), drawn)))
    return found


def calibrate(row: Row) -> Values:
    """Strengths of a row, and where it wants a gain the number of pretrained coordinates that gives it on the calibration part."""
    part, strengths = parts(row.pool)[0], null_strengths(row.pool, row.n)
    if row.case not in GAINS:
        return {"strengths": strengths}
    twin = accuracies(part.features(RANDOM[0]), part.labels, row.n, strengths[RANDOM[0]])
    base, good, tried = part.features(RANDOM[1]), part.features("pretrained"), {}

    def gain_at(n_replaced: int) -> float:
        arm = mixed(base, good, n_replaced)
        strength = preferred(arm, part.labels, row.n, range(1))
        gained = np.subtract(accuracies(arm, part.labels, row.n, strength), twin)
        tried[n_replaced] = (float(gained.mean()), strength)
        return float(gained.mean())

    n_replaced = bisect(gain_at, GAINS[row.case], WIDTH)
    return {"strengths": strengths | {"mixed": tried[n_replaced][1]}, "n_replaced": n_replaced, "gain": tried[n_replaced][0]}


@cache
def null_strengths(where: str, n: int) -> dict[str, Price]:
    """The strengths and temperatures of the null sources for n items of a pool: the middle one of three draws."""
    part = parts(where)[0]
    return {name: preferred(part.features(name), part.labels, n, range(3)) for name in (*RANDOM, *SHUFFLED)}


def bisect(value_at: Callable[[int], float], wanted: float, most: int) -> int:
    """The whole number in 0..most whose value comes nearest to what is wanted, for values that rise.

    Example:
        >>> bisect(lambda n: 2.0 * n, 9.1, 100)
        5
    """
    found = {0: value_at(0), most: value_at(most)}
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        found[middle] = value_at(middle)
        low, high = (middle, high) if found[middle] < wanted else (low, middle)
    return min(found, key=lambda n: abs(found[n] - wanted))


def arms_of(row: Row, seed: int, known: Values) -> Arms:
    """The two arms of a repetition."""
    part = parts(row.pool, None if row.way == "whole" else WIDTH)[1]
    generator = np.random.default_rng(seed_for(seed, "verdict arms"))
    strengths = known["strengths"]
    if row.case in GAINS:
        first, second, name = mixed(part.features(RANDOM[1]), part.features("pretrained"), known["n_replaced"]), RANDOM[0], "mixed"
    elif row.case == "shuffled":
        name, second = str(generator.choice(SHUFFLED)), str(generator.choice(RANDOM))
        first = part.features(name)
    else:
        name, second = (str(one) for one in generator.permutation(RANDOM)[:2])
        first = part.features(name)
    return Arms(first, part.features(second), part.labels, None if row.way == "whole" else (tuple(strengths[name]), tuple(strengths[second])))


def block_of(row: Row, block: int) -> Values:
    """Fifty repetitions."""
    known = TABLE.cell({"pool": row.pool, "case": row.case, "n": row.n, "calibration": True}, lambda: calibrate(row))["values"]
    with one_thread():
        found = [repeat(arms_of(row, seed, known), row.n, seed, row.how, row.metric) for seed in range(block * BLOCK, (block + 1) * BLOCK)]
    numbers = {name: [round(getattr(one, name), 4) for one in found] for name in ("points", "low", "high", "truth")}
    return {**numbers, "rounds": [one.rounds for one in found]}


def wilson(hits: int, n: int) -> tuple[float, float, float]:
    """A share and its 95 % interval.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.

    Example:
        >>> [round(one, 3) for one in wilson(5, 200)]
        [0.025, 0.011, 0.057]
    """
    share, square = hits / n, Z * Z / n
    middle = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return share, max(0.0, middle - half), min(1.0, middle + half)


def summary(records: Sequence[Values], n_items: int, n_drawn: int) -> list[str]:
    """The fields of a row after its key."""
    stated = gains(records)
    values = {name: np.array([getattr(one, name) for one in stated]) for name in ("points", "low", "high")}
    helped, truth, n = np.array([helped_by(one) for one in stated]), truths(records), len(stated)
    yes = helped == "yes"
    error, deviation = values["points"] - truth, (values["high"] - values["low"]) / (2 * Z)
    finite = math.sqrt(1 - n_drawn / n_items)  # the pool is finite: what is drawn without replacement varies less
    holds = int(((values["low"] <= truth) & (truth <= values["high"])).sum())
    return [
        str(n),
        f"{truth.mean():+.1f} ± {Z * truth.std(ddof=1) / math.sqrt(n):.1f} (sd {truth.std(ddof=1):.1f})",
        share(int(yes.sum()), n),
        share(int((yes & (truth <= 0)).sum()), int((truth <= 0).sum())),
        share(int((helped == "no").sum()), n),
        share(int((values["low"] > truth).sum()), n),
        share(holds, n),
        f"{error.std(ddof=1) / deviation.mean() / finite:.2f}",
        f"{(values['high'] - values['low']).mean():.1f}",
    ]


def share(hits: int, n: int) -> str:
    """A share in per cent with its interval; of nothing, a dash."""
    if n == 0:
        return "–"
    value, low, high = (100 * one for one in wilson(hits, n))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


HEAD = (
    "repetitions",
    "true gain",
    "said helped, %",
    "false where not truly better, %",
    "said no, %",
    "interval above the truth, %",
    "interval holds the truth, %",
    "sd / stated sd",
    "width",
)


NOTES = """*True gain*: of the judged heads on the items that were not drawn, mean with its 95 % interval, and its standard deviation between repetitions.
*False where not truly better*: of the repetitions whose heads are no better on those items, how many were called "helped". *Interval above the truth*: how
often a true gain of exactly 0 would be called "helped" by intervals that miss so often (nominal: 2.5). *sd / stated sd*: standard deviation of the stated gain
around the true one, beside what the interval's width implies, corrected for drawing without replacement. Shares with Wilson's 95 % interval."""


def render(records: Sequence[Values]) -> str:
    """The table as Markdown."""
    judged = [record for record in records if "block" in record["key"]]
    lines = ["# False and true verdicts", "", f"| {' | '.join([*TABLE.by, *HEAD])} |", f"|{'---|' * (len(TABLE.by) + len(HEAD))}"]
    order = sorted(groups(judged, TABLE.by), key=lambda one: (one[0][4], one[0][5], one[0][0], CASES.index(one[0][1]), one[0][3], int(one[0][2])))
    for row, found in order:
        items = len(parts(row[0])[1].places)
        lines.append(f"| {' | '.join([*row, *summary(found, items, int(row[2]))])} |")
    lines += ["", "## All pools and numbers together, accuracy", "", *pooled(judged)]
    lines += ["", "## Calibration", "", "| pool | case | n | strengths | coordinates replaced | gain on the calibration part |", "|---|---|---|---|---|---|"]
    for record in records:
        if "calibration" in record["key"]:
            key, values = record["key"], record["values"]
            gained = f"{values['gain']:+.1f}" if "gain" in values else "–"
            lines.append(f"| {key['pool']} | {key['case']} | {key['n']} | {values['strengths']} | {values.get('n_replaced', '–')} of {WIDTH} | {gained} |")
    lines += ["", __doc__ or "", NOTES, "", f"Machine: {machine()}."]
    lines += [f"Versions: {one}." for one in dict.fromkeys(spoken(record["versions"]) for record in judged)]
    return "\n".join(lines) + "\n"


def pooled(records: Sequence[Values]) -> list[str]:
    """Each case over all pools and numbers of items, as other intervals would have judged it."""
    lines = ["| case | judged by | n | interval | repetitions | said helped, % | interval above the truth, % |", "|---|---|---|---|---|---|---|"]
    wanted = [record for record in records if record["key"]["metric"] == "accuracy" and record["key"]["way"] == "fixed"]
    by_number = list(groups(wanted, ("case", "how", "n")))
    together = [((case, how, "all"), found) for (case, how), found in groups(wanted, ("case", "how"))]
    together += [((EVERY, how, "all"), found) for (how,), found in groups(wanted, ("how",))]
    for (case, how, n), found in sorted([*by_number, *together], key=lambda one: (one[0][1], (*CASES, EVERY).index(one[0][0]), one[0][2].zfill(5))):
        for name, rule in RULES.items() if how == "nested" else [(ALONE, RULES[ALONE])]:
            low, truth = lows(found, rule), truths(found)
            lines.append(
                f"| {case} | {how} | {n} | {name} | {len(low)} | {share(int((low > 0).sum()), len(low))} | {share(int((low > truth).sum()), len(low))} |"
            )
    return lines


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """The rows that were asked for."""
    for name in given.pools:
        for n in given.n or NUMBERS[name]:
            for case in given.cases:
                for how in given.how:
                    yield Row(name, case, n, how, given.way, given.metric)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pools", nargs="+", choices=list(POOLS), default=["fashion"])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--n", nargs="+", type=int)
    parser.add_argument("--how", nargs="+", choices=("nested", "held-out"), default=["nested", "held-out"])
    parser.add_argument("--way", choices=("fixed", "whole"), default="fixed")
    parser.add_argument("--metric", choices=("accuracy", "balanced_accuracy"), default="accuracy")
    parser.add_argument("--repeats", type=int, default=200, help="of each row, in blocks of 50; 0 writes the table anew from what is there")
    given = parser.parse_args()
    for block in range(math.ceil(given.repeats / BLOCK)):
        for row in rows(given):
            record = TABLE.cell(row.key(block), lambda row=row, block=block: block_of(row, block))  # type: ignore[misc]
            print(row, block, f"{record['seconds']:.0f} s", flush=True)
    (RESULTS / "verdict_power.md").write_text(render(TABLE.done()), encoding="utf-8")


if __name__ == "__main__":
    main()
