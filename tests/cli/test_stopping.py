"""Ctrl-C in the middle of real work: a clear last line, 130, nothing half-written."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import kill_data

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def heed_ctrl_c() -> None:
    """A shell's background job ignores Ctrl-C, and so would its children: the tests may run in one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_while_fetching_leaves_with_130_and_nothing_half_written(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # a hub that takes the call and never answers
        mute.settimeout(SECONDS)
        home = tmp_path / "home"
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HEADSTART_HOME": str(home), "HF_HOME": str(tmp_path / "hub")}
        environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{mute.getsockname()[1]}", "NO_PROXY": "127.0.0.1", "HF_HUB_DOWNLOAD_TIMEOUT": str(SECONDS)}
        command = [sys.executable, "-m", "headstart", "gallery", "subscribe", "hf:owner/name"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env=environment, preexec_fn=heed_ctrl_c, **pipes) as process:  # type: ignore[call-overload]
            call, _ = mute.accept()
            time.sleep(0.5)  # now it waits for an answer
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SECONDS)
            call.close()
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("stopped.") or "stopped. What" in err
    assert "Traceback" not in err and out == ""
    assert not list((home / "gallery").glob("*/weights.safetensors"))


def test_ctrl_c_in_a_fit_says_as_its_last_line_how_it_goes_on_and_so_it_does(tmp_path: Path) -> None:
    kill_data.make_small(tmp_path)
    data, run = kill_data.digits(tmp_path / "digits", 8, divided=True), tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HEADSTART_HOME": str(tmp_path)}
    words = ["fit", str(data), "--accept-licence", kill_data.SMALL, "--out", str(run), "--no-twins", "--effort", "quick", "--cut", "last"]
    with subprocess.Popen(
        [sys.executable, "-m", "headstart", *words], env=environment, preexec_fn=heed_ctrl_c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends and not ((run / "events.jsonl").is_file() and '"read"' in (run / "events.jsonl").read_text(encoding="utf-8")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, said
    last = said.splitlines()[-1]
    assert last == f"headstart resume {run}" and "Traceback" not in said
    again = subprocess.run([sys.executable, "-m", *last.split(), "--json"], env=environment, capture_output=True, text=True, timeout=SECONDS * 3, check=False)
    assert again.returncode == 0, again.stderr
    assert (run / "manifest.json").is_file() and '"run"' in again.stdout
