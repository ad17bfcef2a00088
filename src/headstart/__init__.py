"""Transfer learning that shows its evidence: the verbs of the command line as functions, each a line that leads to its stage.

Importing this loads no torch and prints nothing: every verb brings what it needs when it is called.

    >>> import headstart
    >>> run = headstart.fit("flowers/")            # doctest: +SKIP
    >>> print(run.verdict.sentence())              # doctest: +SKIP
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from headstart.base.errors import InputError
from headstart.base.events import Sink, silence

if TYPE_CHECKING:
    from headstart.data import Profile
    from headstart.ranking.combine import Ranking
    from headstart.study.detections import Heard
    from headstart.study.fit import Run
    from headstart.study.keyword import Result
    from headstart.study.plan import Preview as Plan
    from headstart.study.predict import Prediction

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # read with torch: waiting threads sleep soon, or all takes 4 to 60 times as long beside other work

__version__ = "0.1.0"
__all__ = ["demo", "evaluate", "fit", "inspect", "keyword", "plan", "predict", "rank", "report", "resume"]

Effort = Literal["quick", "usual", "thorough"]
Precision = Literal["fast", "float32"]
Modality = Literal["audio", "image", "text"]
Somewhere = str | Path


def inspect(
    data: Somewhere,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: Modality | None = None,
    seed: int = 0,
    sink: Sink = silence,
) -> Profile:
    """Look at a data set without training: counts, balance, broken files, duplicates, leaks, how small is small.

    Args:
        data: A folder of class folders, a folder or file with ``metadata.csv``, a table of texts (CSV, TSV, JSON Lines), Parquet/Arrow, or an archive of these.
        text: The column that holds the text, where the data has columns.
        label: The column that holds the label, where the data has columns.
        group: The column of what must stay on one side of the split: patient, site, speaker.
        modality: What kind of data it is; found by what lies there when not given.
        seed: Decides the split that the counts are given for.
        sink: Receives the events of the work.

    Raises:
        InputError: when the data cannot be used; the message lists every fault and the fix.
    """
    from headstart.study.inspect import inspect as study

    return study(Path(data), text=text, label=label, group=group, modality=modality, seed=seed, sink=sink)


def rank(
    data: Somewhere,
    *,
    model: str | None = None,
    max_mb: float | None = None,
    max_ms: float | None = None,
    licence: str | None = None,
    seed: int = 0,
    precision: Precision = "fast",
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: Modality | None = None,
    sink: Sink = silence,
) -> Ranking:
    """Compare the subscribed models on the data: published accuracy and evidence, licence and cost; which one to take, and why.

    Args:
        data: As for :func:`inspect`.
        model: One subscribed card; all of them compete when not given.
        max_mb: Leave out models whose weight file is larger, in megabytes.
        max_ms: Leave out models that take longer for an item on this machine, in milliseconds.
        licence: Only models under these licences: SPDX names separated by commas, or ``permissive``.
        seed: Decides the split; the labels of its test items are not looked at.
        precision: As for :func:`fit`.
        text: The column that holds the text, where the data has columns.
        label: The column that holds the label, where the data has columns.
        group: The column of what must stay on one side of the split.
        modality: What kind of data it is; found by what lies there when not given.
        sink: Receives the events of the work.

    Returns:
        The ranking: ``rows``, the best first, ``pick``, ``prior_pick`` and ``why``.

    Raises:
        InputError: when the data cannot be used, or no subscribed model keeps within the limits.
    """
    from headstart.planning.facts import Wishes
    from headstart.study.limits import Limits
    from headstart.study.rank import rank as study

    wishes = Wishes(model, None, seed, "thorough", None, precision, True)  # every model is asked: that is the question
    return study(Path(data), wishes=wishes, limits=Limits(max_mb, max_ms, licence), text=text, label=label, group=group, modality=modality, sink=sink)


def plan(
    data: Somewhere,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: Modality | None = None,
    model: str | None = None,
    cut: str | None = None,
    seed: int = 0,
    effort: Effort = "usual",
    learning_rate: float | None = None,
    precision: Precision = "fast",
    twins: bool = True,
    budget: float | str | None = None,
    memory: int | str | None = None,
    max_mb: float | None = None,
    max_ms: float | None = None,
    licence: str | None = None,
    sink: Sink = silence,
) -> Plan:
    """Say what ``fit`` would do with the same arguments, why, how long and how much disk: nothing is trained.

    Raises:
        InputError: when ``fit`` would refuse.
    """
    from headstart.planning.facts import Wishes
    from headstart.study.plan import preview

    return preview(
        Path(data),
        wishes=Wishes(model, cut, seed, effort, learning_rate, precision, twins, _seconds(budget), max_mb, max_ms, licence, _bytes(memory)),
        text=text,
        label=label,
        group=group,
        modality=modality,
        sink=sink,
    )


def fit(
    data: Somewhere,
    *,
    out: Somewhere | None = None,
    model: str | None = None,
    cut: str | None = None,
    seed: int = 0,
    effort: Effort = "usual",
    learning_rate: float | None = None,
    precision: Precision = "fast",
    twins: bool = True,
    budget: float | str | None = None,
    max_mb: float | None = None,
    max_ms: float | None = None,
    licence: str | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: Modality | None = None,
    accept: Collection[str] = (),
    memory: int | str | None = None,
    sink: Sink = silence,
    started: float | None = None,
) -> Run:
    """Pick a pretrained model, decide how much of it to retrain, train it, and prove whether that helped.

    Args:
        data: As for :func:`inspect`.
        out: The run folder to make; ``runs/NAME-date-N`` when not given.
        model: The name of a subscribed card; all subscribed ones compete when not given.
        cut: What is retrained: ``head``, ``last``, ``last2``, ``half``, ``all``, all but so many blocks, or from a block on; a race decides when not given.
        seed: Everything random is derived from it.
        effort: How much is tried; with ``thorough`` the scratch twin gets ten times the time.
        learning_rate: Peak rate of the fine-tuning; a rule decides when not given.
        precision: ``fast`` lets the frozen part run on the machine's best engine, its deviation measured; ``float32`` asks for bit-equality.
        twins: Train the same network from scratch, a frozen random one and a plain model beside it; without them nobody knows whether the transfer helped.
        budget: Wall-clock seconds in all, or ``"2m"``: the finished run is there by then, give or take 5 % on most tries; what did not fit is named.
        memory: Bytes that this process may hold, or ``"2GB"``: what does not fit is left out and named. It holds for the whole process, other work included.
        max_mb: Leave out models whose weight file is larger, in megabytes.
        max_ms: Leave out models that take longer for an item on this machine, in milliseconds.
        licence: Only models under these licences: SPDX names separated by commas, or ``permissive``.
        text: The column that holds the text, where the data has columns.
        label: The column that holds the label, where the data has columns.
        group: The column of what must stay on one side of the split.
        modality: What kind of data it is; found by what lies there when not given.
        accept: Models to subscribe to first, whose licences you accept by naming them.
        sink: Receives the events of the work.
        started: Reading of ``time.perf_counter`` from which the budget counts; now when not given.

    Returns:
        The run: ``folder`` (a Path with everything in it) and ``verdict``.

    Raises:
        InputError: before anything expensive, when data, model, cut or folder cannot be used.
    """
    from headstart.planning.facts import Wishes
    from headstart.study.fit import fit as study
    from headstart.study.places import free_run, new_run

    return study(
        Path(data),
        out=free_run(out) if out is not None else new_run(Path(data)),
        wishes=Wishes(model, cut, seed, effort, learning_rate, precision, twins, _seconds(budget), max_mb, max_ms, licence, _bytes(memory)),
        text=text,
        label=label,
        group=group,
        modality=modality,
        accept=accept,
        sink=sink,
        started=started,
    )


def keyword(
    data: Somewhere,
    *,
    out: Somewhere | None = None,
    false_accepts: float = 0.5,
    seed: int = 0,
    twins: bool = True,
    group: str | None = None,
    accept: Collection[str] = (),
    budget: float | str | None = None,
    memory: int | str | None = None,
    sink: Sink = silence,
    started: float | None = None,
) -> Result:
    """Teach a wake word: a new layer on a frozen speech embedding, and a threshold for the false accepts that are put up with.

    Args:
        data: A folder with ``positive``, ``negative`` and ``background``, or a ``metadata.csv`` with these labels.
        out: The run folder to make; ``runs/NAME-date-N`` when not given.
        false_accepts: How many an hour the threshold is chosen for, on recordings that were not trained on.
        seed: Everything random is derived from it.
        twins: Also teach the same layer on a random embedding.
        group: The column of what must stay on one side of the split: the speaker.
        accept: Models to subscribe to first, whose licences you accept by naming them.
        budget: As for :func:`fit`; of hours of other sound so many are heard as it allows, and where it ends before they are read, it is refused.
        memory: As for :func:`fit`; of hours of other sound so many are heard as it holds.
        sink: Receives the events of the work.
        started: As for :func:`fit`.

    Returns:
        The result: missed words and false accepts an hour with their intervals, and ``folder``.

    Raises:
        InputError: when a kind of sound is missing, or the speech embedding is not subscribed.
    """
    from headstart.study.keyword import fit_keyword
    from headstart.study.places import free_run, new_run

    folder, limits = free_run(out) if out is not None else new_run(Path(data)), {"budget_seconds": _seconds(budget), "memory_bytes": _bytes(memory)}
    choices = {"false_accepts": false_accepts, "seed": seed, "twins": twins, "group": group, "accept": accept, "started": started}
    return fit_keyword(Path(data), out=folder, sink=sink, **choices, **limits)  # type: ignore[arg-type]


def resume(run: Somewhere, *, data: Somewhere | None = None, sink: Sink = silence, started: float | None = None) -> Run | Result:
    """Finish a run that was interrupted, by whatever: it ends as it would have ended, bit for bit; timings aside.

    Args:
        run: The run folder that `fit` or `keyword` had begun.
        data: Where its data was moved to since; where it was when not given.
        sink: Receives the events of the work, and names what was damaged and is computed anew.
        started: Reading of ``time.perf_counter`` from which what is left of a budget counts; now when not given.

    Raises:
        InputError: when there is nothing to resume, another process is at work on it, or data, models, versions or machine are others than they were.
    """
    from headstart.training.run import check_begun

    check_begun(Path(run))  # a wrong path is answered before torch is there
    from headstart.study.resume import resume as study

    return study(Path(run), None if data is None else Path(data), sink=sink, started=started)


def predict(
    run: Somewhere,
    inputs: Somewhere | Sequence[Somewhere],
    *,
    coverage: float | None = None,
    text: str | None = None,
    lines: bool = False,
    sink: Sink = silence,
) -> list[Prediction] | list[Heard]:
    """Label files, or everything in folders, with the model of a run; of a run on texts also the rows of a table, or a text itself.

    Args:
        run: A finished run folder.
        inputs: One or several: paths, and for a run on texts the texts themselves, or `-` for the lines of standard input.
        coverage: Name a set of classes that holds the right one this often, up to 0.99: a conformal set.
        text: The column of a table that holds the texts; found by its name when not given.
        lines: Take each line of a text file for a text of its own.
        sink: Receives the events of the work.

    Returns:
        One record an item, in their order: source, label, probability, probabilities by class, ``unsure`` where it had better be asked of a person;
        ``fault`` says why one could not be read. Of a wake word's run: source, ``detections`` (seconds, probability), seconds, ``fault``.
    """
    from headstart.report.folder import is_wake_word
    from headstart.training.run import check_run

    check_run(Path(run))
    if coverage is not None and not 0 < coverage < 1:
        raise InputError("--coverage is a share above 0 and below 1", got=f"{coverage:g}", fix="--coverage 0.9")
    from headstart.study.detections import detect, refuse_options
    from headstart.study.predict import predict as study

    several = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
    if is_wake_word(Path(run)):
        refuse_options(Path(run), coverage, text, lines=lines)
        return detect(Path(run), several, sink=sink)
    return study(Path(run), several, coverage, text=text, lines=lines, sink=sink)


def evaluate(
    run: Somewhere, data: Somewhere, *, text: str | None = None, label: str | None = None, group: str | None = None, sink: Sink = silence
) -> dict[str, Any]:
    """Measure the model of a run on labelled data that it has not seen: metrics with intervals, as plain values.

    Where items belong together (``group``: a speaker, a patient; or repeats of one another), the intervals are as wide as so many groups warrant.
    Of a wake word's run: the share of words that it misses and false accepts an hour, on recordings laid out as :func:`keyword` takes them.
    """
    from headstart.report.folder import is_wake_word
    from headstart.training.run import check_run

    check_run(Path(run))
    from headstart.study.keyword_judged import evaluate_keyword
    from headstart.study.predict import evaluate as study

    if is_wake_word(Path(run)):
        if text is not None:
            raise InputError("a wake word is heard, not read", got=f"text={text}", fix="give recordings: headstart evaluate RUN DATA")
        return evaluate_keyword(Path(run), Path(data), label=label, group=group, sink=sink)
    return study(Path(run), Path(data), label=label, text=text, group=group, sink=sink)


def report(run: Somewhere) -> Path:
    """Write the run's ``report.html`` anew from its files: one page, no network needed; return its path.

    Raises:
        InputError: when the folder is no run.
        IntegrityError: when what the page would tell of a finished run is not what the run wrote.
    """
    from headstart.report import write_report
    from headstart.training.run import check_told

    check_told(Path(run))
    return write_report(Path(run))


def demo(out: Somewhere | None = None, *, accept: Collection[str] = (), sink: Sink = silence) -> Run:
    """Go the whole way on real photographs: 800 solar cells, defective or whole, fetched once and kept outside the repository.

    Args:
        out: The run folder to make; ``runs/solar-cells-date-N`` when not given.
        accept: Names of model licences accepted beforehand; the demo's own models need none.
        sink: Receives the events of the work.
    """
    from headstart.study.demo import demo as study

    return study(out, accept=accept, sink=sink)


def _seconds(budget: float | str | None) -> float | None:
    from headstart.planning.budget import seconds_in

    return None if budget is None else seconds_in(str(budget))


def _bytes(memory: int | str | None) -> int | None:
    from headstart.planning.memory import memory_in

    return memory_in(memory) if isinstance(memory, str) else memory


class _Verbs(ModuleType):
    """This module's own kind: `report` is a verb here and a stage's folder too, and Python would bind the folder in its place when it is first imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Verbs
