"""The verbs of the river as a person types them: inspect, rank, plan, fit, predict, evaluate, report, demo."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

import headstart
from headstart.base.errors import InputError
from headstart.cli import words
from headstart.cli.cache import cache
from headstart.cli.clock import process_started
from headstart.cli.gallery import gallery
from headstart.cli.leave import DEBUG, guarded, resumable
from headstart.cli.listen import keyword_parts, listen
from headstart.cli.progress import watching
from headstart.cli.runs import runs
from headstart.cli.show import talk
from headstart.cli.words import give

if TYPE_CHECKING:
    from headstart.evaluation import Verdict
    from headstart.study.fit import Run

app = typer.Typer(
    name="headstart",
    help="Point it at a small labelled data set: it picks the pretrained model, decides how much of it to retrain, and proves whether the transfer helped.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(gallery, name="gallery")
app.add_typer(cache, name="cache")
app.add_typer(runs, name="runs")
app.command()(listen)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 the input is wrong, 1 our fault, 130 stopped."""
    given = sys.argv[1:] if arguments is None else arguments
    if os.environ.get(DEBUG) != "1":
        warnings.simplefilter("ignore")  # third parties' advice to programmers; a test run makes every one an error
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name that this terminal cannot spell must not end the work
    return guarded(lambda: app(args=given, standalone_mode=False, prog_name="headstart"), as_json="--json" in given)


def version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        typer.echo(f"headstart {headstart.__version__}")
        raise typer.Exit


@app.callback()
def top(asked: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")] = False) -> None:
    """The options before the verb."""


@app.command()
def demo(out: words.Out = None, accept: words.Accept = None, as_json: words.Json = False) -> None:
    """The whole river on real data: 800 photographs of solar cells, defective or whole."""
    with resumable(), watching(talk()) as sink:
        done = headstart.demo(out, accept=accept or [], sink=sink)
    give_run(done, as_json=as_json)


@app.command()
def inspect(
    data: words.Data,
    text: words.TextColumn = None,
    label: words.Label = None,
    group: words.Group = None,
    modality: words.Kind = None,
    seed: words.Seed = 0,
    as_json: words.Json = False,
) -> None:
    """Look at the data: counts, balance, broken files, duplicates, leaks, how small is small."""
    from headstart.cli.profile import profile_parts

    with watching(talk()) as sink:
        profile = headstart.inspect(data, text=text, label=label, group=group, modality=modality, seed=seed, sink=sink)
    give(profile, lambda: profile_parts(profile), as_json=as_json)


@app.command()
def rank(
    data: words.Data,
    model: words.Model = None,
    max_mb: words.MaxMb = None,
    max_ms: words.MaxMs = None,
    licence: words.Licence = None,
    seed: words.Seed = 0,
    text: words.TextColumn = None,
    label: words.Label = None,
    group: words.Group = None,
    modality: words.Kind = None,
    as_json: words.Json = False,
) -> None:
    """Compare the subscribed models on the data: published accuracy, evidence, licence, cost; which one, and why."""
    from headstart.cli.rank import rank_parts

    with watching(talk()) as sink:
        limits = {"max_mb": max_mb, "max_ms": max_ms, "licence": licence}
        found = headstart.rank(data, model=model, seed=seed, text=text, label=label, group=group, modality=modality, sink=sink, **limits)  # type: ignore[arg-type]
    give(found, lambda: rank_parts(found, data), as_json=as_json)


@app.command()
def plan(
    data: words.Data,
    text: words.TextColumn = None,
    label: words.Label = None,
    group: words.Group = None,
    modality: words.Kind = None,
    model: words.Model = None,
    cut: words.Cut = None,
    seed: words.Seed = 0,
    effort: words.EffortWord = "usual",
    learning_rate: words.Rate = None,
    precision: words.PrecisionWord = "fast",
    twins: words.Twins = True,
    budget: words.Budget = None,
    memory: words.Memory = None,
    max_mb: words.MaxMb = None,
    max_ms: words.MaxMs = None,
    licence: words.Licence = None,
    as_json: words.Json = False,
) -> None:
    """Say what fit would do, why, how long and how much disk; nothing is trained."""
    from headstart.cli.plan import plan_parts

    choices = {"model": model, "cut": cut, "seed": seed, "effort": effort, "learning_rate": learning_rate, "precision": precision, "twins": twins}
    limits = {"budget": budget, "memory": memory, "max_mb": max_mb, "max_ms": max_ms, "licence": licence}
    with watching(talk()) as sink:
        made = headstart.plan(data, text=text, label=label, group=group, modality=modality, sink=sink, **choices, **limits)  # type: ignore[arg-type]
    give(made, lambda: plan_parts(made), as_json=as_json)


@app.command()
def fit(
    context: typer.Context,
    data: words.Data,
    out: words.Out = None,
    model: words.Model = None,
    cut: words.Cut = None,
    seed: words.Seed = 0,
    effort: words.EffortWord = "usual",
    learning_rate: words.Rate = None,
    precision: words.PrecisionWord = "fast",
    twins: words.Twins = True,
    budget: words.Budget = None,
    max_mb: words.MaxMb = None,
    max_ms: words.MaxMs = None,
    licence: words.Licence = None,
    text: words.TextColumn = None,
    label: words.Label = None,
    group: words.Group = None,
    modality: words.Kind = None,
    accept: words.Accept = None,
    memory: words.Memory = None,
    task: words.TaskWord = "classification",
    false_accepts: words.FalseAccepts = 0.5,
    as_json: words.Json = False,
) -> None:
    """Pick the model, retrain as much of it as pays, and prove whether the transfer helped."""
    if task == "keyword":
        not_for_a_wake_word(context)
        given = {"false_accepts": false_accepts, "seed": seed, "twins": twins, "group": group, "accept": accept or [], "budget": budget, "memory": memory}
        with resumable(), watching(talk()) as sink:
            heard = headstart.keyword(data, out=out, sink=sink, started=process_started(), **given)  # type: ignore[arg-type]
        give(heard, lambda: keyword_parts(heard), as_json=as_json)
        return
    if is_typed(context, "false_accepts"):
        raise InputError("--false-accepts is for a wake word, and this fit tells classes apart", got=false_accepts, fix="add --task keyword, or leave it out")
    choices = {"model": model, "cut": cut, "seed": seed, "effort": effort, "learning_rate": learning_rate, "precision": precision, "twins": twins}
    limits = {"budget": budget, "memory": memory, "max_mb": max_mb, "max_ms": max_ms, "licence": licence}
    columns = {"text": text, "label": label, "group": group, "modality": modality, "accept": accept or []}
    with resumable(), watching(talk()) as sink:
        done = headstart.fit(data, out=out, sink=sink, started=process_started(), **columns, **choices, **limits)  # type: ignore[arg-type]
    give_run(done, as_json=as_json)


def not_for_a_wake_word(context: typer.Context) -> None:
    """A promise that would not be kept is not taken.

    Raises:
        InputError: naming the options that were typed.
    """
    options = {one.name: one.opts[0] for one in context.command.params if one.name not in ("data", "task", "as_json")}
    taken = [options.pop(name) for name in ("out", "seed", "twins", "group", "accept", "false_accepts", "budget", "memory")]
    typed = [word for name, word in options.items() if name and is_typed(context, name)]
    if typed:
        raise InputError(f"--task keyword does not take {', '.join(typed)}", allowed=taken, fix="leave it out")


def is_typed(context: typer.Context, name: str) -> bool:
    """Whether an option was given by the user, not by its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@app.command()
def resume(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder that was left unfinished.")],
    data: Annotated[Path | None, typer.Option(metavar="PATH", help="Where its data was moved to since.")] = None,
    as_json: words.Json = False,
) -> None:
    """Finish a run that was interrupted; it ends as it would have ended."""
    with resumable(), watching(talk()) as sink:
        done = headstart.resume(run_folder, data=data, sink=sink, started=process_started())
    from headstart.study.keyword import Result  # here already

    if isinstance(done, Result):
        give(done, lambda: keyword_parts(done), as_json=as_json)
    else:
        give_run(done, as_json=as_json)


@app.command()
def predict(
    run_folder: words.RunFolder,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help='Files, or folders of files; for texts also tables, a "text itself", and - (lines piped in).')
    ],
    coverage: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Name the classes one of which is right at least this often, up to 0.99 (conformal sets).")
    ] = None,
    text: words.TextColumn = None,
    lines: Annotated[bool, typer.Option("--lines", help="Take each line of a text file for a text of its own.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="CSV on standard output: source, label, probability, unsure, among, then a column for each class, and fault.")
    ] = False,
    as_json: words.Json = False,
) -> None:
    """Label pictures, texts or clips with a finished run."""
    from headstart.cli.predictions import give_predictions, one_form

    one_form(as_csv=as_csv, as_json=as_json)
    with watching(talk()) as sink:
        predictions = headstart.predict(run_folder, list(inputs), coverage=coverage, text=text, lines=lines, sink=sink)
    give_predictions(run_folder, predictions, as_csv=as_csv, as_json=as_json)


@app.command()
def evaluate(
    run_folder: words.RunFolder,
    data: words.Data,
    text: words.TextColumn = None,
    label: words.Label = None,
    group: words.Group = None,
    as_json: words.Json = False,
) -> None:
    """Measure a finished run on labelled data it has not seen, with intervals."""
    from headstart.cli.predictions import metrics_parts

    with watching(talk()) as sink:
        metrics = headstart.evaluate(run_folder, data, text=text, label=label, group=group, sink=sink)
    give(metrics, lambda: metrics_parts(metrics), as_json=as_json)


@app.command()
def report(run_folder: words.RunFolder, as_json: words.Json = False) -> None:
    """Write the run's report anew: one HTML page that needs no network."""
    page = headstart.report(run_folder)
    give({"report": page}, lambda: [Text(str(page))], as_json=as_json)


def cautions(verdict: Verdict, *, budget: bool = False) -> Iterator[str]:
    """What a careful reader would ask before believing the gain over the twin from scratch.

    Args:
        verdict: The run's.
        budget: Had the run a budget? Then a larger one is what gives the twin more time.
    """
    from headstart.evaluation.sentence import epochs, in_rounds

    if verdict.scratch is None:
        return
    reached, more = epochs(verdict.scratch_epochs or 0.0), "a larger --budget gives it more time" if budget else "--effort thorough gives it ten times the time"
    if verdict.scratch_frozen:
        did = f"{reached} from scratch did no better than a head on random features" if verdict.scratch_epochs else "there was no time to train from scratch"
        where, head = in_rounds(verdict.scratch_rounds), "that head" if verdict.scratch_epochs else "a head on random features"
        yield f"{did}{where}, so {head} is the twin{' there' if where else ''}; {more}"
    elif verdict.scratch_still_improving:
        yield f"the twin from scratch reached {reached} and was still improving; {more}"
    if verdict.scratch.n < verdict.test.n:
        yield f"the twin answered {verdict.scratch.n} of {verdict.test.n} test items: the gain over it is of these, and need not be the scores' difference"
    if verdict.majority is not None and verdict.scratch.value <= verdict.majority.value:
        yield "the twin from scratch did no better than always naming the largest class; the gain over the plain model is the harder test"


def give_run(done: Run, *, as_json: bool) -> None:
    """Answer with a run's verdict first, then where its report lies and how to use it."""
    from headstart.planning.plan import load_plan

    page, plan = done.folder / "report.html", load_plan(done.folder / "plan.toml")
    budget = any(one.name == "budget" and one.value for one in plan.decisions)
    sampled = [one.why for one in plan.decisions if one.name == "items"]
    lines = [
        Text(done.verdict.sentence(), style="bold"),
        *(Text(f"beware: {caution}", style="yellow") for caution in (*cautions(done.verdict, budget=budget), *sampled)),
        Text(f"\nreport: {page}\nuse it: headstart predict {shlex.quote(str(done.folder))} INPUT..."),
    ]
    give({**done.verdict.to_plain(), "run": done.folder, "report": page}, lambda: lines, as_json=as_json)
