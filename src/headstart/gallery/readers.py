"""Weight files of five formats, read as tensors only. Runs in the bounded subprocess of ``convert`` and nowhere else.

In: a file whose checksum was verified. Out: names and tensors in the file's own order.
Code in a file never runs: torch reads with ``weights_only=True``, numpy's format goes through an unpickler that admits arrays and nothing else.
"""

from __future__ import annotations

import pickle  # only for the subclass below, which refuses everything that is not a numpy array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headstart.base.errors import InputError

Tensors = dict[str, Any]  # numpy arrays or torch tensors
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")  # what training scripts put around a state dict
REPLICA = "module."  # what torch's data parallelism puts before every name


class ArraysOnly(pickle.Unpickler):
    """Rebuilds numpy arrays; any other class or function in the stream is refused before it is looked up."""

    admitted: ClassVar[dict[str, Any]] = {"_reconstruct": np.empty(0).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}

    def find_class(self, module: str, name: str) -> Any:
        """Give the three names that an array needs."""
        if module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray") and name in self.admitted:
            return self.admitted[name]
        raise InputError(f"the file asks for {module}.{name}: only numpy arrays are admitted")


def read(path: Path, written_as: str) -> Tensors:
    """Read a weight file of the named format."""
    readers: dict[str, Callable[[Path], Tensors]] = {
        "safetensors": _safetensors, "torch": _torch, "numpy-pickle": _numpy, "onnx": _onnx, "keras-h5": _keras,
    }  # fmt: skip
    return readers[written_as](path)


def _safetensors(path: Path) -> Tensors:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def _torch(path: Path) -> Tensors:
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    while isinstance(found, Mapping) and (inner := next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)) is not None:
        found = inner
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise InputError("the file holds no table of names and tensors")
    return {str(name).removeprefix(REPLICA): value for name, value in found.items()}


def _numpy(path: Path) -> Tensors:
    with path.open("rb") as stream:
        found = ArraysOnly(stream, encoding="latin1").load()
    tensors = dict(_leaves(found, ""))
    if not tensors:
        raise InputError("the file holds no arrays")
    return tensors


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, np.ndarray):
        yield path.lstrip("."), value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{number}")
    elif value is not None:
        raise InputError(f"{path.lstrip('.')} is a {type(value).__name__}, not an array")


def _onnx(path: Path) -> Tensors:
    """Weights in the order in which the graph first uses them.

    An exporter turns a linear layer into MatMul + Add and gives the turned weight a number for a name: it is turned back and named after its bias.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path, load_external_data=False).graph
    if any(initializer.external_data for initializer in graph.initializer):
        raise InputError("the weights lie in another file than the graph")
    arrays = {initializer.name: numpy_helper.to_array(initializer) for initializer in graph.initializer}
    biases = {name: node.input for node in graph.node if node.op_type == "Add" for name in node.input}
    tensors: Tensors = {}
    for node in graph.node:
        for name in (name for name in node.input if name in arrays and arrays[name].dtype.kind == "f"):
            if node.op_type == "MatMul":
                bias = next((one for one in biases.get(node.output[0], ()) if one in arrays), name)
                tensors[f"{bias.removesuffix('.bias')}.weight" if bias.endswith(".bias") else name] = arrays[name].T
            else:
                tensors[name] = arrays[name]
    return tensors


def _keras(path: Path) -> Tensors:
    import h5py

    tensors: Tensors = {}

    def visit(name: str, value: Any) -> None:
        if isinstance(value, h5py.Dataset):
            if value.external or value.is_virtual:
                raise InputError(f"{name} lies in another file")
            tensors[name.replace("/", ".")] = value[()]

    with h5py.File(path, "r") as opened:
        opened.visititems(visit)
    return tensors
