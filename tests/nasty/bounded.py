"""A reader and many files in, what became of each out: every file has a process of its own, held to memory, time, and its own folder.

``python -m tests.nasty.bounded READER`` reads one JSON job a line from standard input and answers one JSON line each. It loads the reader once and forks
for each job, so that a hundred jobs cost a hundred forks and not a hundred starts of Python.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

MEMORY_BYTES = 4 << 30  # of addresses, beyond what the loaded libraries have reserved: Arrow reserves some and uses little; what is used is measured
SECONDS = 20
WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate", "shutil.rmtree", "os.utime")
DEEDS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(reader: str) -> None:
    """Answer jobs until there are no more."""
    from tests.nasty.readers import MODULES, READERS

    for module in MODULES[reader]:
        importlib.import_module(module)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(READERS[reader], json.loads(line))) + "\n")
        sys.stdout.flush()


def run(read: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, tell."""
    inlet, outlet = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        with os.fdopen(outlet, "w") as told:
            told.write(json.dumps(held(read, job)))
        os._exit(0)
    os.close(outlet)
    with os.fdopen(inlet) as heard:
        said = heard.read()
    _, status, used = os.wait4(child, 0)
    seconds = time.monotonic() - started
    if not said:
        end = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        return {"outcome": "died", "message": end, "seconds": seconds, "bytes": used.ru_maxrss << 10}
    return json.loads(said) | {"seconds": seconds, "bytes": used.ru_maxrss << 10}


def held(read: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Read one file within bounds; runs in the child."""
    from headstart.base.errors import HeadstartError

    path, work = Path(job["path"]), Path(job["work"])
    os.chdir(work)
    os.environ.update(job["environment"], HEADSTART_HOME=str(work / "home"), TMPDIR=str(work))
    outside = watch(work)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    bound = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(3 * SECONDS)
    outcome, message = "survived", ""
    try:
        read(path, work)
    except HeadstartError as error:
        outcome, message = "refused", str(error)
    except ValueError as error:
        outcome, message = ("refused" if job["reader"] == "json" else "broke"), f"{type(error).__name__}: {error}"
    except BaseException as error:
        outcome, message = "broke", f"{type(error).__name__}: {error}"
    return {"outcome": outcome, "message": message[:3000], "outside": outside}


def watch(work: Path) -> list[str]:
    """Note every write outside the folder, and every deed that no reader needs."""
    found: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in DEEDS:
            found.append(event)
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            if (isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")) or (isinstance(arguments[2], int) and arguments[2] & WRITING):
                note(arguments[0], event)
        elif event in WRITES:
            for name in arguments[:2]:
                note(name, event) if isinstance(name, (str, bytes, Path)) else None

    def note(name: str | bytes | Path, event: str) -> None:
        place = os.path.abspath(os.fsdecode(name))  # noqa: PTH100 — not to follow links
        if place != os.devnull and os.path.commonpath([place, str(work)]) != str(work):
            found.append(f"{event} {place}")

    sys.addaudithook(hook)
    return found


if __name__ == "__main__":
    main(sys.argv[1])
