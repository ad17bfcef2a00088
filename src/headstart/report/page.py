"""The report: a run folder in, one self-contained ``report.html`` out (no network, no script, light and dark, prints).

The page's own Content-Security-Policy forbids scripts and addresses; texts from the user's data are escaped by Jinja2 and by matplotlib.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from headstart.base import files
from headstart.evaluation import METRICS, Table, Verdict, table
from headstart.evaluation.sentence import METRIC_WORDS, cut_words, in_rounds
from headstart.report import sections, words
from headstart.report.advice import advice
from headstart.report.curves import confusion_figure, curve_figure, had_same_time, reliability_figure
from headstart.report.folder import RunFiles, date_of, is_wake_word, read_run
from headstart.report.gains import arm_words, arms_figure, gains_figure, judged_on, shown
from headstart.report.keyword import write_keyword_report
from headstart.report.listing import chosen_score
from headstart.report.meaning import meaning
from headstart.report.network import ranking
from headstart.report.paper import written
from headstart.report.race import race
from headstart.report.trust import trust
from headstart.training.run import ASKED

OPENINGS = {"yes": "Transfer helped", "no": "Transfer did not help", "cannot tell": "Cannot tell whether transfer helped"}
FEW_CLASSES = 12  # the confusion matrix of more is drawn as a map, not as a table of numbers


def write_report(run: Path) -> Path:
    """Write ``report.html`` from the files of a run folder, and nothing else.

    Files that are missing are said to be "not recorded"; an unfinished run gets a report of what there is. The same files give the same page. A wake word
    has a page of its own.

    Args:
        run: A run folder.

    Returns:
        The page's path.

    Raises:
        InputError: when this is no run folder, or a wake word's that is unfinished.

    Cost: one to three seconds.
    """
    return write_keyword_report(run) if is_wake_word(run) else files.write(run / "report.html", render(read_run(run)))


def render(run: RunFiles) -> str:
    """The page as text."""
    return written("page.html.jinja", **_content(run))


def _content(run: RunFiles) -> dict[str, Any]:
    verdict = run.verdict
    predictions = run.arms.get(verdict.chosen if verdict else "transfer")
    evaluation = sections.evaluation(run.evidence.get("evaluation"))
    nested = bool(evaluation and evaluation["nested"])
    where = "on items it had not seen" if nested else "on the test set"
    measured = table(predictions, verdict.seed if verdict else 0) if predictions else None
    return {
        "run": run,
        "name": run.folder.resolve().name,
        "date": words.moment(date_of(run.folder)),
        "verdict": verdict,
        "resume": f"headstart resume {shlex.quote(str(run.folder))}" if (run.folder / ASKED).is_file() else None,
        "hero": _hero(verdict, run) if verdict else None,
        "gains": gains_figure(verdict) if verdict else None,
        "arms": arms_figure(verdict, where) if verdict else None,
        "curves": _curves(run),
        "same_time": had_same_time(run.history),
        "twin_rounds": in_rounds(verdict.scratch_rounds) if verdict else "",
        "measured": measured,
        "metric_names": [(name, METRIC_WORDS["en"][name].split(" (")[0]) for name in METRICS],
        "confusion_map": confusion_figure(measured.confusion, predictions.classes)
        if measured and predictions and len(predictions.classes) > FEW_CLASSES
        else None,
        "classes": predictions.classes if predictions else (),
        "confused": sections.most_confused(measured) if measured else (),
        "reliability": reliability_figure(measured.reliability) if measured else None,
        "reliability_words": _reliability_words(measured) if measured else "",
        "evaluation": evaluation,
        "answered": sections.answered(run),
        "ranking": ranking(run.ranking),
        "race": race(run.race),
        **trust(run.evidence, run.decisions),
        "advice": advice(run.evidence, run.folder, words.anything(run.model.get("modality"))),
        "mistakes": sections.mistakes(run),
        **sections.candidates(run),
        "class_counts": [(name, [counts[0], counts[2]] if nested else counts) for name, counts in sections.class_counts(run.split)],
        "class_counts_of": ("items", "tested in a round") if nested else sections.SIDES,
        "retrained": cut_words(verdict.cut) if verdict else "",
        "origins": sections.origins(run.model),
        "decisions": run.decisions,
        "stages": sections.stages(run.stage_seconds()),
        "engines": sections.engines(run.engine),
        "split": sections.split_rows(run),
        "split_facts": sections.split_facts(run.split),
        "provenance": sections.flat(run.model, skip=("state", "weights")),
        "machine": sections.flat(run.about),
        "arm_words": arm_words(verdict),
        "shown": shown(verdict) if verdict else {},
        "judged_on": {arm: judged_on(verdict, arm) for arm in shown(verdict)} if verdict else {},
    }


def _hero(verdict: Verdict, run: RunFiles) -> dict[str, Any]:
    """What stands at the top: the answer, the rest of the sentence, and what it means in everyday words."""
    rest = verdict.sentence().split(": ", 1)[1]
    best = chosen_score(verdict)
    unpretrained = "without pretraining" if verdict.scratch_frozen else "trained from scratch"
    return {
        "mood": verdict.helped.replace(" ", "-"),
        "symbol": {"yes": "✓", "no": "✕", "cannot tell": "?"}[verdict.helped],
        "opening": OPENINGS[verdict.helped],
        "rest": rest[0].upper() + rest[1:],
        "score": best,
        "metric": METRIC_WORDS["en"][verdict.metric].split(" (")[0],
        "user_gets": {"transfer": verdict.title, "plain": "The plain model", "scratch": f"{verdict.title}, {unpretrained}"}[verdict.chosen],
        "user_gets_how": cut_words(verdict.cut) if verdict.chosen == "transfer" else "it did best on validation",
        "meaning": meaning(verdict, best, run.evidence),
    }


def _curves(run: RunFiles) -> list[Any]:
    wanted = (("validation_accuracy", "Validation accuracy, %", 100.0), ("validation_loss", "Validation loss, nats", 1.0))
    drawn = [curve_figure(run.history, quantity, label, scale) for quantity, label, scale in wanted]
    return [figure for figure in drawn if figure is not None]


def _reliability_words(measured: Table) -> str:
    sure = sum(one.confidence * one.accuracy.n for one in measured.reliability) / measured.n
    gap = 100 * (sure - measured.metrics["accuracy"].value)
    small = 2.0  # points: below this the two agree for practical purposes
    how = (
        "about as sure as it is right"
        if abs(gap) < small
        else f"{'surer than it is right' if gap > 0 else 'less sure than it is right'}, by {abs(gap):.0f} points"
    )
    return f"On average the model is {how}. Expected calibration error: {100 * measured.calibration_error:.1f} points."
