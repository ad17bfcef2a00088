"""A finished run and new files in, labels with probabilities out; or a labelled data set in, metrics with intervals out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from headstart.activations.batch import bucket, filled, items_at_once, side_by_side
from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.engines.parts import runner
from headstart.backbone.engines.protocol import BATCH_ITEMS
from headstart.backbone.engines.race import engine_named
from headstart.base.errors import InputError
from headstart.base.events import Event, Sink, silence, stage
from headstart.base.files import read_json
from headstart.base.records import from_plain, to_plain
from headstart.data import load
from headstart.data.duplicates import units_of
from headstart.data.kind import refuse_other_kind
from headstart.data.listing import Wanted
from headstart.data.refuse import column_of_texts
from headstart.evaluation.conformal import sets
from headstart.evaluation.intervals import measure
from headstart.evaluation.predictions import Predictions
from headstart.evaluation.table import table
from headstart.gallery.card import ModelCard
from headstart.gallery.headers import check_safetensors
from headstart.modality import Modality, Unreadable, get
from headstart.planning.memory import NO_LIMIT
from headstart.report.folder import is_wake_word
from headstart.study.inputs import Item, items_in, typed
from headstart.study.languages import Strange
from headstart.study.plain import counting_answer
from headstart.task.linear import Floats, LinearHead
from headstart.task.sparse import restored
from headstart.training.run import MODEL_FILES, changed, check_run, recorded

Result = TypeVar("Result")
Answer = Callable[[Sequence[bytes]], Floats]
SHOWN_CHARACTERS = 200
SPLIT = "split.json"  # what a run learnt from
SAME = 1e-6  # two coverages that differ by less are the same


@dataclass(frozen=True)
class Prediction:
    """What a run says of one file.

    Attributes:
        source: The file, as it was asked for.
        label: The most probable class; empty when the file cannot be read.
        probability: Its probability.
        probabilities: Of every class.
        fault: Why the file could not be read, or None.
        unsure: Does its probability lie below the threshold at which the run's promise of accuracy begins? None where the run has none.
        among: Classes one of which is the right one, as often as was asked for; empty when nothing was asked for.
        shown: The beginning of a text that stands in a table or a file of lines.
    """

    source: str
    label: str
    probability: float
    probabilities: dict[str, float]
    fault: str | None = None
    unsure: bool | None = None
    among: tuple[str, ...] = ()
    shown: str = ""


@dataclass(frozen=True)
class Deployed:
    """A run made ready to answer: contents of files in, probabilities out."""

    classes: tuple[str, ...]
    modality: str
    answer: Answer
    suffixes: frozenset[str]
    unsure_below: float | None = None
    set_thresholds: Mapping[float, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ()  # that its model reads, where it reads texts

    def set_threshold(self, coverage: float) -> float:
        """The threshold of sets that hold the right class so often or, between the coverages that are kept, a little more often.

        Raises:
            InputError: when the coverage is no share, or the run has none that high.
        """
        enough = [known for known in self.set_thresholds if known > coverage - SAME]
        if not enough or coverage <= 0:
            fix = f"--coverage {max(self.set_thresholds):g}" if self.set_thresholds else "leave --coverage out"
            raise InputError("this run has no sets of that coverage", got=coverage, allowed=self.set_thresholds, fix=fix)
        return self.set_thresholds[min(enough)]


def deploy(run: Path, sink: Sink = silence) -> Deployed:
    """Load what a run chose: the retrained network, the network from scratch, or the plain model; the sink hears of it, as a large one takes a while.

    Raises:
        InputError: when the folder is no finished run.
        ChangedRunError: when its files are not those that were written.
    """
    NO_LIMIT.begin()
    if is_wake_word(run):
        fix = f"headstart predict {shlex.quote(str(run))} FILE"
        raise InputError("this is the run of a wake word: it hears the word or not, and has no classes", got=run, fix=fix)
    check_run(run, "model.json")
    with _as_written(run):
        about = read_json(run / "model.json")
        with stage(sink, "open the plain model" if about["chosen"] == "plain" else f"open {about['card']['name']}"):
            return _deployed(run, about)


def modality_of(run: Path) -> Modality:
    """What a finished run takes; its network is not opened.

    Raises:
        InputError: when the folder is no finished run.
        ChangedRunError: when its files are not those that were written.
    """
    check_run(run, "model.json")
    with _as_written(run):
        return get(read_json(run / "model.json")["modality"])


@contextmanager
def _as_written(run: Path) -> Iterator[None]:
    """Whoever writes a run folder by hand writes its checksums too: what it does not hold is said to be missing."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise changed(run, f"{run} does not hold what a run holds ({type(error).__name__}: {str(error)[:120]}); nothing of it is used") from error


def _deployed(run: Path, about: Mapping[str, Any]) -> Deployed:
    modality = get(about["modality"])
    name = "plain" if about["chosen"] == "plain" else "scratch" if about["chosen"] == "scratch" else "model"
    beside = () if name == "plain" else (file for file in recorded(run) if file.startswith(f"{MODEL_FILES}/"))  # a tokenizer
    check_run(run, f"{name}.safetensors", *beside)
    check_safetensors(run / f"{name}.safetensors")
    tensors = load_file(run / f"{name}.safetensors")
    if name == "plain" and modality.counts:
        answer = counting_answer(modality, restored(tensors))
    else:
        head = LinearHead(tensors.pop("head.weight"), tensors.pop("head.bias"), 0.0)
        answer = _plain(modality.plain_features, head) if name == "plain" else _network(about, tensors, head, run)
    trust = about.get("trust", {})  # runs of 0.1.0 have none
    thresholds = {float(one["coverage"]): float(one["threshold"]) for one in trust.get("sets", ())}
    languages = about.get("languages", ()) if name == "plain" else about["card"]["input"].get("languages", ())  # runs of 0.1.0 know of no plain model's
    reads = tuple(languages) if modality.name == "text" else ()
    return Deployed(tuple(about["classes"]), about["modality"], answer, modality.suffixes, trust.get("unsure_below"), thresholds, reads)


def predict(
    run: Path,
    inputs: Sequence[str | Path],
    coverage: float | None = None,
    *,
    text: str | None = None,
    lines: bool = False,
    sink: Sink = silence,
) -> list[Prediction]:
    """Label files, every suitable file in folders, the rows of a table of texts, or texts themselves.

    Args:
        run: A finished run folder.
        inputs: Files and folders; a folder's files are taken in order of their names. For a run on texts also tables, texts themselves, and ``-``
            for the lines of standard input.
        coverage: How often a set of classes must hold the right one; None names no sets.
        text: The column of a table that holds the texts; when not given, that which the run learnt from, or else found by its name.
        lines: Does each line of a text file stand for itself?
        sink: Receives progress.

    Returns:
        One record an item, in order; unreadable ones are named in theirs.

    Raises:
        InputError: when an input does not exist or a folder holds no suitable file.
    """
    items: list[Item] = []
    if not is_wake_word(run):  # before a network is opened
        modality = modality_of(run)
        column_of_texts(text, modality)
        given = typed(inputs, modality, run)
        items = _as_taught(run, Wanted(text), lambda wanted: items_in(given, modality, run, text=wanted.text, lines=lines))
    deployed = deploy(run, sink)
    strange = Strange(deployed.languages)
    threshold = None if coverage is None else deployed.set_threshold(coverage)
    found: list[Prediction] = []
    with stage(sink, "predict", len(items), get(deployed.modality).unit) as advance:
        for begin in range(0, len(items), BATCH_ITEMS):
            found += _batch(deployed, items[begin : begin + BATCH_ITEMS], threshold, strange)
            advance(len(found))
    strange.tell(sink)
    return found


def evaluate(run: Path, data: Path, label: str | None = None, *, text: str | None = None, group: str | None = None, sink: Sink = silence) -> dict[str, Any]:
    """Judge a run on a labelled data set; intervals draw whole groups and families of repeats.

    Columns that are not named are those which the run learnt from, where the table has them.

    Raises:
        InputError: when the data set has classes that the run does not know.
        ChangedRunError: when files of the run are not those that were written.
    """
    known, deployed = _taught_by(run), deploy(run, sink)
    try:
        dataset = _as_taught(run, Wanted(text, label, group), lambda one: load(data, **vars(one), modality=deployed.modality, sink=sink, to_learn=False))
    except InputError:
        refuse_other_kind(data, deployed.modality)
        raise
    unknown = sorted(set(dataset.classes) - set(deployed.classes))
    if unknown:
        fix = f"headstart fit {shlex.quote(str(data))}   (it learns them; or take them out of the data, or name another column of labels: --label COLUMN)"
        raise InputError("the data has classes that the run was not trained on", got=", ".join(unknown), allowed=deployed.classes, fix=fix)
    rows, strange = [], Strange(deployed.languages)
    with stage(sink, "evaluate", len(dataset.content), "items") as advance:
        for begin in range(0, len(dataset.content), BATCH_ITEMS):
            positions = range(begin, min(begin + BATCH_ITEMS, len(dataset.content)))
            contents = [dataset.read(n) for n in positions]
            strange.look(contents)
            rows.append(deployed.answer(contents))
            advance(positions.stop)
    strange.tell(sink)
    seen = sum(content in known for content in dataset.content)
    if seen:
        text_of = f"beware: {seen} of {len(dataset)} items were among those that this run learnt from or was chosen by; of new ones this promises too much"
        sink(Event("note", "evaluate", text=text_of))
    place = {name: n for n, name in enumerate(deployed.classes)}
    truth = np.array([place[dataset.classes[n]] for n in dataset.labels], dtype=np.int64)
    units = units_of(dataset.content, dataset.near, dataset.groups)
    predictions = Predictions(dataset.sources, truth, np.concatenate(rows), deployed.classes, units)
    scores = {name: measure(predictions, name) for name in ("accuracy", "balanced_accuracy", "log_loss")}
    plain: dict[str, Any] = to_plain({**scores, "table": table(predictions), "n": len(truth), "seen": seen, "left_out": dataset.faults})
    return plain


def _as_taught(run: Path, wanted: Wanted, read: Callable[[Wanted], Result]) -> Result:
    """Read tables by the columns that a run learnt from, as far as no others are named; where they do not have those, by what is named alone."""
    with _as_written(run):
        taught = Wanted(**read_json(run / "model.json").get("columns", {}))  # runs of 0.1.0 have none
    both = Wanted(wanted.text or taught.text, wanted.label or taught.label, wanted.group or taught.group)
    if both != wanted:
        try:
            return read(both)
        except InputError:
            pass
    return read(wanted)


def _taught_by(run: Path) -> set[str]:
    """The contents of the items that a run has had to do with; none where it does not say, as those of 0.1.0."""
    check_run(run)
    if SPLIT not in recorded(run):
        return set()
    check_run(run, SPLIT)
    with _as_written(run):
        sides = read_json(run / SPLIT).get("content", {})
        return {one for name in ("train", "validation") for one in sides.get(name, ())}


def _batch(deployed: Deployed, items: Sequence[Item], threshold: float | None, strange: Strange) -> list[Prediction]:
    contents: dict[int, bytes] = {}
    faults: dict[int, str] = {}
    modality = get(deployed.modality)
    for n, one in enumerate(items):
        try:
            if one.fault:
                raise Unreadable(one.fault)
            content = one.read()
            modality.examine(content)
            contents[n] = content
        except (OSError, Unreadable) as error:
            faults[n] = str(error)
    strange.look(list(contents.values()))
    answers = dict(zip(contents, deployed.answer(list(contents.values())), strict=True)) if contents else {}
    shown = {n: _shown(content) for n, content in contents.items() if deployed.modality == "text" and "#" in items[n].source}
    return [_prediction(one.source, deployed, answers.get(n), faults.get(n), threshold, shown.get(n, "")) for n, one in enumerate(items)]


def _shown(content: bytes) -> str:
    """The beginning of a text, on one line."""
    return " ".join(content.decode("utf-8", "replace").split())[:SHOWN_CHARACTERS]


def _prediction(source: str, deployed: Deployed, row: NDArray[np.float32] | None, fault: str | None, threshold: float | None, shown: str) -> Prediction:
    classes = deployed.classes
    if row is None:
        return Prediction(source, "", 0.0, {}, fault)
    best = int(row.argmax())
    unsure = None if deployed.unsure_below is None else bool(row[best] < deployed.unsure_below)
    among = () if threshold is None else tuple(name for name, inside in zip(classes, sets(row[None], threshold)[0], strict=True) if inside)
    by_class = {name: float(value) for name, value in zip(classes, row, strict=True)}
    return Prediction(source, classes[best], float(row[best]), by_class, None, unsure, among, shown)


def _plain(describe: Callable[[bytes], NDArray[np.float32]], head: LinearHead) -> Answer:
    def answer(contents: Sequence[bytes]) -> Floats:
        return head.probabilities(np.stack([describe(content) for content in contents]))

    return answer


def _network(about: Mapping[str, Any], tensors: dict[str, NDArray[np.generic]], head: LinearHead, folder: Path) -> Answer:
    card, modality = from_plain(ModelCard, about["card"], "model.json"), get(about["modality"])
    recipe = modality.restored(about["recipe"]).moved(folder / MODEL_FILES)
    network = build(card, None)
    network.load_state_dict({name.removeprefix("network."): torch.from_numpy(np.array(value)) for name, value in tensors.items()}, strict=True)
    usual = recipe.example()[None]
    backbone, engine = Backbone(network, torch.from_numpy(usual)), engine_named(about["engine"])
    example = (filled(usual, items_at_once(usual.shape[1] if backbone.varies else 0)),)
    engine = engine if engine.available() else engine_named("torch-float32")
    run = runner(engine, backbone, 0, backbone.depth, (), example)
    pool = ThreadPoolExecutor(thread_name_prefix="decode")

    def answer(contents: Sequence[bytes]) -> Floats:
        items = list(pool.map(lambda content: modality.prepare(content, recipe), contents))
        lengths = [bucket(len(item)) if backbone.varies else 0 for item in items]
        rows = np.zeros((len(items), head.weight.shape[1]), dtype=np.float32)
        for longest in sorted(set(lengths)):
            together, size = [n for n, length in enumerate(lengths) if length == longest], items_at_once(longest)
            for places in (together[begin : begin + size] for begin in range(0, len(together), size)):
                batch = side_by_side([items[n] for n in places], longest or None)
                rows[places] = run((filled(batch, size),))[0][: len(places)]
        return head.probabilities(rows)

    return answer
