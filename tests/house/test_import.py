"""`import headstart` is light: no torch, nothing printed, under 0.3 seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SECONDS = 0.3
HEAVY = ("torch", "torchvision", "timm", "numpy", "sklearn", "matplotlib", "cv2", "onnx", "openvino", "pyarrow", "PIL", "rich", "typer")
TIMED_IMPORT = "import time; start = time.perf_counter(); import headstart; seconds = time.perf_counter() - start; import sys"


def python(root: Path, lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", lines], cwd=root / "src", capture_output=True, text=True, check=True)


def test_import_headstart_loads_nothing_heavy_and_prints_nothing(root: Path) -> None:
    done = python(root, f"{TIMED_IMPORT}; loaded = [name for name in {HEAVY} if name in sys.modules]; assert not loaded, loaded")
    assert (done.stdout, done.stderr) == ("", "")


def test_import_headstart_takes_under_three_tenths_of_a_second(root: Path) -> None:
    seconds = min(float(python(root, f"{TIMED_IMPORT}; print(seconds)").stdout) for _ in range(3))
    assert seconds < SECONDS


def test_every_public_verb_is_described_and_listed(root: Path) -> None:
    python(root, "import headstart as h; assert all(getattr(h, name).__doc__ for name in h.__all__)")


def test_the_command_line_shows_its_help_without_torch(root: Path) -> None:
    lines = (
        "import sys; sys.argv = ['headstart', '--help']\nfrom headstart.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
    )
    python(root, f"{lines}assert 'torch' not in sys.modules and 'numpy' not in sys.modules")
