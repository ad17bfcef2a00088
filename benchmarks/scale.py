"""Does the cost grow in proportion to the pictures, and does the memory stay? ``fit --cut head`` of 6,000 and of 60,000 Fashion-MNIST pictures.

    python -m benchmarks.scale [--twins]

Each from an empty store in a process of its own, imports included; peak memory is the process's largest resident set. Goals: under 2 GB, cost linear.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.data import fashion
from headstart.base.folders import home


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--twins", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+", default=[6000, 60000])
    given = parser.parse_args()
    print(f"{'pictures':>9} {'seconds':>9} {'ms a picture':>13} {'peak MB':>9}  stages")
    for size in given.sizes:
        data = fashion(size)
        with tempfile.TemporaryDirectory() as fresh:
            (Path(fresh) / "gallery").symlink_to(home() / "gallery")
            command = [sys.executable, "-m", "headstart", "fit", str(data), "--model", "efficientnet_lite0", "--cut", "head", "--json", "--out", f"{fresh}/run"]
            started = time.perf_counter()
            environment = {**os.environ, "HEADSTART_HOME": fresh}
            done = subprocess.run(command if given.twins else [*command, "--no-twins"], env=environment, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - started
            if done.returncode:
                raise SystemExit(done.stderr)
            said = json.loads(done.stdout)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest child so far: sizes go up
        print(f"{size:9} {seconds:9.1f} {1000 * seconds / size:13.2f} {peak:9.0f}  {said['seconds']}  accuracy {said['test']}", flush=True)


if __name__ == "__main__":
    main()
