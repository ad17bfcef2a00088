"""How much of what must never fail its tests go through: groups of modules in, branch coverage of each out, and 1 when one is below what was promised.

    python tools/cover.py [--only readers store run] [--missing]

Lines and branches count alike, as coverage.py reckons them. Child processes count too: what is killed, forked or limited runs in processes of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMISED = 95.0  # per cent
SETTINGS = """[run]
branch = true
parallel = true
patch = subprocess, _exit, fork
source = {source}
data_file = {data}
[report]
include = {include}
exclude_also =
    if TYPE_CHECKING:
    class .*\\(Protocol\\)
"""


@dataclass(frozen=True)
class Group:
    """Modules that belong together, and the tests that go through them."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = (
    Group(
        "readers",
        (
            "data/*.py", "base/archives/*.py", "modality/image.py", "modality/audio.py", "modality/sound.py", "modality/text.py", "modality/decode.py",
            "modality/encoding.py", "modality/tokens.py", "gallery/archives.py", "gallery/card.py", "gallery/configs.py", "gallery/gguf.py",
            "gallery/headers.py", "gallery/onnx_header.py", "gallery/quantised.py", "gallery/readers.py",
        ),
        ("tests/data", "tests/base", "tests/nasty", "tests/modality", "tests/gallery"),
    ),
    Group(
        "store",
        ("activations/store.py", "activations/shard.py", "base/files.py", "base/hashing.py", "base/records.py"),
        ("tests/activations", "tests/base", "tests/nasty/test_corpus.py"),
    ),
    Group(
        "run",
        ("training/run.py", "training/keeping.py", "study/keep.py", "study/resume.py", "study/asked.py", "study/places.py", "base/journal.py"),
        ("tests/training", "tests/base", "tests/study/test_resume.py", "tests/study/test_fit.py", "tests/study/test_places.py"),
    ),
)  # fmt: skip


def measure(group: Group, folder: Path, *, missing: bool) -> float:
    """Run a group's tests and tell what share of its lines and branches they went through, in per cent."""
    data = folder / group.name / "data"
    data.parent.mkdir()
    settings = folder / f"{group.name}.ini"
    include = ",".join(str(ROOT / "src" / "headstart" / one) for one in group.modules)
    settings.write_text(SETTINGS.format(source=ROOT / "src" / "headstart", data=data, include=include), encoding="utf-8")
    words = [sys.executable, "-m", "coverage"]
    subprocess.run(
        [*words, "run", f"--rcfile={settings}", "-m", "pytest", "-q", "-n0", "-m", "not network", "-p", "no:cacheprovider", *group.tests], cwd=ROOT, check=False
    )
    quiet = {"stdout": subprocess.DEVNULL}
    subprocess.run([*words, "combine", f"--rcfile={settings}", "--keep", str(data.parent)], cwd=ROOT, check=False, **quiet)
    told = subprocess.run([*words, "report", f"--rcfile={settings}", "--skip-covered", *(["-m"] if missing else [])], cwd=ROOT, capture_output=True, text=True)
    print(told.stdout + told.stderr)
    total = subprocess.run([*words, "report", f"--rcfile={settings}", "--format=total", "--precision=1"], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(total.stdout)


def main(arguments: list[str]) -> int:
    """Measure the groups that were asked for, print a line each, and leave with 1 when one falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=[group.name for group in GROUPS], default=[group.name for group in GROUPS])
    parser.add_argument("--missing", action="store_true", help="name the lines and branches that no test went through")
    asked = parser.parse_args(arguments)
    os.environ["COVERAGE_CORE"] = "ctrace"  # the other core of coverage.py counts no branches before Python 3.14
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for group in GROUPS:
            if group.name in asked.only:
                found[group.name] = measure(group, Path(folder), missing=asked.missing)
    for name, share in found.items():
        print(f"{name}: {share:.1f} % of lines and branches; {'kept' if share >= PROMISED else 'below'} the promise of {PROMISED:.0f} %")
    return 0 if all(share >= PROMISED for share in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
