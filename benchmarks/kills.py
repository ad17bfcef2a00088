"""Does a run that was killed end as if it had not been? `kill -9` at random moments over all stages, then `headstart resume`, compared bit for bit.

    python -m benchmarks.kills [--data digits digits-divided FOLDER] [--kills 100] [--damage none truncate flip delete] [--models squeezenet1_1]
    python -m benchmarks.kills --data texts --models paraphrase_l3 --no-small
    python -m benchmarks.kills --data clips --models speech_embedding --no-small

A run F is killed several times, each time within a stage that is drawn, and resumed; with --damage a file of its folder or of the store is truncated, a
bit of it flipped, or it is deleted between kill and resume, and must be named and computed anew, or refused. Then an empty folder with nothing but what
F was asked (asked.json) and what the clock had decided for it (journal.jsonl) is walked without a kill, from an empty store: U. Weights, predictions,
verdict and plan of F and U must be equal in every bit; of JSON files all but seconds and dates.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.kill_data import SMALL, data_of, make_small
from benchmarks.ledger import CellError, Column, Table, Values
from headstart.base.folders import home

SOURCE = Path(__file__).resolve().parents[1] / "src"
STAGES: dict[str, tuple[tuple[str, ...], float, int]] = {  # by name: how its events begin, for how long it may go on, how often it comes
    "subscribe": (("fetch", "convert"), 0.3, 1),
    "read": (("read",), 0.3, 1),
    "activations": (("activations",), 0.6, 2),
    "rank": (("score ",), 0.1, 3),
    "race": (("rank and race",), 3.0, 3),
    "train": (("tune ", "scratch, "), 0.8, 6),
    "twins": (("describe", "twin from scratch"), 2.0, 3),
    "report": (("(the end)",), 1.2, 1),
}
SECONDS_BETWEEN_LOOKS = 0.003
KILLS_A_RUN = 5
ASKED_SHARE = 0.3  # how often asked.json is among the files that may be damaged: without it nothing goes on
LEFT_OUT = {"events.jsonl", "journal.jsonl", "manifest.json", "report.html", "asked.json", ".lock"}  # logs of the way, and what is made from files compared
TIMINGS = ("seconds", "date")

TABLE = Table(
    name="kills",
    title="Killed and resumed: equal to the run that was not killed?",
    by=("data", "models", "damage"),
    columns=(
        Column("kills", "kills a run"),
        Column("identical", "runs equal in every bit, %", scale=100, digits=0),
        Column("damages", "files damaged a run"),
        Column("harmed", "of them used unnoticed", digits=0),
        Column("refused", "resumes refused a run"),
        Column("seconds_unbroken", "unbroken, s"),
    ),
    notes=lambda records: list(notes(records)),
)


def notes(records: Sequence[Values]) -> Iterator[str]:
    """In how many kills, in which stages."""
    values = [record["values"] for record in records]
    if values:
        stages = sum((Counter(one["stages"]) for one in values), Counter[str]())
        identical = sum(one["kills"] for one in values if one["identical"])
        yield f"{sum(one['kills'] for one in values)} kills in {len(values)} runs, {identical} of them in runs that ended bit-identical."
        yield "By stage: " + ", ".join(f"{name} {stages[name]}" for name in STAGES) + "."
        yield f"Damaged: {dict(sum((Counter(one['damaged']) for one in values), Counter[str]()))}."


@dataclass
class Trial:
    """One run, its home, and what is done to it."""

    data: Path
    folder: Path
    models: Sequence[str]
    options: Sequence[str]
    damage: str
    draw: random.Random
    stages: Counter[str] = field(default_factory=Counter)
    damaged: Counter[str] = field(default_factory=Counter)
    unnoticed: list[str] = field(default_factory=list)
    refused: int = 0

    def home(self, name: str) -> dict[str, str]:
        """A home with a gallery and empty stores; the environment that names it."""
        place = self.folder / name
        (place / "gallery").mkdir(parents=True)
        for model in self.models:
            (place / "gallery" / model).symlink_to(home() / "gallery" / model)
        if (self.folder / "cards").is_dir():
            shutil.copytree(self.folder / "cards", place / "cards")
        return {**os.environ, "HEADSTART_HOME": str(place), "PYTHONPATH": str(SOURCE), "HEADSTART_CHECKPOINT_SECONDS": "0.05", "OMP_NUM_THREADS": "1"}

    def command(self, run: Path) -> list[str]:
        """Begin, or go on."""
        if (run / "asked.json").is_file():
            return [sys.executable, "-m", "headstart", "resume", str(run)]
        small = ["--accept-licence", SMALL] if (self.folder / "cards").is_dir() else []
        return [sys.executable, "-m", "headstart", "fit", str(self.data), "--out", str(run), *small, *self.options]

    def broken(self, n_kills: int) -> Path:
        """The run that is killed, until it is finished."""
        run, environment = self.folder / "F", self.home("home-F")
        names = list(STAGES) if (self.folder / "cards").is_dir() else list(STAGES)[1:]
        targets = sorted(self.draw.choices(names, k=n_kills), key=list(STAGES).index)
        targets = [name for n, name in enumerate(targets) if name != "subscribe" or n == 0]  # it may have ended at the first kill, and does not come again
        for target in [*targets, None]:
            said = self.go_on(run, environment, target)
            if (run / "manifest.json").is_file():
                self.go_on(run, environment, None)  # killed behind the manifest: what it says then is that the run is finished, and it tidies
                break
            if target is None:
                raise CellError(f"it did not end: {said[-2000:]}")
            if self.damage != "none":
                self.hurt(run, environment)
        return run

    def go_on(self, run: Path, environment: Mapping[str, str], target: str | None) -> str:
        """Let it work until it is killed within a stage, or ends."""
        with (self.folder / "said.txt").open("w+", encoding="utf-8") as said:
            process = subprocess.Popen(self.command(run), env=environment, stdout=said, stderr=said, cwd=self.folder, start_new_session=True)
            try:
                if target is not None and self.reached(process, run, target):
                    os.killpg(process.pid, signal.SIGKILL)
                    if process.wait() == -signal.SIGKILL:
                        self.stages[target] += 1
                process.wait(600)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            said.seek(0)
            return said.read()

    def reached(self, process: subprocess.Popen[bytes], run: Path, target: str) -> bool:
        """Wait until a stage has begun, then for a random time; False when the process has ended before."""
        begins, longest, most = STAGES[target]
        count, delay, events = 1 + int(most * self.draw.random() ** 3), self.draw.uniform(0.0, longest), run / "events.jsonl"
        seen = events.stat().st_size if events.is_file() else 0
        while process.poll() is None:
            if target == "report":
                count -= (run / "plan.toml").is_file()
            elif events.is_file():
                with events.open("rb") as stream:
                    stream.seek(seen)
                    new = stream.read()
                new = new[: new.rfind(b"\n") + 1]
                seen += len(new)
                started = (line for line in map(_event, new.splitlines()) if line.get("kind") == "start")
                count -= sum(str(line.get("stage")).startswith(begins) for line in started)
            if count <= 0:
                time.sleep(delay)
                return process.poll() is None
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return False

    def hurt(self, run: Path, environment: dict[str, str]) -> None:
        """Damage a file, see what a resume says of it, and mend what it refuses to go on without."""
        store = Path(environment["HEADSTART_HOME"]) / "activations"
        kinds = {
            "work": sorted((run / "work").glob("*.safetensors")),
            "journal": [run / "journal.jsonl"] if (run / "journal.jsonl").is_file() else [],
            "asked": [run / "asked.json"] if self.draw.random() < ASKED_SHARE else [],
            "store": sorted(store.rglob("*.safetensors")),
            "other": [path for path in sorted(run.iterdir()) if path.is_file() and path.name not in LEFT_OUT],
        }
        kind = self.draw.choice([name for name, files in kinds.items() if files])
        path = self.draw.choice(kinds[kind])
        whole = path.read_bytes()
        damage(path, self.damage, self.draw)
        self.damaged[kind] += 1
        if kind == "asked":
            done = subprocess.run(
                self.command(run) if path.exists() else [sys.executable, "-m", "headstart", "resume", str(run)], env=environment, capture_output=True, text=True
            )
            if done.returncode in {1, 2} and "asked.json" in done.stderr:
                self.refused += 1
            elif path.exists() and path.read_bytes() != whole:
                self.unnoticed.append(f"asked: {done.stderr[-300:]}")
            path.write_bytes(whole)


def damage(path: Path, how: str, draw: random.Random) -> None:
    """Truncate a file somewhere, flip one bit of it, or delete it."""
    whole = path.read_bytes()
    if how == "delete":
        path.unlink()
    elif how == "truncate":
        path.write_bytes(whole[: draw.randrange(len(whole))])
    else:
        content, place = bytearray(whole), draw.randrange(len(whole))
        content[place] ^= 1 << draw.randrange(8)
        path.write_bytes(bytes(content))


def unbroken(trial: Trial, run: Path) -> Path:
    """The same run without a kill, from nothing but what was asked and what the clock decided, and from an empty store."""
    other = trial.folder / "U"
    other.mkdir()
    for name in ("asked.json", "journal.jsonl"):
        shutil.copy(run / name, other / name)
    said = trial.go_on(other, trial.home("home-U"), None)
    if not (other / "manifest.json").is_file():
        raise CellError(f"the unbroken run did not end: {said[-2000:]}")
    return other


def differences(one: Path, other: Path) -> list[str]:
    """Files of two runs that are not equal."""
    names = {path.relative_to(run).as_posix() for run in (one, other) for path in run.rglob("*") if path.is_file()}
    return [name for name in sorted(names - LEFT_OUT) if _content(one / name) != _content(other / name)]


def measure(
    data: Path, models: Sequence[str], options: Sequence[str], how: str, n_kills: int, seed: int, *, small: bool = True, keep: Path | None = None
) -> Values:
    """One run, killed so many times, and its unbroken twin."""
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        trial = Trial(data.absolute(), Path(place), models, options, how, random.Random(f"{data.name} {how} {seed}"))
        if small:
            make_small(trial.folder)
        run = trial.broken(n_kills)
        began = time.perf_counter()
        wrong = differences(run, unbroken(trial, run))
        seconds = time.perf_counter() - began
        if wrong and keep is not None:
            shutil.copytree(place, keep / f"{data.name}-{how}-{seed}", symlinks=True, dirs_exist_ok=True)
        return {
            "kills": sum(trial.stages.values()),
            "stages": dict(trial.stages),
            "identical": float(not wrong),
            "different": wrong,
            "damages": sum(trial.damaged.values()),
            "damaged": dict(trial.damaged),
            "harmed": float(len(trial.unnoticed) + bool(wrong)),
            "unnoticed": trial.unnoticed,
            "refused": float(trial.refused),
            "notes": said_of_damage(run),
            "seconds_unbroken": seconds,
        }


def said_of_damage(run: Path) -> list[str]:
    """What the run named while it was resumed."""
    lines = map(_event, (run / "events.jsonl").read_bytes().splitlines())
    return [str(line["text"]) for line in lines if line.get("kind") == "note" and line.get("stage") in {"resume", "activations"}]


def _event(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _content(path: Path) -> object:
    """The bytes of a file; of JSON, all but timings."""
    if not path.is_file():
        return None
    if path.suffix != ".json":
        return path.read_bytes()
    return _timeless(json.loads(path.read_text(encoding="utf-8").replace("home-F", "home-U")))  # model.json names where its tokenizer lies


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if not name.endswith(TIMINGS)}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["digits", "digits-divided"], help="digits, digits-divided, texts, clips, or a path of any modality")
    parser.add_argument("--kills", type=int, default=100, help="of each data set and each kind of damage")
    parser.add_argument("--damage", nargs="+", choices=["none", "truncate", "flip", "delete"], default=["none"])
    parser.add_argument("--models", nargs="*", default=["squeezenet1_1"], help="subscribed models that compete; none for the small one alone")
    parser.add_argument("--kills-a-run", type=int, default=KILLS_A_RUN)
    parser.add_argument("--options", default="--effort quick", help="further words for headstart fit")
    parser.add_argument("--keep", type=Path, help="where runs that differ are kept")
    parser.add_argument("--no-small", action="store_true", help="subscribe to nothing while it runs (data that is no picture)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-data-") as folder:
        for name in given.data:
            data = data_of(name, Path(folder))
            for how in given.damage:
                done, number = 0, 0
                while done < given.kills:
                    key = {"data": name, "models": " ".join(given.models) or SMALL, "damage": how, "run": number}
                    again = {"small": not given.no_small, "keep": given.keep}
                    arguments = (data, given.models, given.options.split(), how, given.kills_a_run, number)
                    record = TABLE.cell(key, lambda a=arguments, b=again: measure(*a, **b))
                    if "values" not in record:
                        print(f"{name} {how} {number}: {record['fault']}", flush=True)
                        break
                    values = record["values"]
                    done, number = done + values["kills"], number + 1
                    print(
                        f"{name} {how} {number}: {values['stages']} identical {values['identical']:.0f} {values['different']} {values['damaged']}", flush=True
                    )
    print(TABLE.markdown().read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
