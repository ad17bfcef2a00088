"""Against the tutorials: the same pictures, splits and backbone through the tools people use today. How many times faster, to what accuracy?

    python -m benchmarks.tutorials --peer-venvs FOLDER                      # the whole table, resumable
    python -m benchmarks.tutorials --peer-venvs FOLDER --smoke              # 40 pictures, one epoch: does everything run?
    python -m benchmarks.tutorials --markdown                               # only render what there is

Each cell (task, method, seed) is a process of its own in an environment of its own, which is made the first time; ``seconds`` run from after the imports
to the last test prediction, ``process`` is the whole process. headstart starts from an empty store and an empty engine cache, without its twins. The
train part is everybody's to divide. ``recipe`` is the tutorials' own (frozen, Flatten, Dense 256, ten epochs; the last four layers at a tenth of the
rate, ten epochs), in Keras over VGG16 and in PyTorch over EfficientNet-Lite0. VGG16 is the gallery's ``vgg16_edges``: the thirteen convolutions of
VGG16, the same weights for both. Goals: >= 50 times faster than the recipe in Keras, >= 20 times than fastai, to at least their accuracy.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ledger import CellError, Column, Table, Values, cpu_of_children, t_interval
from benchmarks.tasks import TASKS
from headstart import gallery
from headstart.base.folders import home
from headstart.evaluation.intervals import Gain, gain, measure
from headstart.evaluation.predictions import Predictions

ROOT = Path(__file__).resolve().parents[1]
SECONDS_LIMIT = 6 * 3600  # one cell
SMOKE = {"n": 40, "test": 40}
TRUTH, OTHER = [1.0, 0.0], [0.0, 1.0]


@dataclass(frozen=True)
class Method:
    """One way to get a classifier.

    Attributes:
        name: In the table.
        program: Module under ``benchmarks.peers``.
        backbone: Card in the gallery.
        venv: Environment that it needs; empty for headstart's own.
        packages: What pip puts into that environment.
        epochs: Of the method as people use it; 0 where it decides itself.
        environment: Variables of its process.
        options: Further words of its job.
    """

    name: str
    program: str
    backbone: str
    venv: str = ""
    packages: tuple[str, ...] = ()
    epochs: int = 10
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


TORCH = "torch==2.13.0"
LITE, VGG = "efficientnet_lite0", "vgg16_edges"
METHODS = {
    method.name: method
    for method in (
        Method("headstart", "headstart_fit", LITE, options={"effort": "usual"}),
        Method("headstart-quick", "headstart_fit", LITE, options={"effort": "quick"}),
        Method("headstart-vgg16", "headstart_fit", VGG, options={"effort": "usual"}),
        Method("headstart-vgg16-quick", "headstart_fit", VGG, options={"effort": "quick"}),
        Method("fastai", "fastai_tune", LITE, "fastai", ("fastai==2.8.*", TORCH, "torchvision==0.28.0", "timm==1.0.31", "safetensors"), epochs=5),
        Method("recipe-torch", "torch_recipe", LITE),
        Method("timm-loop", "timm_loop", LITE),
        Method("autogluon", "autogluon_fit", LITE, "autogluon", ("autogluon.multimodal==1.6.3", TORCH), epochs=0),
        Method(
            "recipe-keras-tf",
            "keras_recipe",
            VGG,
            "tensorflow",
            ("keras==3.15.*", "tensorflow-cpu==2.21.*", "pillow"),
            environment={"KERAS_BACKEND": "tensorflow"},
        ),
        Method("recipe-keras-torch", "keras_recipe", VGG, "keras", ("keras==3.15.*", TORCH, "pillow"), environment={"KERAS_BACKEND": "torch"}),
    )
}
PEERS = {  # who is compared with whom: the same backbone, the same weights
    "headstart": ("fastai", "recipe-torch", "timm-loop", "autogluon"),
    "headstart-quick": ("fastai", "recipe-torch", "timm-loop", "autogluon"),
    "headstart-vgg16": ("recipe-keras-tf", "recipe-keras-torch"),
    "headstart-vgg16-quick": ("recipe-keras-tf", "recipe-keras-torch"),
}
PAIRS = tuple((ours, peer) for ours, peers in PEERS.items() for peer in peers)
USUAL_METHODS = [name for name in METHODS if name != "recipe-keras-torch"]  # Keras on TensorFlow was the faster of the two: see LOG.md
USUAL_TASKS = ("stamps", "solar", "fashion", "mnist", "emoji-noto")


def interpreter(method: Method, venvs: Path | None) -> str:
    """The Python of a method's environment, made when there is none yet."""
    if not method.venv:
        return sys.executable
    if venvs is None:
        raise CellError(f"{method.name} needs an environment of its own; fix: --peer-venvs FOLDER")
    python, done = venvs / method.venv / "bin" / "python", venvs / method.venv / ".installed"
    if done.is_file() and done.read_text(encoding="utf-8") == "\n".join(method.packages):
        return str(python)
    print(f"making {venvs / method.venv}: {', '.join(method.packages)}", file=sys.stderr, flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venvs / method.venv)], capture_output=True, text=True, check=False)
    if not made.returncode:
        words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *method.packages]
        made = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS_LIMIT)
    if made.returncode:
        raise CellError(f"{method.name} cannot be installed: {' '.join(made.stderr.split())[-300:]}")
    done.write_text("\n".join(method.packages), encoding="utf-8")
    return str(python)


def weights_for(backbone: str, folder: Path) -> dict[str, Any]:
    """The gallery's weights as the peers read them: under timm's names, and VGG16's kernels one by one."""
    from safetensors.torch import save_file

    from headstart.backbone.build import build

    card = gallery.card(backbone)
    state = build(card, gallery.weights(backbone)).net.state_dict()
    options = {"mean": list(card.input.mean), "std": list(card.input.std), "architecture": card.architecture.partition(":")[2]}
    if card.architecture.startswith("timm:"):
        features = next(tensor.shape[0] for name, tensor in reversed(state.items()) if name.endswith("running_var"))
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "weights.safetensors")
        return options | {"weights": str(folder / "weights.safetensors"), "num_features": features}
    kernels = [tensor.numpy() for name, tensor in state.items() if name.endswith(".weight")]
    biases = [tensor.numpy() for name, tensor in state.items() if name.endswith(".bias")]
    np.savez(folder / "weights.npz", **{f"weight{n}": one for n, one in enumerate(kernels)}, **{f"bias{n}": one for n, one in enumerate(biases)})
    return options | {"weights": str(folder / "weights.npz")}


def run_method(method: Method, data: Path, seed: int, given: argparse.Namespace) -> Values:
    """One cell: a process with a job, its answer as values."""
    python, card = interpreter(method, given.peer_venvs), gallery.card(method.backbone)
    epochs = given.epochs or method.epochs
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        job = {"data": str(data), "seed": seed, "epochs": epochs, "side": card.input.size, "threads": given.threads, **method.options}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(given.threads), "MKL_NUM_THREADS": str(given.threads)}
        environment |= {"HF_HUB_OFFLINE": "1", "GOMP_SPINCOUNT": "10000", **method.environment}
        if method.program == "headstart_fit":
            job["model"] = method.backbone
            (place / "gallery").symlink_to(home() / "gallery")
            environment |= {"HEADSTART_HOME": folder, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
        else:
            job |= weights_for(method.backbone, place)
        if method.program == "keras_recipe" and given.keras_epochs and not given.smoke:
            job |= {"epochs": given.keras_epochs, "whole_epochs": method.epochs}
        if method.program == "autogluon_fit" and given.autogluon_minutes:
            job["limit_seconds"] = 60 * given.autogluon_minutes
        (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
        words = [python, "-m", f"benchmarks.peers.{method.program}", str(place / "job.json"), str(place / "answer.json")]
        started, busy = time.perf_counter(), cpu_of_children()
        done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS_LIMIT)
        process, cpu = time.perf_counter() - started, cpu_of_children() - busy
        if done.returncode or not (place / "answer.json").is_file():
            raise CellError(f"{method.name}: {' '.join(done.stderr.split())[-400:]}")
        return as_values(json.loads((place / "answer.json").read_text(encoding="utf-8")), process, cpu, given.threads)


def as_values(answer: dict[str, Any], process: float, cpu: float, threads: int) -> Values:
    """What the ledger keeps: seconds, accuracy with its interval, and which test pictures were right, so that any two methods can be paired later."""
    right = [Path(file).parent.name == said for file, said in sorted(answer["predictions"].items())]
    extra = sum(seconds for name, seconds in answer["phases"].items() if name.endswith("epochs not run"))
    accuracy = measure(paired(right))
    return {
        "accuracy": {"value": accuracy.value, "low": accuracy.low, "high": accuracy.high, "n": accuracy.n},
        "seconds": round(answer["seconds"] + extra, 3),
        "process": round(process + extra, 3),
        "cpu": round(cpu, 3),
        "seconds_not_run": round(extra, 3),
        "phases": answer["phases"],
        "threads": threads,
        "right": "".join("1" if one else "0" for one in right),
        "versions": answer["versions"],
    }


def paired(right: Sequence[bool]) -> Predictions:
    """Right and wrong as predictions of a question with the answers right and wrong."""
    n = len(right)
    return Predictions(
        tuple(map(str, range(n))), np.zeros(n, np.int64), np.array([TRUTH if one else OTHER for one in right], np.float32), ("right", "wrong"), np.arange(n)
    )


def difference(ours: Sequence[str], theirs: Sequence[str]) -> Gain:
    """Points of accuracy that we are ahead, over the test pictures of all seeds, paired."""
    a, b = (paired([mark == "1" for one in said for mark in one]) for said in (ours, theirs))
    return gain(a, b)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """How many times longer theirs took, seed by seed: the geometric mean with Student's interval of the logarithms.

    Example:
        >>> ratios([1.0, 2.0], [50.0, 100.0])
        (50.0, 50.0, 50.0)
    """
    logarithms = [math.log(b / a) for a, b in zip(ours, theirs, strict=True)]
    mean, low, high = (round(math.exp(one), 6) for one in t_interval(logarithms))
    return mean, low, high


def comparisons(records: list[Values]) -> list[str]:
    """The sentences below the table: every pair on one backbone, by task."""
    found = {(record["key"]["task"], record["key"]["method"], record["key"]["seed"]): record["values"] for record in records}
    lines = []
    for task in dict.fromkeys(task for task, _, _ in found):
        for ours, theirs in PAIRS:
            seeds = sorted(seed for one, method, seed in found if (one, method) == (task, ours) and (task, theirs, seed) in found)
            if not seeds:
                continue
            pairs = [(found[task, ours, seed], found[task, theirs, seed]) for seed in seeds]
            parts = []
            for what in ("seconds", "process"):
                mean, low, high = ratios([a[what] for a, _ in pairs], [b[what] for _, b in pairs])
                parts.append(f"{mean:.1f}" + ("" if math.isnan(low) else f" ({low:.1f} to {high:.1f})"))
            if all(one["right"] for pair in pairs for one in pair):
                ahead = difference([a["right"] for a, _ in pairs], [b["right"] for _, b in pairs])
                points = f"{ahead.points:+.1f} ({ahead.low:+.1f} to {ahead.high:+.1f}) points"
            else:  # a record whose answers were lost has no pairs
                points = f"{100 * sum(a['accuracy']['value'] - b['accuracy']['value'] for a, b in pairs) / len(pairs):+.1f} points"
            count = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
            lines.append(f"{task}: {ours} is {parts[0]} times faster than {theirs} ({parts[1]} as whole processes), accuracy {points}, {count}")
        if any(values["seconds_not_run"] for (one, _, _), values in found.items() if one == task):
            lines.append(f"{task}: Keras ran some of its epochs; each that was not run counts as the mean of those after the first of its phase")
    return lines


TABLE = Table(
    "tutorials",
    "Against the tutorials: same pictures, same splits, same backbone",
    ("task", "method", "n_train", "n_test"),
    (
        Column("accuracy", "accuracy %", 100),
        Column("seconds", "seconds after the imports"),
        Column("process", "seconds of the process"),
        Column("cpu", "CPU seconds that ran"),
    ),
    comparisons,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(USUAL_TASKS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=USUAL_METHODS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--slow-seeds", type=int, default=1, help="seeds of the recipe in Keras and of AutoGluon")
    parser.add_argument("--n", type=int, help="pictures to fit on; the task's usual number when not given")
    parser.add_argument("--test", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, help="for everybody, instead of the usual ones: only for trying it out")
    parser.add_argument("--keras-epochs", type=int, default=0, help="run so many of the ten epochs of each phase and count the others as their mean; 0: all")
    parser.add_argument("--autogluon-minutes", type=float, default=0)
    parser.add_argument("--peer-venvs", type=Path, help="where the environments of the peers are, or are to be made")
    parser.add_argument("--smoke", action="store_true", help="40 pictures, one epoch, into a table of its own that is thrown away")
    parser.add_argument("--again", action="store_true", help="compute the cells of these tasks and methods anew, as after a change of headstart")
    parser.add_argument("--markdown", action="store_true", help="only render the table")
    given = parser.parse_args()
    given.peer_venvs = given.peer_venvs.resolve() if given.peer_venvs else None
    with tempfile.TemporaryDirectory() as scratch:
        table = TABLE
        if given.smoke:
            table = Table(TABLE.name, TABLE.title, TABLE.by, TABLE.columns, TABLE.notes, Path(scratch))
            given.n, given.test, given.seeds, given.epochs = given.n or SMOKE["n"], given.test or SMOKE["test"], 1, given.epochs or 1
        for seed in () if given.markdown else range(given.seeds):
            for name in given.tasks:
                for method in (METHODS[one] for one in given.methods):
                    if seed < given.slow_seeds or not method.program.startswith(("keras", "autogluon")):
                        print(one_cell(table, name, method, seed, given), flush=True)
        print(table.markdown().read_text(encoding="utf-8"))


def one_cell(table: Table, name: str, method: Method, seed: int, given: argparse.Namespace) -> str:
    """Compute a cell, or recall it, and say how it went."""
    task = TASKS[name]
    n, test = given.n or task.n, given.test or task.test
    key = {"task": name, "method": method.name, "seed": seed, "n_train": n, "n_test": test}
    record = table.cell(key, lambda: run_method(method, task.folder(n, test, seed), seed, given), again=given.again)
    if "fault" in record:
        return f"{name} {method.name} seed {seed}: failed: {record['fault']}"
    values = record["values"]
    return f"{name} {method.name} seed {seed}: {values['seconds']:.1f} s ({values['process']:.1f} s in all), accuracy {values['accuracy']['value']:.1%}"


if __name__ == "__main__":
    main()
