"""Does ``--budget`` hold for wake words? Asked against took, wall-clock of the whole process, of one word with six hours of other sound.

    python -m benchmarks.wake_word_budgets [--data FOLDER] [--seconds 30 60 120 300] [--again]

The goal: a finished run and its page, never more than 5 % after what was asked, or a refusal that says what it takes. The store of frames is empty each
time; the files are read anew each time, or have been examined before.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from benchmarks.command import RefusedError, fitted
from benchmarks.ledger import Column, Table, Values
from benchmarks.wake_words import lay_out
from headstart.base.folders import home

TOLERANCE = 0.05
TABLE = Table(
    name="wake_word_budgets",
    title="Asked and took: `headstart fit --task keyword --budget`, whole process",
    by=("data", "asked", "files"),
    columns=(
        Column("took", "took, s"),
        Column("ratio", "took / asked", digits=3),
        Column("kept", "kept", scale=100, digits=0),
        Column("finished", "finished", scale=100, digits=0),
        Column("test_hours", "hours tested", digits=2),
        Column("twin", "twin", digits=0),
    ),
)


def measure(data: Path, asked: float) -> Values:
    """Run the command and read what it left, or how it refused."""
    began = time.perf_counter()
    try:
        with fitted(data, "--task", "keyword", "--budget", f"{asked:g}s") as done:
            finished = all((done.run / name).is_file() for name in ("manifest.json", "report.html", "keyword.json"))
            found = {"took": done.seconds, "finished": float(finished), "test_hours": done.said["test_hours"], "told": done.said["cautions"]}
            found["twin"] = float(done.said["random"] is not None)
    except RefusedError as error:
        found = {"took": time.perf_counter() - began, "finished": 0.0, "told": str(error).strip().splitlines()[-4:]}
    return {**found, "ratio": found["took"] / asked, "kept": float(found["took"] <= (1 + TOLERANCE) * asked)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder as `fit --task keyword` takes it; a word of benchmarks.wake_words when not given")
    parser.add_argument("--seconds", type=float, nargs="+", default=[30, 60, 120, 300])
    parser.add_argument("--again", action="store_true", help="measure cells that are known once more")
    given = parser.parse_args()
    data = given.data or lay_out("it", "digits-mon-8", "settembre", "italian-carlo")
    for asked in given.seconds:
        for files in ("unread", "read before"):
            for folder in ("activations", *(("examined",) if files == "unread" else ())):
                shutil.rmtree(home() / folder, ignore_errors=True)
            key = {"data": data.name, "asked": asked, "files": files}
            values = TABLE.cell(key, lambda asked=asked: measure(data, asked), again=given.again)["values"]
            print(f"{asked:g} s, files {files}: took {values['took']:.1f} s ({values['ratio']:.3f}); {values['told']}", flush=True)
    print(TABLE.markdown().read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
