"""Transfer, scratch and plain on four kinds of pictures: where does transfer pay, and does the verdict say so where it does not?

    python -m benchmarks.verdicts [--seeds 1] [--effort usual]

``headstart fit`` as anybody types it, with every subscribed model of ``MODELS``; results as Markdown and, with ``--out``, JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import headstart
from benchmarks.data import fashion, mnist, solar, stamps

MODELS = ("efficientnet_lite0", "mobilenet_v2")
TASKS = {
    "photo stamps (299)": stamps,
    "Fashion-MNIST (500)": lambda: fashion(500),
    "MNIST 5k (500)": lambda: mnist(500),
    "solar cells (800)": solar,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--effort", default="usual")
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(
        "| data | seed | n test | transfer | scratch | plain | gain over scratch | gain over plain | helped | chosen | model, retrained | scratch epochs | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, data in TASKS.items():
        for seed in range(given.seeds):
            with tempfile.TemporaryDirectory() as folder:
                run = headstart.fit(data(), out=Path(folder) / "run", seed=seed, effort=given.effort, model=given.model)
            said = run.verdict.to_plain()
            rows.append({"data": name, **said})
            scores = " | ".join(score(said[arm]) for arm in ("test", "scratch", "plain"))
            gains = " | ".join(gain(said[f"gain_over_{arm}"]) for arm in ("scratch", "plain"))
            what = f"{said['model']}, {said['cut']['n_blocks']} blocks"
            end = f"{said['helped']} | {said['chosen']} | {what} | {said['scratch_epochs']} | {said['seconds']['total']:.0f} |"
            print(f"| {name} | {seed} | {said['n']['test']} | {scores} | {gains} | {end}", flush=True)
            if given.out:
                given.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def score(measured: dict[str, float]) -> str:
    return f"{100 * measured['value']:.1f} ({100 * measured['low']:.1f} to {100 * measured['high']:.1f})"


def gain(found: dict[str, float]) -> str:
    return f"{found['points']:+.1f} ({found['low']:+.1f} to {found['high']:+.1f})"


if __name__ == "__main__":
    main()
