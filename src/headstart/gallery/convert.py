"""The subprocess that turns any weight file into safetensors, with bounds on memory, time, written bytes, network and further programs.

In: a task as JSON on the command line (``conversion`` writes it). Out: a safetensors file; its metadata keep the tensors' order, which the format does not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from headstart.base.errors import InputError

MEMORY_BYTES = 8 << 30  # torch alone reserves about 3 GB of address space
MEMORY_PER_BYTE = 6  # a file is held several times while it is turned and written
WRITE_SPARE_BYTES = 64 << 20
WRITE_PER_BYTE = 3  # half precision may become single, small headers come on top
REFUSED = 2
BLOCKED = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")


def _bound(size: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's time limit still holds there
        return
    memory, written = MEMORY_BYTES + MEMORY_PER_BYTE * size, WRITE_SPARE_BYTES + WRITE_PER_BYTE * size
    for kind, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, written), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (bound, bound))


def _close_doors() -> None:
    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event in BLOCKED:
            raise PermissionError(f"{event} is not for a program that reads weights")

    sys.addaudithook(hook)


def _as_torch(value: Any, layout: str) -> Any:
    import numpy as np
    import torch

    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiub":
            raise InputError(f"an array of {value.dtype} is no weight")
        value = torch.from_numpy(np.array(value, order="C"))  # a writable copy: torch warns about arrays that lie in a file
    if layout == "hwio" and value.ndim in (2, 4):
        value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T
    return value.detach().clone().contiguous()


def main(task: dict[str, Any]) -> None:
    """Read, turn, write: the subprocess's whole life."""
    _bound(task["bytes"], task["seconds"])
    import torch  # before the doors close: importing it looks around
    from safetensors.torch import save_file

    from headstart.gallery import readers

    torch.set_num_threads(1)
    if task["format"] == "onnx":
        import onnx  # noqa: F401
    _close_doors()
    tensors = {name: _as_torch(value, task["layout"]) for name, value in readers.read(Path(task["path"]), task["format"]).items()}
    save_file(tensors, task["to"], metadata={"order": json.dumps(list(tensors))})


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except Exception as error:
        sys.stderr.write(f"\n{type(error).__name__}: {' '.join(str(error).split())[:400]}\n")
        sys.exit(REFUSED)
